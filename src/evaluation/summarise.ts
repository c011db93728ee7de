import { percentile } from '../math/statistics.ts';
import type { FilterSensor, FrameResult, LocalizationState, ScanPoints, Stamp } from '../types.ts';
import { associate } from './associate.ts';
import { consistencyOf, type SensorConsistency } from './consistency.ts';
import { absoluteError, type PoseError, poseErrors, type Spread } from './metrics.ts';
import { type ProtectionSummary, protectionOf } from './protection.ts';
import { type RunRecord, trajectoryOf } from './run-record.ts';

/** The object of `replay --json`. */
export interface RunSummary {
  readonly input: string;
  readonly map: string | null;
  readonly frames: number;
  /** frames in state TRACKING */
  readonly tracked: number;
  /** messages and measurements that were not used */
  readonly refused: Readonly<Record<string, number>>;
  /** LiDAR points of all frames, and how many of them were left out; null without a scan */
  readonly points: ScanPoints | null;
  /** metres; null without a reference for any pose */
  readonly ape: Omit<Spread, 'mean'> | null;
  /** degrees, of the absolute heading errors */
  readonly yaw: Pick<Spread, 'median' | 'p95' | 'max'> | null;
  /** poses that were compared with the reference; null without a reference */
  readonly matched: number | null;
  /** the first frame with a pose; seconds since the input began. Null when there never was one. */
  readonly firstPose: { readonly seconds: number; readonly frame: number } | null;
  readonly states: Readonly<Partial<Record<LocalizationState, number>>>;
  /** null where no pose says a protection level */
  readonly protection: ProtectionSummary | null;
  readonly realTimeFactor: number;
  readonly stages: Readonly<Record<string, { readonly median: number; readonly p99: number }>>;
  readonly eventLoopDelay: { readonly p99: number };
  readonly rssPeak: number;
  readonly trajectory: string | null;
  readonly trajectorySha256: string | null;
  readonly nis: Readonly<Partial<Record<FilterSensor, SensorConsistency>>>;
}

/** The figures of a run. Pure: the same record gives the same object, keys in the same order. */
export function summarise(record: RunRecord): RunSummary {
  const { frames, reference } = record;
  const pairs = associate(trajectoryOf(frames), reference ?? [], record.association);
  const error = absoluteError(pairs);
  const first = frames.find(({ pose }) => pose !== undefined);
  const start = startOf(record);
  return {
    input: record.input,
    map: record.mapId,
    frames: frames.length,
    tracked: frames.filter(({ state }) => state === 'TRACKING').length,
    refused: record.refused,
    points: sumOfPoints(frames),
    ape: error && withoutMean(error.translation),
    yaw: error && { median: error.yaw.median, p95: error.yaw.p95, max: error.yaw.max },
    matched: reference === undefined ? null : pairs.length,
    firstPose:
      first === undefined ? null : { seconds: secondsBetween(start, first.stamp), frame: first.frame },
    states: secondsPerState(frames),
    protection: protectionOf(record),
    realTimeFactor: record.realTimeFactor,
    stages: stageTimes(frames),
    eventLoopDelay: { p99: record.eventLoopDelayP99Ms },
    rssPeak: record.rssPeakBytes,
    trajectory: record.trajectory?.path ?? null,
    trajectorySha256: record.trajectory?.sha256 ?? null,
    nis: consistencyOf(record.updates),
  };
}

function sumOfPoints(frames: readonly FrameResult[]): ScanPoints | null {
  const scans = frames.flatMap(({ points }) => points ?? []);
  if (scans.length === 0) return null;
  return scans.reduce((a, b) => ({
    total: a.total + b.total,
    notFinite: a.notFinite + b.notFinite,
    outOfRange: a.outOfRange + b.outOfRange,
  }));
}

/** The errors of the run's poses against its reference; empty without one. */
export function errorsOf(record: RunRecord): PoseError[] {
  return poseErrors(associate(trajectoryOf(record.frames), record.reference ?? [], record.association));
}

/** When the run's clock reads zero. */
export function startOf({ start, frames }: RunRecord): Stamp {
  return start ?? frames[0]?.stamp ?? 0n;
}

/** Seconds from the start to the last thing that happened; never zero, as it is the length of an axis. */
export function endOf(record: Pick<RunRecord, 'start' | 'frames' | 'updates'>): number {
  const start = record.start ?? record.frames[0]?.stamp ?? 0n;
  const last = (stamped: readonly { readonly stamp: Stamp }[]) => stamped.at(-1)?.stamp ?? start;
  return Math.max(
    0.1,
    secondsBetween(start, last(record.frames)),
    secondsBetween(start, last(record.updates)),
  );
}

/** Seconds from a to b. */
export function secondsBetween(a: Stamp, b: Stamp): number {
  return Number(b - a) / 1e9;
}

/** A state lasts from its frame to the next frame, so the last frame adds nothing. */
function secondsPerState(frames: readonly FrameResult[]): Partial<Record<LocalizationState, number>> {
  const ns = new Map<LocalizationState, bigint>();
  frames.forEach(({ stamp, state }, index) => {
    const next = frames[index + 1]?.stamp ?? stamp;
    ns.set(state, (ns.get(state) ?? 0n) + next - stamp);
  });
  return Object.fromEntries([...ns].map(([state, total]) => [state, Number(total) / 1e9]));
}

function stageTimes(frames: readonly FrameResult[]): Record<string, { median: number; p99: number }> {
  return Object.fromEntries(
    [...timesByStage(frames)].map(([stage, times]) => [
      stage,
      { median: percentile(times, 50), p99: percentile(times, 99) },
    ]),
  );
}

/** Milliseconds of every frame that ran the stage, stages in the order in which they first ran. */
export function timesByStage(frames: readonly FrameResult[]): Map<string, number[]> {
  const times = new Map<string, number[]>();
  for (const { stages } of frames) {
    for (const [stage, ms] of Object.entries(stages)) {
      const known = times.get(stage);
      if (known === undefined) times.set(stage, [ms]);
      else known.push(ms);
    }
  }
  return times;
}

function withoutMean({ median, p95, p99, max, rmse }: Spread): Omit<Spread, 'mean'> {
  return { median, p95, p99, max, rmse };
}
