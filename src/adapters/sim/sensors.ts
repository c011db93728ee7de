import type { EnuFrame } from '../../math/geodesy.ts';
import { normalGravity } from '../../math/geodesy.ts';
import type { Random } from '../../math/random.ts';
import { quatConjugate, quatFromRpy, quatRotate } from '../../math/so3.ts';
import { add } from '../../math/vec3.ts';
import type { GnssFix, ImuSample, Odometry, Stamp, Vec3 } from '../../types.ts';
import type { Motion } from './drive.ts';

/** Each sensor is a function from (stamp, truth) to a reading and keeps its own slowly changing errors. */
type Sensor<Reading> = (stamp: Stamp, motion: Motion, seconds: number) => Reading;

/** A MEMS IMU in base_link: constant biases, white noise a sample. Specific force: +g upwards at rest. */
export function imu(frame: EnuFrame, random: Random): Sensor<ImuSample> {
  const gravity = normalGravity(frame.origin.lat, frame.origin.ellipsoidalHeight);
  const gyroBias = noise(random, 0.002);
  const accelerometerBias = noise(random, 0.03);
  return (stamp, { T_map_base, acceleration, angular }) => {
    const [ax, ay, az] = acceleration;
    const force = quatRotate(quatConjugate(T_map_base.orientation), [ax, ay, az + gravity]);
    return {
      stamp,
      frameId: 'base_link',
      angularVelocity: add(add(angular, gyroBias), noise(random, 0.002)),
      linearAcceleration: add(add(force, accelerometerBias), noise(random, 0.02)),
    };
  };
}

/** Of one fix between buildings: metres of the reflected signal's pull, and of white noise on each axis. */
const CANYON_BIAS = 5;
const CANYON_NOISE = 1.5;

/** A receiver between buildings: white noise and a bias of 5 m that turns slowly, both covered by its covariance. */
export function gnss(frame: EnuFrame, random: Random): Sensor<GnssFix> {
  const phase = random.uniform(0, 2 * Math.PI);
  const turnRate = random.uniform(-0.03, 0.03);
  const variance = CANYON_BIAS ** 2 + CANYON_NOISE ** 2;
  return (stamp, { T_map_base }, seconds) => {
    const angle = phase + turnRate * seconds;
    const bias: Vec3 = [CANYON_BIAS * Math.cos(angle), CANYON_BIAS * Math.sin(angle), 0];
    const fix = frame.toGeodetic(add(add(T_map_base.position, bias), noise(random, CANYON_NOISE)));
    return {
      stamp,
      frameId: 'base_link',
      status: 0,
      latitude: fix.lat,
      longitude: fix.lon,
      altitude: fix.ellipsoidalHeight,
      covariance: [variance, 0, 0, 0, variance, 0, 0, 0, variance],
      covarianceType: 2,
    };
  };
}

/** Wheel encoders: a scale error of up to 1 %, small noise, dead reckoning in `odom` from readings `period` s apart. */
export function odometry(period: number, random: Random): Sensor<Odometry> {
  const scale = 1 + random.uniform(-0.01, 0.01);
  let [x, y, yaw] = [0, 0, 0];
  return (stamp, { forward, angular }) => {
    // Wheels at rest count nothing.
    const speed = forward === 0 ? 0 : scale * forward + random.gaussian(0, 0.01);
    const rate = forward === 0 ? 0 : scale * angular[2] + random.gaussian(0, 0.005);
    const middle = yaw + (rate * period) / 2;
    x += speed * period * Math.cos(middle);
    y += speed * period * Math.sin(middle);
    yaw += rate * period;
    return {
      stamp,
      frameId: 'odom',
      childFrameId: 'base_link',
      pose: { position: [x, y, 0], orientation: quatFromRpy(0, 0, yaw) },
      linear: [speed, 0, 0],
      angular: [0, 0, rate],
    };
  };
}

function noise(random: Random, sigma: number): Vec3 {
  return [random.gaussian(0, sigma), random.gaussian(0, sigma), random.gaussian(0, sigma)];
}
