import type { CustomSeriesOption, LineSeriesOption } from 'echarts';
import { type ColourName, colour } from './theme.ts';

/** What is drawn in a grid, in the units of its axes. */
export interface Mark {
  readonly kind: 'line' | 'dots' | 'crosses';
  /** as in the legend */
  readonly name: string;
  readonly colour: ColourName;
  /** a null breaks a line */
  readonly points: readonly (readonly [number, number | null] | null)[];
  readonly width?: number;
  readonly dashed?: boolean;
}

const CROSS = 3;
export const CROSS_ICON = 'path://M1 0L5 4L9 0L10 1L6 5L10 9L9 10L5 6L1 10L0 9L4 5L0 1Z';

/** A mark as a series of the axes number `axis`. */
export function seriesOf(mark: Mark, axis: number): LineSeriesOption | CustomSeriesOption {
  return mark.kind === 'line' ? lineSeries(mark, axis) : scatterSeries(mark, axis);
}

function lineSeries(mark: Mark, axis: number): LineSeriesOption {
  return {
    type: 'line',
    name: mark.name,
    xAxisIndex: axis,
    yAxisIndex: axis,
    silent: true,
    showSymbol: false,
    emphasis: { disabled: true },
    lineStyle: { width: mark.width ?? 1.5, color: colour(mark.colour), type: mark.dashed ? [5, 4] : 'solid' },
    itemStyle: { color: colour(mark.colour) },
    data: mark.points.map((point) => (point === null ? [null, null] : [...point])) as [number, number][],
  };
}

/** All dots as one path of round-capped specks: a hundredth of the text of one element for each. */
function scatterSeries(mark: Mark, axis: number): CustomSeriesOption {
  const places = mark.points.filter((point) => point !== null && point[1] !== null) as [number, number][];
  return {
    type: 'custom',
    name: mark.name,
    xAxisIndex: axis,
    yAxisIndex: axis,
    silent: true,
    clip: true,
    itemStyle: { color: colour(mark.colour) },
    // All places, so that the axes reach them; the path itself comes with the first.
    data: places,
    renderItem: ({ dataIndex }, api) => {
      if (dataIndex !== 0) return null;
      const shape = mark.kind === 'dots' ? speck : cross;
      return {
        type: 'path',
        shape: { pathData: places.map((place) => shape(api.coord(place) as [number, number])).join('') },
        style: {
          stroke: colour(mark.colour),
          fill: 'none',
          lineWidth: mark.width ?? (mark.kind === 'dots' ? 3 : 1.5),
          lineCap: 'round',
        },
      };
    },
  };
}

function speck([x, y]: [number, number]): string {
  // zrender drops segments of no length, and a tenth of a pixel is none to the eye.
  return `M${x.toFixed(1)} ${y.toFixed(1)}h.1`;
}

function cross([x, y]: [number, number]): string {
  const [left, top] = [(x - CROSS).toFixed(1), (y - CROSS).toFixed(1)];
  const [right, bottom] = [(x + CROSS).toFixed(1), (y + CROSS).toFixed(1)];
  return `M${left} ${top}L${right} ${bottom}M${left} ${bottom}L${right} ${top}`;
}
