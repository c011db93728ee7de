import { type Geodetic, normalGravity } from '../../../math/geodesy.ts';
import type { Random } from '../../../math/random.ts';
import { logSo3, quatConjugate, quatFromRpy, quatMultiply, quatRotate } from '../../../math/so3.ts';
import { add, scale, sub, ZERO } from '../../../math/vec3.ts';
import type { ImuSample, Odometry, Pose, Stamp, Vec3 } from '../../../types.ts';
import type { RobotBody } from './body.ts';

/** Of a MEMS IMU of the class of Bosch's BMI088, and its walk. */
const GYRO = { bias: 0.003, noise: 0.002, walk: 2e-5 } as const;
const ACCELEROMETER = { bias: 0.04, noise: 0.02, walk: 3e-4 } as const;

/** An IMU whose biases walk and that the ground shakes. Readings are means over one period, stamped at its middle. */
export class CityImu {
  readonly #random: Random;
  readonly #gravity: Vec3;
  #gyroBias: Vec3;
  #accelerometerBias: Vec3;
  #before: Pose;
  #velocity: Vec3 = ZERO;

  constructor(origin: Geodetic, start: Pose, random: Random) {
    this.#random = random;
    this.#gravity = [0, 0, normalGravity(origin.lat, origin.ellipsoidalHeight)];
    this.#gyroBias = this.#noise(GYRO.bias);
    this.#accelerometerBias = this.#noise(ACCELEROMETER.bias);
    this.#before = start;
  }

  read(stamp: Stamp, body: RobotBody, period: number): ImuSample {
    const now = body.pose;
    const velocity = scale(sub(now.position, this.#before.position), 1 / period);
    const acceleration = scale(sub(velocity, this.#velocity), 1 / period);
    const turned = logSo3(quatMultiply(quatConjugate(this.#before.orientation), now.orientation));
    const force = quatRotate(quatConjugate(this.#before.orientation), add(acceleration, this.#gravity));
    [this.#before, this.#velocity] = [now, velocity];
    const root = Math.sqrt(period);
    this.#gyroBias = add(this.#gyroBias, this.#noise(GYRO.walk * root));
    this.#accelerometerBias = add(this.#accelerometerBias, this.#noise(ACCELEROMETER.walk * root));
    const shake = body.material.vibration * Math.min(2, Math.abs(body.speed));
    return {
      stamp,
      frameId: 'imu_link',
      angularVelocity: add(
        add(scale(turned, 1 / period), this.#gyroBias),
        this.#noise(GYRO.noise + 0.02 * shake),
      ),
      linearAcceleration: add(add(force, this.#accelerometerBias), this.#noise(ACCELEROMETER.noise + shake)),
    };
  }

  /** After the robot was carried: nobody shook it at the speed of a jump. */
  restart(pose: Pose): void {
    this.#before = pose;
    this.#velocity = ZERO;
  }

  #noise(sigma: number): Vec3 {
    return [
      this.#random.gaussian(0, sigma),
      this.#random.gaussian(0, sigma),
      this.#random.gaussian(0, sigma),
    ];
  }
}

/** Wheel encoders: wrong radius and track, slip by the ground, nothing while the wheels stand. */
export class CityWheels {
  readonly #random: Random;
  readonly #scale: number;
  readonly #track: number;
  #x = 0;
  #y = 0;
  #yaw = 0;
  #slip = 0;

  constructor(random: Random) {
    this.#random = random;
    this.#scale = 1 + random.uniform(-0.01, 0.01);
    this.#track = 1 + random.uniform(-0.04, 0.04);
  }

  read(stamp: Stamp, body: RobotBody, period: number): Odometry {
    // Slip lasts for about half a second: a wheel that spins goes on spinning for a moment.
    const keep = Math.exp(-period / 0.5);
    const drawn = this.#random.gaussian(0, body.material.slip);
    this.#slip = keep * this.#slip + Math.sqrt(1 - keep * keep) * drawn;
    const moves = body.speed !== 0 || body.turn !== 0;
    const speed = moves ? this.#scale * (1 + this.#slip) * body.speed + this.#random.gaussian(0, 0.005) : 0;
    const turn = moves ? this.#track * body.turn + this.#random.gaussian(0, 0.005) : 0;
    const middle = this.#yaw + (turn * period) / 2;
    this.#x += speed * period * Math.cos(middle);
    this.#y += speed * period * Math.sin(middle);
    this.#yaw += turn * period;
    return {
      stamp,
      frameId: 'odom',
      childFrameId: 'base_link',
      pose: { position: [this.#x, this.#y, 0], orientation: quatFromRpy(0, 0, this.#yaw) },
      linear: [speed, 0, 0],
      angular: [0, 0, turn],
    };
  }
}
