import { fusionSchema } from '../../src/localization/fusion-config.ts';
import { PoseFilter } from '../../src/localization/pose-filter.ts';
import { Random } from '../../src/math/random.ts';
import { expSo3, quatFromRpy, quatMultiply } from '../../src/math/so3.ts';
import type { Pose, Stamp, Vec3 } from '../../src/types.ts';

export const START: Stamp = 1_700_000_000_000_000_000n;
export const GRAVITY = 9.80665;
export const at = (seconds: number): Stamp => START + BigInt(Math.round(seconds * 1e9));

export function diagonal(...sigmas: number[]): Float64Array {
  const n = sigmas.length;
  const out = new Float64Array(n * n);
  sigmas.forEach((sigma, i) => {
    out[i * n + i] = sigma * sigma;
  });
  return out;
}

export const POSE_SIGMAS = [0.02, 0.02, 0.02, 0.001, 0.001, 0.001] as const;

/** A robot that weaves over level ground: v = 1 + 0.3 sin(0.7 t), yaw rate 0.3 sin(0.5 t). */
export class Weaver {
  #x = 0;
  #y = 0;
  #time = 0;

  static speed = (t: number) => 1 + 0.3 * Math.sin(0.7 * t);
  static yawRate = (t: number) => 0.3 * Math.sin(0.5 * t);
  static yaw = (t: number) => 0.6 * (1 - Math.cos(0.5 * t));

  /** T_map_base at a time not before the last one asked for. */
  pose(time: number): Pose {
    const steps = Math.ceil((time - this.#time) * 1000);
    const h = (time - this.#time) / Math.max(1, steps);
    for (let i = 0; i < steps; i++) {
      const middle = this.#time + h / 2;
      this.#x += h * Weaver.speed(middle) * Math.cos(Weaver.yaw(middle));
      this.#y += h * Weaver.speed(middle) * Math.sin(Weaver.yaw(middle));
      this.#time += h;
    }
    this.#time = time;
    return { position: [this.#x, this.#y, 0], orientation: quatFromRpy(0, 0, Weaver.yaw(time)) };
  }

  velocity(t: number): Vec3 {
    return [Weaver.speed(t) * Math.cos(Weaver.yaw(t)), Weaver.speed(t) * Math.sin(Weaver.yaw(t)), 0];
  }

  /** Perfect IMU: forward 0.21 cos(0.7 t), centripetal v ω, and gravity's reaction. */
  imu(t: number): { angularVelocity: Vec3; linearAcceleration: Vec3 } {
    return {
      angularVelocity: [0, 0, Weaver.yawRate(t)],
      linearAcceleration: [0.21 * Math.cos(0.7 * t), Weaver.speed(t) * Weaver.yawRate(t), GRAVITY],
    };
  }
}

export const noise3 = (r: Random, sigma: number): Vec3 => [
  r.gaussian(0, sigma),
  r.gaussian(0, sigma),
  r.gaussian(0, sigma),
];
export const plus = (a: Vec3, b: Vec3): Vec3 => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];

export function spoiled(pose: Pose, r: Random, position: number, rotation: number): Pose {
  return {
    position: plus(pose.position, noise3(r, position)),
    orientation: quatMultiply(expSo3(noise3(r, rotation)), pose.orientation),
  };
}

export type Send = (filter: PoseFilter) => void;

/** Sensor messages of a weaving drive in the order of their stamps: IMU 100 Hz, odometry 20 Hz, registration 10 Hz. */
export function drive(seconds: number, seed: number): { time: number; send: Send; sensor: string }[] {
  const r = new Random(seed);
  const robot = new Weaver();
  const messages: { time: number; send: Send; sensor: string }[] = [];
  for (let k = 1; k <= seconds * 100; k++) {
    const time = k / 100;
    const truth = robot.pose(time);
    const { angularVelocity, linearAcceleration } = robot.imu(time);
    const sample = {
      stamp: at(time),
      angularVelocity: plus(angularVelocity, noise3(r, 0.01)),
      linearAcceleration: plus(linearAcceleration, noise3(r, 0.1)),
    };
    messages.push({ time, sensor: 'imu', send: (f) => void f.imu(sample) });
    if (k % 5 === 0) {
      const linear = plus([Weaver.speed(time), 0, 0], noise3(r, 0.03));
      const angular: Vec3 = [0, 0, Weaver.yawRate(time) + r.gaussian(0, 0.02)];
      messages.push({ time, sensor: 'odometry', send: (f) => void f.odometry(at(time), linear, angular) });
    }
    if (k % 10 === 0) {
      const pose = spoiled(truth, r, 0.02, 0.001);
      messages.push({
        time,
        sensor: 'registration',
        send: (f) => void f.registration(at(time), pose, diagonal(...POSE_SIGMAS)),
      });
    }
  }
  return messages;
}

/** A filter with the defaults, or some of them changed, started at the origin, looking east, at 1 m/s. */
export function startedFilter(settings: unknown = {}): PoseFilter {
  const filter = new PoseFilter(fusionSchema.parse(settings));
  filter.initialize(
    START,
    { position: [0, 0, 0], orientation: [0, 0, 0, 1] },
    diagonal(0.05, 0.05, 0.05, 0.01, 0.01, 0.01),
    [1, 0, 0],
  );
  return filter;
}
