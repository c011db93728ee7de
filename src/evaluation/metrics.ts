import { relative } from '../math/se3.ts';
import { logSo3, quatConjugate, quatMultiply, yawOf } from '../math/so3.ts';
import { mean, percentile, rms } from '../math/statistics.ts';
import { norm, sub } from '../math/vec3.ts';
import type { Pose, Stamp } from '../types.ts';
import type { PosePair } from './associate.ts';

const DEGREES = 180 / Math.PI;

/**
 * How errors are spread. The p-th percentile of n sorted values lies at place p/100·(n−1), counted from 0, linear
 * between the two order statistics there (Hyndman & Fan 1996, type 7; numpy's default); the median is p = 50.
 */
export interface Spread {
  readonly median: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
  readonly rmse: number;
  readonly mean: number;
}

/** The absolute error of one pose. */
export interface PoseError {
  readonly stamp: Stamp;
  /** distance between the positions, metres */
  readonly translation: number;
  /** angle of the rotation between the orientations, degrees, ≥ 0 */
  readonly rotation: number;
  /** heading of the estimate less that of the reference, degrees in (−180, 180] */
  readonly yaw: number;
}

export interface AbsoluteError {
  /** metres */
  readonly translation: Spread;
  /** degrees */
  readonly rotation: Spread;
  /** degrees, of the absolute heading differences */
  readonly yaw: Spread;
}

/** The spread of absolute values, or null when there are none. */
export function spread(values: readonly number[]): Spread | null {
  if (values.length === 0) return null;
  const sorted = Float64Array.from(values).sort();
  return {
    median: percentile(sorted, 50),
    p95: percentile(sorted, 95),
    p99: percentile(sorted, 99),
    max: sorted[sorted.length - 1]!,
    rmse: rms(sorted),
    mean: mean(sorted),
  };
}

/** The absolute error (APE; Sturm et al. 2012) of every pair, in the order given. */
export function poseErrors(pairs: readonly PosePair[]): PoseError[] {
  return pairs.map(({ stamp, estimate, reference }) => ({
    stamp,
    translation: norm(sub(estimate.position, reference.position)),
    rotation: rotationDegrees(reference, estimate),
    yaw: wrapDegrees((yawOf(estimate.orientation) - yawOf(reference.orientation)) * DEGREES),
  }));
}

/** APE of all pairs; null when nothing matched. */
export function absoluteError(pairs: readonly PosePair[]): AbsoluteError | null {
  const errors = poseErrors(pairs);
  const translation = spread(errors.map((error) => error.translation));
  const rotation = spread(errors.map((error) => error.rotation));
  const yaw = spread(errors.map((error) => Math.abs(error.yaw)));
  return translation && rotation && yaw && { translation, rotation, yaw };
}

/** The error of the motion between two pairs, E = (Q_i⁻¹ Q_j)⁻¹ (P_i⁻¹ P_j); Sturm et al. 2012, eq. 3. */
export function motionError(from: PosePair, to: PosePair): { translation: number; rotation: number } {
  const moved = relative(from.estimate, to.estimate);
  const should = relative(from.reference, to.reference);
  return {
    translation: norm(relative(should, moved).position),
    rotation: rotationDegrees(should, moved),
  };
}

function rotationDegrees(a: Pose, b: Pose): number {
  return norm(logSo3(quatMultiply(quatConjugate(a.orientation), b.orientation))) * DEGREES;
}

/** An angle in (−180, 180]. */
function wrapDegrees(angle: number): number {
  return angle - 360 * Math.ceil((angle - 180) / 360);
}
