import { median, percentile } from '../math/statistics.ts';
import type { Delivery } from './sim-run.ts';

/** The rows of the table over many drives, metres and seconds. */
export function summariseDeliveries(rows: readonly Delivery[]) {
  const known = (pick: (row: Delivery) => number | null) => rows.map(pick).filter((value) => value !== null);
  const sum = (pick: (row: Delivery) => number) => rows.reduce((total, row) => total + pick(row), 0);
  const of = (values: readonly number[], p: number) => (values.length > 0 ? percentile(values, p) : null);
  const first = known(({ firstPose }) => firstPose);
  const poses = sum((row) => row.protectedPoses);
  return {
    deliveries: rows.length,
    delivered: rows.filter(({ delivered }) => delivered).length,
    errorMedian: of(
      known(({ errorMedian }) => errorMedian),
      50,
    ),
    errorP99: of(
      known(({ errorP99 }) => errorP99),
      100,
    ),
    errorMax: of(
      known(({ errorMax }) => errorMax),
      100,
    ),
    unsaidGross: sum((row) => row.unsaidGross),
    timeToInitialPose: { median: first.length > 0 ? median(first) : null, max: of(first, 100) },
    falseConfidence: {
      poses,
      beyondProtection: sum((row) => row.falseConfidence),
      share: poses > 0 ? sum((row) => row.falseConfidence) / poses : null,
    },
    virtualWallsCrossed: sum((row) => row.wallsCrossed),
    crossingsEnteredOnRed: sum((row) => row.enteredOnRed),
    realTimeFactor: of(
      known(({ realTimeFactor }) => realTimeFactor),
      50,
    ),
  };
}

/** For people: a line per drive, and the sums where there are several. */
export function describeTable(rows: readonly Delivery[]): string {
  const cm = (value: number | null) => (value === null ? '-' : (100 * value).toFixed(1));
  const head = [
    'seed',
    'delivered',
    's',
    'm',
    'median cm',
    'p99 cm',
    'max cm',
    'first s',
    'beyond PL',
    'walls',
    'red',
    'x real',
  ];
  const lines = rows.map((row) => [
    row.seed,
    row.delivered ? 'yes' : 'NO',
    row.seconds.toFixed(0),
    row.distance.toFixed(0),
    cm(row.errorMedian),
    cm(row.errorP99),
    cm(row.errorMax),
    row.firstPose?.toFixed(1) ?? '-',
    `${row.falseConfidence}/${row.protectedPoses}`,
    row.wallsCrossed,
    row.enteredOnRed,
    row.realTimeFactor.toFixed(1),
  ]);
  const text = [head, ...lines].map((line) => line.map((cell) => String(cell).padStart(10)).join(' '));
  if (rows.length < 2) return text.join('\n');
  const all = summariseDeliveries(rows);
  return [
    ...text,
    `${all.delivered} of ${all.deliveries} delivered; error: median ${cm(all.errorMedian)} cm, worst p99 ${cm(all.errorP99)} cm; first pose after ${all.timeToInitialPose.max?.toFixed(1) ?? '-'} s at most; ${all.falseConfidence.beyondProtection} of ${all.falseConfidence.poses} poses beyond the protection level; above 50 cm in TRACKING: ${all.unsaidGross}; walls crossed ${all.virtualWallsCrossed}, entered on red ${all.crossingsEnteredOnRed}`,
  ].join('\n');
}
