import { zeros } from '../math/scratch.ts';
import type { Pose, Quat, Stamp, UpdateRecord, Vec3 } from '../types.ts';
import type { FusionConfig } from './fusion-config.ts';
import { unknownWheels, type Wheels } from './wheel-calibration.ts';

/** Rows of the error state: δx = [δp δv δθ δb_g δb_a], p and v in map axes, R_true = Exp(δθ) R (Solà 2017, §7). */
export const POSITION = 0;
export const VELOCITY = 3;
export const ATTITUDE = 6;
export const GYRO_BIAS = 9;
export const ACCELEROMETER_BIAS = 12;
export const STATES = 15;

/** Refusals in a row that agree with each other: the start of a dispute between a sensor and the filter. */
export interface Dispute {
  readonly since: Stamp;
  readonly count: number;
  /** measured − predicted position of the latest, metres, map axes */
  readonly offset: Vec3;
}

/** IMU readings in base axes, not yet corrected for bias. */
export interface ImuReading {
  readonly stamp: Stamp;
  /** rad/s */
  readonly angularVelocity: Vec3;
  /** specific force, m/s²: +g upwards at rest */
  readonly linearAcceleration: Vec3;
}

/**
 * All that the filter knows at one time, never changed once made. What decides about later measurements (trust,
 * disputes, standing) is part of it, so that replaying from any point of the history decides alike. Every state has
 * every field: objects of one shape are cheap to copy and to collect.
 */
export interface FilterState {
  readonly stamp: Stamp;
  readonly position: Vec3;
  /** of base_link, m/s, map axes */
  readonly velocity: Vec3;
  /** q_map_base */
  readonly orientation: Quat;
  readonly gyroBias: Vec3;
  readonly accelerometerBias: Vec3;
  /** 15 × 15 row-major */
  readonly covariance: Float64Array;
  /** rad/s, base axes: the gyro's while it speaks, else held from odometry and registrations */
  readonly angularVelocity: Vec3;
  /** (rad/s)², of each axis of `angularVelocity` */
  readonly angularVariance: number;
  readonly imu: ImuReading | undefined;
  /** standing still: position and attitude are held */
  readonly still: boolean;
  /** since when odometry, and the IMU, have said so */
  readonly odometryStillSince: Stamp | undefined;
  readonly imuStillSince: Stamp | undefined;
  readonly lastStationary: Stamp | undefined;
  readonly lastOdometry: Stamp | undefined;
  readonly odometryRefusedSince: Stamp | undefined;
  readonly lastRegistration: { readonly stamp: Stamp; readonly orientation: Quat } | undefined;
  readonly registrationDispute: Dispute | undefined;
  /** of the last fix that was used or not needed; the initial pose counts as one, for it may be made of fixes */
  readonly lastGnss: Stamp;
  readonly gnssDispute: Dispute | undefined;
  readonly gnssRefusals: number;
  readonly gnssGood: number;
  readonly gnssDistrusted: boolean;
  readonly wheels: Wheels;
  readonly slippedUntil: Stamp | undefined;
  /** by how much innovations exceed what is claimed, on average, and what the variance is scaled by for it */
  readonly scaling: { readonly registration: Scaling; readonly odometry: Scaling };
}

/** See `adaptScale`. */
export interface Scaling {
  readonly ratio: number;
  readonly factor: number;
}

const AS_CLAIMED: Scaling = { ratio: 1, factor: 1 };

/** What the filter's pure steps share: the settings, and χ² quantiles computed once each. */
export interface FusionContext {
  readonly config: FusionConfig;
  threshold(probability: number, dof: number): number;
}

/** A new state and what is said of the measurement that led to it. */
export interface Outcome {
  readonly state: FilterState;
  readonly record: UpdateRecord;
}

/** Seconds from `a` to `b`. */
export function secondsBetween(a: Stamp, b: Stamp): number {
  return Number(b - a) * 1e-9;
}

/** `stamp` moved by seconds, to the nearest nanosecond. */
export function shiftStamp(stamp: Stamp, seconds: number): Stamp {
  return stamp + BigInt(Math.round(seconds * 1e9));
}

/**
 * The first state. `covariance` is 6 × 6 row-major, order x y z rotX rotY rotZ about map axes at base_link;
 * `velocity` in m/s, map axes, unknown where absent.
 */
export function initialState(
  stamp: Stamp,
  pose: Pose,
  covariance: ArrayLike<number>,
  velocity: Vec3 | undefined,
  config: FusionConfig,
): FilterState {
  const { initial, constantVelocity } = config;
  const p = zeros(STATES * STATES);
  const place = (i: number) => (i < 3 ? POSITION + i : ATTITUDE + i - 3);
  for (let i = 0; i < 6; i++) {
    for (let j = 0; j < 6; j++) {
      p[place(i) * STATES + place(j)] = (covariance[6 * i + j]! + covariance[6 * j + i]!) / 2;
    }
  }
  const sigmas: [number, number][] = [
    [VELOCITY, velocity ? initial.knownVelocitySigma : initial.velocitySigma],
    [GYRO_BIAS, initial.gyroBiasSigma],
    [ACCELEROMETER_BIAS, initial.accelerometerBiasSigma],
  ];
  for (const [row, sigma] of sigmas) {
    for (let i = row; i < row + 3; i++) p[i * STATES + i] = sigma * sigma;
  }
  return {
    stamp,
    position: pose.position,
    velocity: velocity ?? [0, 0, 0],
    orientation: pose.orientation,
    gyroBias: [0, 0, 0],
    accelerometerBias: [0, 0, 0],
    covariance: p,
    angularVelocity: [0, 0, 0],
    angularVariance: constantVelocity.maxRateSigma ** 2,
    imu: undefined,
    still: false,
    odometryStillSince: undefined,
    imuStillSince: undefined,
    lastStationary: undefined,
    lastOdometry: undefined,
    odometryRefusedSince: undefined,
    lastRegistration: undefined,
    registrationDispute: undefined,
    lastGnss: stamp,
    gnssDispute: undefined,
    gnssRefusals: 0,
    gnssGood: 0,
    gnssDistrusted: false,
    wheels: unknownWheels(config.odometry),
    slippedUntil: undefined,
    scaling: { registration: AS_CLAIMED, odometry: AS_CLAIMED },
  };
}
