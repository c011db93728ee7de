import type { EChartsOption } from 'echarts';
import { type ColourName, colour } from './theme.ts';

/** A value axis in the style of the report; spread the rest over it. */
export const AXIS = {
  axisLine: { show: true, onZero: false, lineStyle: { color: colour('line') } },
  axisTick: { show: false },
  axisLabel: { color: colour('muted'), fontSize: 12, hideOverlap: true },
  splitLine: { show: true, lineStyle: { color: colour('line'), width: 0.6 } },
  minorTick: { show: false },
  nameLocation: 'middle',
  nameTextStyle: { color: colour('muted'), fontSize: 12 },
} as const;

export interface LegendEntry {
  readonly name: string;
  readonly icon: string;
  readonly colour: ColourName;
}

const LEGEND_LINE = 20;

/** The legend over a chart, from the left margin on, and the height to keep free for it. */
export function legendOf(
  entries: readonly LegendEntry[],
  width: number,
): { option: Pick<EChartsOption, 'legend'>; height: number } {
  if (entries.length === 0) return { option: {}, height: 0 };
  // echarts breaks the lines by itself and does not tell how many: reckon with 7.2 px a letter.
  let lines = 1;
  let used = 0;
  for (const { name } of entries) {
    const needed = 14 + 5 + 7.2 * name.length + 12;
    if (used > 0 && used + needed > width - 16) {
      lines++;
      used = 0;
    }
    used += needed;
  }
  const option: Pick<EChartsOption, 'legend'> = {
    legend: {
      left: 4,
      right: 4,
      top: 0,
      padding: 4,
      itemWidth: 14,
      itemHeight: 8,
      itemGap: 12,
      selectedMode: false,
      textStyle: { color: colour('muted'), fontSize: 12 },
      data: entries.map(({ name, icon, colour: hue }) => ({
        name,
        icon,
        itemStyle: {
          color: colour(hue),
          borderColor: colour('muted'),
          borderWidth: icon === 'rect' ? 0.5 : 0,
        },
      })),
    },
  };
  return { option, height: lines * LEGEND_LINE + 4 };
}
