import type { EChartsOption, LineSeriesOption } from 'echarts';
import type { LocalizationState } from '../../types.ts';
import { AXIS, type LegendEntry, legendOf } from './axes.ts';
import { draw, type Size } from './draw.ts';
import { CROSS_ICON, type Mark, seriesOf } from './marks.ts';
import { type Span, STATES } from './spans.ts';
import { type ColourName, colour, STATE_BAND } from './theme.ts';

/** One of several charts over the same time. */
export interface TimeRow {
  /** what is shown, with its unit */
  readonly label: string;
  readonly marks: readonly Mark[];
  readonly log?: boolean;
  /** a range of y to shade: where values are expected */
  readonly band?: readonly [low: number, high: number];
  readonly min?: number;
  readonly max?: number;
  /** y values are whole numbers */
  readonly whole?: boolean;
}

const BAND_NAME = '95 % band';
const LEFT = 52;
const RIGHT = 14;
const LABEL = 24;
const FOOT = 44;

/** Charts one over the other on one time axis to `end` seconds, on the states as bands where given. */
export function drawTimeRows(
  id: string,
  size: Size,
  end: number,
  rows: readonly TimeRow[],
  bands: readonly Span[] = [],
): string {
  const legend = legendOf(legendEntries(rows, bands), size.width);
  const height = (size.height - legend.height - FOOT) / rows.length - LABEL;
  const tops = rows.map((_, row) => legend.height + row * (height + LABEL) + LABEL);
  const option: EChartsOption = {
    ...legend.option,
    title: rows.map(({ label }, row) => ({
      text: label,
      left: LEFT - 5,
      top: tops[row]! - LABEL,
      textStyle: { fontSize: 12.5, fontWeight: 'normal', color: colour('ink') },
    })),
    grid: tops.map((top) => ({ left: LEFT, right: RIGHT, top, height: height - 8, outerBoundsMode: 'none' })),
    xAxis: rows.map((_, row) => {
      const bottom = row === rows.length - 1;
      const name = bottom ? { name: 'time since start, s', nameGap: 28 } : {};
      return {
        ...AXIS,
        ...name,
        type: 'value',
        gridIndex: row,
        min: 0,
        max: end,
        axisLabel: { ...AXIS.axisLabel, show: bottom, showMaxLabel: false },
      };
    }),
    yAxis: rows.map(({ log, min, max, whole }, row) => ({
      ...AXIS,
      type: log ? 'log' : 'value',
      gridIndex: row,
      ...(min === undefined ? {} : { min }),
      ...(max === undefined ? {} : { max }),
      ...(whole ? { minInterval: 1 } : {}),
      splitNumber: max === undefined ? 3 : 5,
      axisLabel: { ...AXIS.axisLabel, formatter: shortNumber },
    })) as NonNullable<EChartsOption['yAxis']>,
    series: rows.flatMap((row, axis) => [
      ...backdrop(row, axis, bands),
      ...row.marks.map((mark) => seriesOf(mark, axis)),
    ]),
  };
  return draw(id, size, option);
}

/** The shaded areas of a row, carried by a series without points. */
function backdrop(row: TimeRow, axis: number, bands: readonly Span[]): LineSeriesOption[] {
  const empty: LineSeriesOption = {
    type: 'line',
    xAxisIndex: axis,
    yAxisIndex: axis,
    silent: true,
    data: [],
  };
  const shade = (name: ColourName) => ({ itemStyle: { color: colour(name) } });
  const states = bands.filter(({ state }) => state !== 'TRACKING');
  const areas = [
    ...states.map(({ state, from, to }) => [{ xAxis: from, ...shade(STATE_BAND[state]) }, { xAxis: to }]),
    ...(row.band === undefined
      ? []
      : [[{ yAxis: row.band[0], ...shade('greyTint') }, { yAxis: row.band[1] }]]),
  ];
  // The legend names series only: one without points stands for each kind of band.
  const named = [...shownStates(bands), ...(row.band === undefined ? [] : [BAND_NAME])];
  return [
    { ...empty, markArea: { silent: true, data: areas as never[] } },
    ...named.map((name) => ({ ...empty, name })),
  ];
}

/** A row's label names its lines and dots, so the legend has only the crosses and the shaded areas. */
function legendEntries(rows: readonly TimeRow[], bands: readonly Span[]): LegendEntry[] {
  const crosses = new Map(rows.flatMap((row) => row.marks).map((mark) => [mark.name, mark]));
  return [
    ...[...crosses.values()]
      .filter(({ kind }) => kind === 'crosses')
      .map(({ name, colour: hue }) => ({ name, icon: CROSS_ICON, colour: hue })),
    ...shownStates(bands).map((state) => ({ name: state, icon: 'rect', colour: STATE_BAND[state] })),
    ...(rows.some(({ band }) => band)
      ? [{ name: BAND_NAME, icon: 'rect', colour: 'greyTint' as const }]
      : []),
  ];
}

function shownStates(bands: readonly Span[]): LocalizationState[] {
  return STATES.filter((state) => state !== 'TRACKING' && bands.some((band) => band.state === state));
}

/** 0.001 to 9999 as they are, others as 1e-4 and 1e5: a label must fit the margin. */
export function shortNumber(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 0.001 || size >= 10_000)) return value.toExponential(0).replace('e+', 'e');
  return String(Number(value.toPrecision(6)));
}
