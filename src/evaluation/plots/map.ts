import type { CustomSeriesOption, EChartsOption } from 'echarts';
import type { Vec3 } from '../../types.ts';
import { type RunRecord, trajectoryOf } from '../run-record.ts';
import { AXIS, type LegendEntry, legendOf } from './axes.ts';
import { draw, type Size } from './draw.ts';
import { CROSS_ICON, type Mark, seriesOf } from './marks.ts';
import { type Bounds, rasterOf } from './raster.ts';
import { colour } from './theme.ts';
import { type Place, thinPlaces, thinWay } from './thin.ts';

const LEFT = 52;
const RIGHT = 14;
const FOOT = 46;
/** of the raster, for each pixel of the chart: sharp enough for twice the size, small enough for one file */
const RASTER_SCALE = 1.5;
const WAY_LIMIT = 4000;
const FIX_LIMIT = 1500;

/** The run seen from above on the map's points; undefined when there is nothing with a place. */
export function drawMap(record: RunRecord, id: string, size: Size): string | undefined {
  const ground = boundsOf(record);
  if (ground === undefined) return undefined;
  const metresPerPixel = Math.max(ground.east - ground.west, ground.north - ground.south) / size.width;
  const marks = marksOf(record, metresPerPixel);
  const legend = legendOf(marks.map(legendEntry), size.width);
  const frame = {
    left: LEFT,
    top: legend.height + 4,
    width: size.width - LEFT - RIGHT,
    height: size.height - legend.height - 4 - FOOT,
  };
  const bounds = withShape(ground, frame.width / frame.height);
  const axis = {
    ...AXIS,
    type: 'value' as const,
    axisLabel: { ...AXIS.axisLabel, showMinLabel: false, showMaxLabel: false },
  };
  const option: EChartsOption = {
    ...legend.option,
    grid: { ...frame, outerBoundsMode: 'none' },
    xAxis: {
      ...axis,
      name: 'east, m',
      nameGap: 28,
      min: bounds.west,
      max: bounds.east,
      splitNumber: size.width > 500 ? 8 : 4,
    },
    yAxis: { ...axis, name: 'north, m', nameGap: 38, min: bounds.south, max: bounds.north, splitNumber: 6 },
    series: [...backgroundOf(record, bounds, frame), ...marks.map((mark) => seriesOf(mark, 0))],
    graphic: northArrow(size.width - RIGHT - 18, frame.top + 12),
  };
  return draw(id, size, option);
}

function marksOf(record: RunRecord, metresPerPixel: number): Mark[] {
  const places = (accepted: boolean) =>
    thinPlaces(
      record.fixes.filter((fix) => fix.accepted === accepted).map(({ position }) => placeOf(position)),
      metresPerPixel,
      FIX_LIMIT,
    );
  // The line breaks where there was no pose: nothing is known of the way between.
  const estimate = record.frames.map(({ pose }) => (pose === undefined ? null : placeOf(pose.position)));
  const reference = (record.reference ?? []).map(({ pose }) => placeOf(pose.position));
  const first = estimate.find((place) => place !== null);
  const marks: Mark[] = [
    {
      kind: 'line',
      name: 'reference',
      colour: 'ink',
      width: 4,
      points: thinWay(reference, metresPerPixel, WAY_LIMIT),
    },
    {
      kind: 'line',
      name: 'estimate',
      colour: 'blue',
      width: 2,
      points: thinWay(estimate, metresPerPixel, WAY_LIMIT),
    },
    { kind: 'dots', name: 'GNSS, used', colour: 'green', width: 3, points: places(true) },
    { kind: 'crosses', name: 'GNSS, rejected', colour: 'vermilion', points: places(false) },
    { kind: 'dots', name: 'first pose', colour: 'amber', width: 11, points: first ? [first] : [] },
  ];
  return marks.filter(({ points }) => points.some((point) => point !== null));
}

function legendEntry({ name, kind, colour: hue }: Mark): LegendEntry {
  return { name, icon: { line: 'roundRect', dots: 'circle', crosses: CROSS_ICON }[kind], colour: hue };
}

function backgroundOf(
  record: RunRecord,
  bounds: Bounds,
  { width, height }: { width: number; height: number },
): CustomSeriesOption[] {
  const raster =
    record.mapPoints &&
    rasterOf(record.mapPoints, bounds, Math.round(width * RASTER_SCALE), Math.round(height * RASTER_SCALE));
  if (raster === undefined) return [];
  const image = `data:image/png;base64,${raster.toString('base64')}`;
  return [
    {
      type: 'custom',
      silent: true,
      data: [[bounds.west, bounds.north]],
      renderItem: (_, api) => {
        const [x = 0, y = 0] = api.coord([bounds.west, bounds.north]);
        return { type: 'image', style: { image, x, y, width, height } };
      },
    },
  ];
}

/** What was driven, with a tenth around it; the map alone when nothing was. Rejected fixes may lie anywhere: left out. */
function boundsOf(record: RunRecord): Bounds | undefined {
  const driven = [
    ...trajectoryOf(record.frames).map(({ pose }) => pose.position),
    ...(record.reference ?? []).map(({ pose }) => pose.position),
    ...record.fixes.filter(({ accepted }) => accepted).map(({ position }) => position),
  ];
  const map = record.mapPoints ?? new Float32Array();
  const east = driven.length > 0 ? driven.map((p) => p[0]) : [...map].filter((_, i) => i % 3 === 0);
  const north = driven.length > 0 ? driven.map((p) => p[1]) : [...map].filter((_, i) => i % 3 === 1);
  const [west, eastmost] = range(east);
  const [south, northmost] = range(north);
  if (!Number.isFinite(west + eastmost + south + northmost)) return undefined;
  const margin = Math.max(5, 0.1 * Math.max(eastmost - west, northmost - south));
  return { west: west - margin, east: eastmost + margin, south: south - margin, north: northmost + margin };
}

function range(values: readonly number[]): [min: number, max: number] {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return [min, max];
}

/** The bounds widened to a ratio of width to height, so that a metre is as long on both axes. */
function withShape({ west, east, south, north }: Bounds, ratio: number): Bounds {
  const width = Math.max(east - west, (north - south) * ratio);
  const height = width / ratio;
  const [x, y] = [(west + east) / 2, (south + north) / 2];
  return { west: x - width / 2, east: x + width / 2, south: y - height / 2, north: y + height / 2 };
}

function northArrow(x: number, y: number): NonNullable<EChartsOption['graphic']> {
  const ink = colour('ink');
  return [
    {
      type: 'polygon',
      silent: true,
      x,
      y,
      shape: {
        points: [
          [0, 0],
          [5, 14],
          [0, 10],
          [-5, 14],
        ],
      },
      style: { fill: ink },
    },
    {
      type: 'text',
      silent: true,
      x,
      y: y + 17,
      style: { text: 'N', fill: ink, align: 'center', font: '12px DejaVu Sans Condensed' },
    },
  ] as NonNullable<EChartsOption['graphic']>;
}

function placeOf(position: Vec3): Place {
  return [position[0], position[1]];
}
