import type { FilterSensor, Stamp, UpdateRecord } from '../../types.ts';
import { band95, consistencyOf } from '../consistency.ts';
import type { PoseError } from '../metrics.ts';
import { drawnMetres, isAbove, type ProtectedPose } from '../protection.ts';
import type { RunRecord } from '../run-record.ts';
import { secondsBetween } from '../summarise.ts';
import type { Mark } from './marks.ts';
import { type ColourName, SENSOR_COLOUR } from './theme.ts';
import { breakGaps, type Point, thin, thinDots } from './thin.ts';
import type { TimeRow } from './time-rows.ts';

/** Steps of time that a series is thinned to: about two pixels each on the widest chart. */
const COLUMNS = 300;
/** A series with more points than this is thinned. */
export const THINNED_ABOVE = 2 * COLUMNS;
/** A correction below a tenth of a millimetre, or a NIS below 0.01, is drawn there: a logarithmic axis has no zero. */
const SMALLEST_CORRECTION_CM = 0.01;
const SMALLEST_NIS = 0.01;

/** Translation and heading error over time. */
export function errorRows(errors: readonly PoseError[], start: Stamp): TimeRow[] {
  const line = (name: string, hue: ColourName, value: (error: PoseError) => number): Mark =>
    lineMark(
      name,
      hue,
      errors.map((error) => [secondsBetween(start, error.stamp), value(error)]),
    );
  return [
    {
      label: 'position error, cm',
      min: 0,
      marks: [line('position', 'blue', (error) => 100 * error.translation)],
    },
    {
      label: 'heading error (estimate − reference), degrees',
      marks: [line('heading', 'purple', (error) => error.yaw)],
    },
  ];
}

/** The protection level and the horizontal error on one logarithmic axis. */
export function protectionRows(poses: readonly ProtectedPose[], start: Stamp): TimeRow[] {
  const points = (which: readonly ProtectedPose[], value: (pose: ProtectedPose) => number | undefined) =>
    which.flatMap((pose): Point[] => {
      const metres = value(pose);
      return metres === undefined || Number.isNaN(metres)
        ? []
        : [[secondsBetween(start, pose.stamp), drawnMetres(metres)]];
    });
  const above = points(poses.filter(isAbove), ({ error }) => error);
  const level = lineMark(
    'level',
    'amber',
    points(poses, (pose) => pose.level),
  );
  const error = lineMark(
    'error',
    'blue',
    points(poses, (pose) => pose.error),
  );
  const marks: Mark[] = [level, error].filter((mark) => mark.points.length > 0);
  if (above.length > 0)
    marks.push({ ...dotsMark('error above the level', 'vermilion', above), kind: 'crosses' });
  return [{ label: 'm: protection level (amber), true error (blue)', log: true, marks }];
}

/** How far each sensor's updates moved the position. */
export function correctionRows(updates: readonly UpdateRecord[], start: Stamp): TimeRow[] {
  return sensorsOf(updates).map((sensor) => ({
    label: `${sensor}: correction, cm`,
    log: true,
    marks: [
      dotsMark(
        sensor,
        SENSOR_COLOUR[sensor],
        updates
          .filter((update) => update.sensor === sensor && update.accepted)
          .map(({ stamp, correction }) => [
            secondsBetween(start, stamp),
            Math.max(SMALLEST_CORRECTION_CM, 100 * correction),
          ]),
      ),
    ],
  }));
}

/** The normalised innovation squared of each sensor, with the band where 95 % are expected. */
export function nisRows(updates: readonly UpdateRecord[], start: Stamp): TimeRow[] {
  const consistency = consistencyOf(updates);
  return sensorsOf(updates).map((sensor) => {
    const { dof, withinBand95 } = consistency[sensor]!;
    const share = withinBand95 === null ? 'none accepted' : `${(100 * withinBand95).toFixed(0)} % in band`;
    const points = (accepted: boolean): Point[] =>
      updates
        .filter(
          (update) => update.sensor === sensor && update.accepted === accepted && Number.isFinite(update.nis),
        )
        .map(({ stamp, nis }) => [secondsBetween(start, stamp), Math.max(SMALLEST_NIS, nis)]);
    return {
      label: `${sensor}: NIS, ${dof} dof, ${share}`,
      log: true,
      ...(dof > 0 ? { band: band95(dof) } : {}),
      marks: [
        dotsMark('used', SENSOR_COLOUR[sensor], points(true)),
        { ...dotsMark('rejected', 'vermilion', points(false)), kind: 'crosses' as const },
      ].filter((mark) => mark.points.length > 0),
    };
  });
}

/** Inlier ratio, residual and iterations of the registrations. */
export function registrationRows({ frames }: RunRecord, start: Stamp): TimeRow[] {
  const found = frames.flatMap(({ stamp, registration }) =>
    registration === undefined ? [] : [{ seconds: secondsBetween(start, stamp), ...registration }],
  );
  const line = (name: string, hue: ColourName, value: (one: (typeof found)[number]) => number): Mark =>
    lineMark(
      name,
      hue,
      found.map((one) => [one.seconds, value(one)]),
    );
  const failed = found
    .filter(({ ok }) => !ok)
    .map(({ seconds, inlierRatio }): Point => [seconds, inlierRatio]);
  const failures: Mark[] =
    failed.length === 0 ? [] : [{ ...dotsMark('not accepted', 'vermilion', failed), kind: 'crosses' }];
  return [
    {
      label: 'inlier ratio',
      min: 0,
      max: 1,
      marks: [line('inlier ratio', 'blue', (one) => one.inlierRatio), ...failures],
    },
    {
      label: 'residual (rms of inliers), cm',
      min: 0,
      marks: [line('residual', 'green', (one) => 100 * one.residual)],
    },
    {
      label: 'iterations',
      min: 0,
      whole: true,
      marks: [line('iterations', 'purple', (one) => one.iterations)],
    },
  ];
}

function sensorsOf(updates: readonly UpdateRecord[]): FilterSensor[] {
  return (Object.keys(SENSOR_COLOUR) as FilterSensor[]).filter((sensor) =>
    updates.some((update) => update.sensor === sensor),
  );
}

export function lineMark(name: string, hue: ColourName, points: Point[]): Mark {
  return { kind: 'line', name, colour: hue, points: thin(breakGaps(points), COLUMNS) };
}

function dotsMark(name: string, hue: ColourName, points: readonly Point[]): Mark {
  return { kind: 'dots', name, colour: hue, points: thinDots(byTime(points), COLUMNS / 2) };
}

/** Delayed measurements are recorded in order of arrival. */
function byTime(points: readonly Point[]): Point[] {
  return [...points].sort((a, b) => a[0] - b[0]);
}
