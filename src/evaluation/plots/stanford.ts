import type { LineSeriesOption } from 'echarts';
import { drawnMetres, isAbove, LEAST_DRAWN_M, type ProtectedPose } from '../protection.ts';
import { AXIS, legendOf } from './axes.ts';
import { draw, type Size } from './draw.ts';
import { CROSS_ICON, type Mark, seriesOf } from './marks.ts';
import { colour } from './theme.ts';
import { shortNumber } from './time-rows.ts';

/** Dots that are drawn of one kind: more lie on each other. */
const MOST_DOTS = 4000;

type Judged = Pick<ProtectedPose, 'level' | 'state'> & { readonly error: number };

/**
 * The Stanford diagram (Tossaint et al. 2007, "The Stanford–ESA integrity diagram"): true error to the right, protection
 * level upwards. Above the diagonal a level held; below it the robot was further off than it said.
 */
export function drawStanford(poses: readonly Judged[], id: string, size: Size): string {
  const places = (which: (pose: Judged) => boolean) => {
    const found = poses.filter(which);
    const step = Math.max(1, Math.ceil(found.length / MOST_DOTS));
    return found
      .filter((_, k) => k % step === 0)
      .map(({ error, level }) => [drawnMetres(error), drawnMetres(level)] as const);
  };
  const above = (pose: Judged) => isAbove({ ...pose, stamp: 0n });
  const tracks = ({ state }: Judged) => state === 'TRACKING';
  const all: Mark[] = [
    {
      kind: 'dots',
      name: 'DEGRADED, LOST',
      colour: 'amber',
      points: places((p) => !tracks(p) && !above(p)),
    },
    { kind: 'dots', name: 'TRACKING', colour: 'blue', points: places((p) => tracks(p) && !above(p)) },
    { kind: 'crosses', name: 'error above the level', colour: 'vermilion', points: places(above) },
  ];
  const marks = all.filter(({ points }) => points.length > 0);
  const largest = Math.max(
    ...poses.flatMap(({ error, level }) => [drawnMetres(error), drawnMetres(level)]),
    LEAST_DRAWN_M * 10,
  );
  const max = 10 ** Math.ceil(Math.log10(largest));
  const legend = legendOf(
    marks.map(({ name, kind, colour: hue }) => ({
      name,
      colour: hue,
      icon: kind === 'dots' ? 'circle' : CROSS_ICON,
    })),
    size.width,
  );
  const axis = {
    ...AXIS,
    type: 'log' as const,
    min: LEAST_DRAWN_M,
    max,
    axisLabel: { ...AXIS.axisLabel, formatter: shortNumber },
  };
  return draw(id, size, {
    ...legend.option,
    grid: { left: 64, right: 20, top: legend.height + 8, bottom: 48, outerBoundsMode: 'none' },
    xAxis: { ...axis, name: 'true horizontal error, m', nameGap: 30 },
    yAxis: { ...axis, name: 'protection level, m', nameGap: 46 },
    series: [belowDiagonal(max), ...marks.map((mark) => seriesOf(mark, 0))],
  });
}

/** Where no pose may lie. */
function belowDiagonal(max: number): LineSeriesOption {
  return {
    type: 'line',
    silent: true,
    showSymbol: false,
    lineStyle: { width: 1, color: colour('vermilion') },
    areaStyle: { color: colour('redTint'), opacity: 1, origin: 'start' },
    data: [
      [LEAST_DRAWN_M, LEAST_DRAWN_M],
      [max, max],
    ],
  };
}
