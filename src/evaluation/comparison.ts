import type { Table } from './figures.ts';
import type { Panel } from './panels.ts';
import type { Mark } from './plots/marks.ts';
import type { ColourName } from './plots/theme.ts';
import { drawTimeRows } from './plots/time-rows.ts';
import { lineMark } from './plots/time-series.ts';
import { drawnMetres, protectedPoses } from './protection.ts';
import type { RunRecord } from './run-record.ts';
import { endOf, errorsOf, type RunSummary, secondsBetween, startOf, summarise } from './summarise.ts';

/** The second of two runs of the same drive, and what is different about it. */
export interface OtherRun {
  readonly name: string;
  readonly record: RunRecord;
}

const FIGURES: readonly [string, (run: RunSummary) => number | null | undefined, string, number][] = [
  ['position error, median', ({ ape }) => ape && 100 * ape.median, 'cm', 2],
  ['position error, p95', ({ ape }) => ape && 100 * ape.p95, 'cm', 2],
  ['position error, most', ({ ape }) => ape && 100 * ape.max, 'cm', 2],
  ['heading error, median', ({ yaw }) => yaw?.median, '°', 3],
  ['frames tracked', ({ tracked }) => tracked, '', 0],
  ['first pose after', ({ firstPose }) => firstPose?.seconds, 's', 2],
  ['seconds DEGRADED', ({ states }) => states.DEGRADED ?? 0, 's', 1],
  ['seconds LOST', ({ states }) => states.LOST ?? 0, 's', 1],
  [
    'level while TRACKING, median',
    ({ protection }) => protection?.level && 100 * protection.level.median,
    'cm',
    1,
  ],
  ['errors above their level', ({ protection }) => protection?.above, '', 0],
  ['mean NIS of registrations', ({ nis }) => nis.registration?.mean, '', 2],
  ['mean NIS of GNSS', ({ nis }) => nis.gnss?.mean, '', 2],
  ['mean NIS of odometry', ({ nis }) => nis.odometry?.mean, '', 2],
  [
    'messages and measurements refused',
    ({ refused }) => Object.values(refused).reduce((sum, count) => sum + count, 0),
    '',
    0,
  ],
];

/** Both runs' figures, one beside the other. */
export function comparisonTable(record: RunRecord, other: OtherRun): Table {
  const [a, b] = [summarise(record), summarise(other.record)];
  const text = (value: number | null | undefined, unit: string, digits: number) =>
    typeof value === 'number' ? `${value.toFixed(digits)}${unit && ` ${unit}`}` : '–';
  return {
    title: 'Two configurations',
    head: ['figure', 'this run', other.name, 'difference'],
    rows: FIGURES.map(([name, of, unit, digits]) => {
      const [x, y] = [of(a), of(b)];
      const both = typeof x === 'number' && typeof y === 'number';
      const sign = both && y > x ? '+' : '';
      return [
        name,
        text(x, unit, digits),
        text(y, unit, digits),
        both ? sign + text(y - x, unit, digits) : '–',
      ];
    }),
    empty: '',
  };
}

/** Error and protection level of both runs over the same time. */
export function comparisonPanel(record: RunRecord, other: OtherRun): Panel {
  const runs = [
    { name: 'this run', record, hue: 'blue' },
    { name: other.name, record: other.record, hue: 'vermilion' },
  ] as const;
  const line = (of: (run: RunRecord) => (readonly [number, number])[]): Mark[] =>
    runs.map(({ name, record: run, hue }) =>
      lineMark(
        name,
        hue as ColourName,
        of(run).map(([t, y]) => [t, y]),
      ),
    );
  const error = line((run) =>
    errorsOf(run).map(({ stamp, translation }) => [secondsBetween(startOf(run), stamp), 100 * translation]),
  );
  const level = line((run) =>
    protectedPoses(run).map(({ stamp, level: metres }) => [
      secondsBetween(startOf(run), stamp),
      drawnMetres(metres),
    ]),
  );
  const rows = [
    { label: `position error, cm: blue this run, red ${other.name}`, min: 0, marks: error },
    { label: 'protection level, m', log: true, marks: level },
  ].filter(({ marks }) => marks.some(({ points }) => points.length > 0));
  return {
    id: 'comparison',
    title: 'Two configurations',
    about: `Blue: this run. Red: ${other.name}.`,
    height: 420,
    draw: (id, size) =>
      rows.length === 0
        ? { missing: 'Neither run has a pose.' }
        : { svg: drawTimeRows(id, size, Math.max(endOf(record), endOf(other.record)), rows) },
  };
}
