import type { CustomSeriesOption, EChartsOption } from 'echarts';
import { percentile } from '../../math/statistics.ts';
import type { FrameResult } from '../../types.ts';
import { timesByStage } from '../summarise.ts';
import { AXIS } from './axes.ts';
import { draw, type Size } from './draw.ts';
import { colour } from './theme.ts';
import { shortNumber } from './time-rows.ts';

/** A time shorter than this is drawn as this, milliseconds: a logarithmic axis has no zero. */
const SHORTEST = 0.001;

interface StageTime {
  readonly name: string;
  readonly p5: number;
  readonly median: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** Where the time of a frame goes: for each stage the middle 90 % as a bar, the median, the 99th percentile, the longest. */
export function drawTiming(frames: readonly FrameResult[], id: string, size: Size): string {
  const rows = stageTimesOf(frames);
  const labels = rows.map(({ median, p99 }) => `${median.toFixed(2)} / ${p99.toFixed(2)}`);
  const names = rows.map(({ name }) => name);
  const letters = (texts: readonly string[]) => Math.max(...texts.map((text) => text.length));
  const category = { ...AXIS, type: 'category' as const, inverse: true, splitLine: { show: false } };
  const heading = { color: colour('muted'), fontSize: 12, fontWeight: 'normal' as const };
  const option: EChartsOption = {
    title: [
      { text: 'bar 5–95 % · dot median · tick 99 % · ring longest', left: 0, top: 0, textStyle: heading },
      { text: 'median / p99, ms', right: 0, top: 20, textStyle: heading },
    ],
    grid: {
      left: 14 + 6.6 * letters(names),
      right: Math.max(30, 16 + 6.6 * letters(labels)),
      top: 46,
      bottom: 46,
      outerBoundsMode: 'none',
    },
    xAxis: {
      ...AXIS,
      type: 'log',
      name: 'time a frame, ms',
      nameGap: 28,
      axisLabel: { ...AXIS.axisLabel, formatter: shortNumber },
    },
    yAxis: [
      { ...category, data: names, axisLabel: { ...AXIS.axisLabel, color: colour('ink') } },
      { ...category, data: labels, axisLine: { show: false } },
    ],
    series: [barsOf(rows)],
  };
  return draw(id, size, option);
}

function barsOf(rows: readonly StageTime[]): CustomSeriesOption {
  const drawn = (ms: number) => Math.max(SHORTEST, ms);
  return {
    type: 'custom',
    silent: true,
    encode: { x: [0, 1, 2, 3, 4], y: 5 },
    data: rows.map(({ p5, median, p95, p99, max }, row) => [...[p5, median, p95, p99, max].map(drawn), row]),
    renderItem: (_, api) => {
      const [p5, median, p95, p99, max] = [0, 1, 2, 3, 4].map(
        (i) => api.coord([api.value(i), api.value(5)])[0]!,
      );
      const y = api.coord([api.value(0), api.value(5)])[1]!;
      const stroke = { stroke: colour('blue'), fill: 'none', lineWidth: 1.5 };
      return {
        type: 'group',
        children: [
          { type: 'line', shape: { x1: p5, x2: max, y1: y, y2: y }, style: { ...stroke, lineWidth: 1 } },
          {
            type: 'rect',
            shape: { x: p5, y: y - 6, width: Math.max(1, p95! - p5!), height: 12 },
            style: { fill: colour('blueTint') },
          },
          {
            type: 'line',
            shape: { x1: p99, x2: p99, y1: y - 7, y2: y + 7 },
            style: { ...stroke, lineWidth: 2.5 },
          },
          { type: 'circle', shape: { cx: median, cy: y, r: 4 }, style: { fill: colour('blue') } },
          { type: 'circle', shape: { cx: max, cy: y, r: 3 }, style: { ...stroke, fill: colour('paper') } },
        ],
      } as never;
    },
  };
}

function stageTimesOf(frames: readonly FrameResult[]): StageTime[] {
  const stages = timesByStage(frames);
  const whole = frames.map(({ stages }) => Object.values(stages).reduce((sum, ms) => sum + ms, 0));
  const all = stages.size > 1 ? [...stages, ['all stages', whole] as const] : [...stages];
  return all.map(([name, times]) => {
    const sorted = Float64Array.from(times).sort();
    const [p5, median, p95, p99, max] = [5, 50, 95, 99, 100].map((p) => percentile(sorted, p)) as [
      number,
      number,
      number,
      number,
      number,
    ];
    return { name, p5, median, p95, p99, max };
  });
}
