import { AXIS, legendOf } from './axes.ts';
import { draw, type Size } from './draw.ts';
import { CROSS_ICON, type Mark, seriesOf } from './marks.ts';

/** Residuals of control points seen from above, fitted minus given, metres. */
export function drawResiduals(
  residuals: readonly { readonly inlier: boolean; readonly error: readonly number[] }[],
  id: string,
  size: Size,
): string {
  const of = (which: boolean) =>
    residuals.filter(({ inlier }) => inlier === which).map(({ error }) => [error[0]!, error[1]!] as const);
  const all: Mark[] = [
    { kind: 'dots', name: 'points that fit', colour: 'blue', width: 6, points: of(true) },
    { kind: 'crosses', name: 'left out', colour: 'vermilion', points: of(false) },
  ];
  const marks = all.filter(({ points }) => points.length > 0);
  const legend = legendOf(
    marks.map(({ name, kind, colour }) => ({ name, colour, icon: kind === 'dots' ? 'circle' : CROSS_ICON })),
    size.width,
  );
  const axis = { ...AXIS, type: 'value' as const };
  return draw(id, size, {
    ...legend.option,
    grid: { left: 64, right: 16, top: legend.height + 8, bottom: 48, outerBoundsMode: 'none' },
    xAxis: { ...axis, name: 'east, m', nameGap: 30 },
    yAxis: { ...axis, name: 'north, m', nameGap: 46 },
    series: marks.map((mark) => seriesOf(mark, 0)),
  });
}
