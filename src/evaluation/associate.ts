import { interpolatePose } from '../math/se3.ts';
import type { Pose, Stamp, StampedPose } from '../types.ts';

/** An estimated pose and the reference's at the same time, both T_map_base. */
export interface PosePair {
  readonly stamp: Stamp;
  readonly estimate: Pose;
  readonly reference: Pose;
}

export interface AssociationOptions {
  /** Take the reference between its poses instead of the nearest one. Default false. */
  readonly interpolate?: boolean | undefined;
  /** Nearest: the furthest stamp that still counts as the same time, seconds. Default 0.01. */
  readonly maxDifference?: number | undefined;
  /** Interpolation: the widest gap between two reference poses to bridge, seconds. Default 0.5. */
  readonly maxGap?: number | undefined;
}

/**
 * Pairs each estimate with the reference at its stamp; estimates without one are left out. Both lists rise in time.
 *
 * Nearest (default): the reference nearest in time within `maxDifference`; one reference may serve two estimates. At
 * 10 m/s and 10 ms this alone can cost 10 cm, so interpolate where the two clocks tick at different times.
 * Interpolated: position on the straight line, orientation by slerp, never beyond the reference's ends.
 */
export function associate(
  estimate: readonly StampedPose[],
  reference: readonly StampedPose[],
  { interpolate = false, maxDifference = 0.01, maxGap = 0.5 }: AssociationOptions = {},
): PosePair[] {
  const pairs: PosePair[] = [];
  let after = 0;
  for (const { stamp, pose } of estimate) {
    while (after < reference.length && reference[after]!.stamp < stamp) after++;
    const before = reference[after - 1];
    const next = reference[after];
    const found = interpolate
      ? between(before, next, stamp, toNs(maxGap))
      : nearest(before, next, stamp, toNs(maxDifference));
    if (found !== undefined) pairs.push({ stamp, estimate: pose, reference: found });
  }
  return pairs;
}

function nearest(
  before: StampedPose | undefined,
  next: StampedPose | undefined,
  stamp: Stamp,
  limitNs: bigint,
): Pose | undefined {
  const candidates = [before, next].filter((pose) => pose !== undefined);
  const distance = (pose: StampedPose) => (pose.stamp < stamp ? stamp - pose.stamp : pose.stamp - stamp);
  const [first, second] = candidates;
  if (first === undefined) return undefined;
  const best = second !== undefined && distance(second) < distance(first) ? second : first;
  return distance(best) <= limitNs ? best.pose : undefined;
}

function between(
  before: StampedPose | undefined,
  next: StampedPose | undefined,
  stamp: Stamp,
  maxGapNs: bigint,
): Pose | undefined {
  if (next === undefined) return undefined;
  if (next.stamp === stamp) return next.pose;
  if (before === undefined || next.stamp - before.stamp > maxGapNs) return undefined;
  const t = Number(stamp - before.stamp) / Number(next.stamp - before.stamp);
  return interpolatePose(before.pose, next.pose, t);
}

function toNs(seconds: number): bigint {
  return BigInt(Math.round(seconds * 1e9));
}
