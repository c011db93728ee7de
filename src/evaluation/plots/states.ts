import type { CustomSeriesOption, EChartsOption } from 'echarts';
import { AXIS } from './axes.ts';
import { draw, type Size } from './draw.ts';
import { coarsen, type Span, STATES } from './spans.ts';
import { colour, STATE_COLOUR } from './theme.ts';

/** When the run was in which state: a lane for each, to `end` seconds, with the total at its end. */
export function drawStates(spans: readonly Span[], end: number, id: string, size: Size): string {
  const lanes = STATES.map((state) => spans.filter((span) => span.state === state)).filter(
    (lane) => lane.length > 0,
  );
  const names = lanes.map((lane) => lane[0]!.state);
  const totals = lanes.map(
    (lane) => `${lane.reduce((sum, { from, to }) => sum + to - from, 0).toFixed(1)} s`,
  );
  const category = { ...AXIS, type: 'category' as const, inverse: true, splitLine: { show: false } };
  const option: EChartsOption = {
    grid: {
      left: 14 + 8 * Math.max(...names.map((name) => name.length)),
      right: 16 + 7 * Math.max(...totals.map((total) => total.length)),
      top: 8,
      bottom: 46,
      outerBoundsMode: 'none',
    },
    xAxis: {
      ...AXIS,
      type: 'value',
      name: 'time since start, s',
      nameGap: 28,
      min: 0,
      max: end,
      axisLabel: { ...AXIS.axisLabel, showMaxLabel: false },
    },
    yAxis: [
      { ...category, data: names, axisLabel: { ...AXIS.axisLabel, color: colour('ink') } },
      { ...category, data: totals, axisLine: { show: false } },
    ],
    series: lanes.map((lane, row) => laneSeries(coarsen(lane, end, size.width), row)),
  };
  return draw(id, size, option);
}

function laneSeries(spans: readonly Span[], row: number): CustomSeriesOption {
  return {
    type: 'custom',
    silent: true,
    encode: { x: [0, 1], y: 2 },
    data: spans.map(({ from, to }) => [from, to, row]),
    renderItem: ({ dataIndex }, api) => {
      const [left = 0, y = 0] = api.coord([api.value(0), row]);
      const [right = 0] = api.coord([api.value(1), row]);
      return {
        type: 'rect',
        // Half a lane high; at least two pixels wide, so that a short loss is seen.
        shape: { x: left, y: y - 10, width: Math.max(2, right - left), height: 20 },
        style: { fill: colour(STATE_COLOUR[spans[dataIndex]!.state]) },
      };
    },
  };
}
