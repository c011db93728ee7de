import { percentile } from '../math/statistics.ts';
import { comparisonTable, type OtherRun } from './comparison.ts';
import { consistencyOf, type SensorConsistency } from './consistency.ts';
import type { RunRecord } from './run-record.ts';
import { type RunSummary, summarise } from './summarise.ts';

/** A headline figure. */
export interface Card {
  readonly label: string;
  readonly value: string;
  readonly note: string;
}

export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** said instead of a table without rows */
  readonly empty: string;
}

/** The headline figures, most important first; a dash where a figure is unknown. */
export function cardsOf(record: RunRecord): Card[] {
  const { ape, yaw, ...summary } = summarise(record);
  const whole = record.frames.map(({ stages }) => Object.values(stages).reduce((sum, ms) => sum + ms, 0));
  const frameTime = whole.length === 0 ? null : { median: percentile(whole, 50), p99: percentile(whole, 99) };
  return [
    {
      label: 'position error, median',
      value: ape ? length(ape.median) : '–',
      note: ape
        ? `p95 ${length(ape.p95)} · p99 ${length(ape.p99)} · max ${length(ape.max)}`
        : withoutError(summary),
    },
    {
      label: 'heading error, median',
      value: yaw ? degrees(yaw.median) : '–',
      note: yaw ? `p95 ${degrees(yaw.p95)} · max ${degrees(yaw.max)}` : withoutError(summary),
    },
    {
      label: 'frames tracked',
      value: summary.frames === 0 ? '–' : `${percent(summary.tracked / summary.frames)}`,
      note: `${summary.tracked} of ${summary.frames} frames`,
    },
    {
      label: 'first pose after',
      value: summary.firstPose ? `${summary.firstPose.seconds.toFixed(1)} s` : '–',
      note: summary.firstPose ? `frame ${summary.firstPose.frame}` : 'no frame had a pose',
    },
    {
      label: 'lost or degraded for',
      value: `${((summary.states.LOST ?? 0) + (summary.states.DEGRADED ?? 0)).toFixed(1)} s`,
      note: `LOST ${(summary.states.LOST ?? 0).toFixed(1)} s · DEGRADED ${(summary.states.DEGRADED ?? 0).toFixed(1)} s`,
    },
    {
      label: 'protection level, median',
      value: summary.protection?.level ? length(summary.protection.level.median) : '–',
      note: summary.protection
        ? `while TRACKING, p95 ${summary.protection.level ? length(summary.protection.level.p95) : '–'} · error above it ${summary.protection.above} of ${summary.protection.judged}`
        : 'no pose said one',
    },
    {
      label: 'time for a frame, median',
      value: frameTime ? `${frameTime.median.toFixed(1)} ms` : '–',
      note: frameTime ? `p99 ${frameTime.p99.toFixed(1)} ms` : 'no frames',
    },
    {
      label: 'real-time factor',
      value: `${record.realTimeFactor.toFixed(1)} ×`,
      note: `took ${record.wallSeconds.toFixed(1)} s`,
    },
    {
      label: 'peak memory',
      value: `${(record.rssPeakBytes / 2 ** 20).toFixed(0)} MiB`,
      note: `event loop late by ${record.eventLoopDelayP99Ms.toFixed(1)} ms (p99)`,
    },
  ];
}

/** What was used and what was not, and why. */
export function tablesOf(record: RunRecord, other?: OtherRun): Table[] {
  const sensors = Object.entries(consistencyOf(record.updates));
  const { points } = summarise(record);
  return [
    ...(other ? [comparisonTable(record, other)] : []),
    {
      title: 'Measurements',
      head: ['sensor', 'offered', 'used', 'mean NIS', 'dof', 'in 95 % band'],
      rows: sensors.map(([sensor, nis]) => measurementRow(sensor, nis)),
      empty: 'No measurement was offered to the filter.',
    },
    {
      title: 'Sensors, over the last 10 s',
      head: ['channel', 'messages in all', 'rate, 1/s', 'latency, ms', 'most, ms', 'longest gap, s'],
      rows: Object.entries(record.channels ?? {}).map(([channel, { messages, rate, latency, gap }]) => [
        channel,
        String(messages),
        rate.toFixed(1),
        latency ? (1000 * latency.mean).toFixed(1) : '–',
        latency ? (1000 * latency.max).toFixed(1) : '–',
        gap ? gap.max.toFixed(3) : '–',
      ]),
      empty: 'Nobody watched the channels.',
    },
    {
      title: 'Clocks beside that of the IMU',
      head: ['sensor', 'measures later than it stamps, ms', '± sigma', 'stamps moved by'],
      rows: Object.entries(record.clocks ?? {}).map(([sensor, { seconds, sigma, used }]) => [
        sensor,
        ...[seconds, sigma, used].map((value) => (1000 * value).toFixed(1)),
      ]),
      empty: 'Nobody compared the clocks.',
    },
    {
      title: 'Refused messages and measurements',
      head: ['reason', 'count', 'the first one'],
      rows: byCount(record.refused).map(([reason, count]) => [
        reason,
        String(count),
        record.refusedExamples[reason] ?? '',
      ]),
      empty: 'Nothing was refused.',
    },
    {
      title: 'LiDAR points',
      head: ['points', 'not finite', 'out of range'],
      rows: points ? [[points.total, points.notFinite, points.outOfRange].map(String)] : [],
      empty: 'No scan was decoded.',
    },
    {
      title: 'Settings',
      head: ['key', 'value'],
      rows: Object.entries(record.config).map(([key, value]) => [key, String(value)]),
      empty: 'All settings have their defaults.',
    },
  ];
}

function measurementRow(
  sensor: string,
  { count, accepted, mean, dof, withinBand95 }: SensorConsistency,
): string[] {
  return [
    sensor,
    String(count),
    String(accepted),
    mean === null ? '–' : mean.toFixed(2),
    String(dof),
    withinBand95 === null ? '–' : percent(withinBand95),
  ];
}

function byCount(counts: Readonly<Record<string, number>>): [string, number][] {
  return Object.entries(counts).sort(([, a], [, b]) => b - a);
}

function withoutError({ matched }: Pick<RunSummary, 'matched'>): string {
  return matched === null ? 'no reference was given' : 'no pose has a reference';
}

function length(metres: number): string {
  return metres < 1 ? `${(100 * metres).toFixed(1)} cm` : `${metres.toFixed(2)} m`;
}

function degrees(angle: number): string {
  return `${angle.toFixed(2)}°`;
}

function percent(share: number): string {
  // 99.96 % must not read as all.
  const text = (100 * share).toFixed(1);
  return `${text === '100.0' && share < 1 ? '99.9' : text} %`;
}
