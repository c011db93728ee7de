import { percentile } from '../math/statistics.ts';
import type { LocalizationState, Stamp } from '../types.ts';
import { associate } from './associate.ts';
import { type RunRecord, trajectoryOf } from './run-record.ts';

/** One pose with what it claimed and, where the reference knows it, how far off it was over the plane. Metres. */
export interface ProtectedPose {
  readonly stamp: Stamp;
  readonly level: number;
  readonly error: number | undefined;
  readonly state: LocalizationState;
}

/** Whether the true error stayed below the protection level. */
export interface ProtectionSummary {
  /** poses that say a level, and of them those that the reference can judge and whose error was above it */
  readonly poses: number;
  readonly judged: number;
  readonly above: number;
  /** of the level while TRACKING, metres; null when it never was */
  readonly level: { readonly median: number; readonly p95: number; readonly max: number } | null;
}

/** Every pose that says a protection level, in order of time. */
export function protectedPoses(record: RunRecord): ProtectedPose[] {
  const pairs = associate(trajectoryOf(record.frames), record.reference ?? [], record.association);
  const errors = new Map(
    pairs.map(({ stamp, estimate: { position: a }, reference: { position: b } }) => [
      stamp,
      Math.hypot(a[0] - b[0], a[1] - b[1]),
    ]),
  );
  return record.frames.flatMap(({ stamp, pose, protectionLevel: level, state }) =>
    pose && level !== undefined && !Number.isNaN(level)
      ? [{ stamp, level, error: errors.get(stamp), state }]
      : [],
  );
}

/** Metres as they are drawn on a logarithmic axis, which has no zero, and on which a planet is far enough. */
export function drawnMetres(metres: number): number {
  return Math.min(MOST_DRAWN_M, Math.max(LEAST_DRAWN_M, metres));
}
export const LEAST_DRAWN_M = 0.001;
const MOST_DRAWN_M = 1e6;

export function isAbove({ error, level }: ProtectedPose): boolean {
  return error !== undefined && error > level;
}

/** Null where no pose says a level. */
export function protectionOf(record: RunRecord): ProtectionSummary | null {
  const poses = protectedPoses(record);
  if (poses.length === 0) return null;
  const levels = poses.filter(({ state }) => state === 'TRACKING').map(({ level }) => level);
  return {
    poses: poses.length,
    judged: poses.filter(({ error }) => error !== undefined).length,
    above: poses.filter(isAbove).length,
    level:
      levels.length === 0
        ? null
        : { median: percentile(levels, 50), p95: percentile(levels, 95), max: Math.max(...levels) },
  };
}
