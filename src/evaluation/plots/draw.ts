import { type EChartsOption, init } from 'echarts';
import { colour } from './theme.ts';

/** Pixels of a drawing. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The font that the PNG files are set in; a browser that lacks it takes its own. */
export const FONT = 'DejaVu Sans Condensed';

/**
 * A chart as SVG text, drawn without a DOM. `id` must be unique on the page: clip paths are named after it, where
 * echarts would number them through the life of the process and so make the same run give other bytes.
 */
export function draw(id: string, { width, height }: Size, option: EChartsOption): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height });
  try {
    chart.setOption({
      animation: false,
      backgroundColor: 'transparent',
      textStyle: { fontFamily: FONT, color: colour('muted'), fontSize: 12 },
      ...option,
    });
    const svg = withoutFarPaths(withoutBrowserParts(chart.renderToSVGString()), { width, height });
    return svg.replace(/zr\d+-c/g, `${id}-c`);
  } finally {
    // A chart left alone keeps a timer, and with it the process.
    chart.dispose();
  }
}

/**
 * Leaves out each piece of a path that lies wholly beyond one side of the picture, by more than its size (a far
 * outlier, values beyond a fixed axis): nobody sees it, and resvg gives up on a clipped group that reaches so far.
 */
function withoutFarPaths(svg: string, { width, height }: Size): string {
  const isFar = (piece: string) => {
    const places = [...piece.matchAll(/[ML](-?[\d.e+-]+) (-?[\d.e+-]+)/g)].map((m) => [+m[1]!, +m[2]!]);
    const beyond = (axis: 0 | 1, size: number) =>
      places.every((place) => place[axis]! < -size) || places.every((place) => place[axis]! > 2 * size);
    return places.length > 0 && (beyond(0, width) || beyond(1, height));
  };
  return svg.replace(
    /(<path d=")([^"]*)("[^>]*><\/path>\n?)/g,
    (_, open: string, d: string, close: string) => {
      const near = d.split(/(?=M)/).filter((piece) => !isFar(piece));
      return near.length > 0 ? open + near.join('') + close : '';
    },
  );
}

/** Nothing here is hovered or clicked, and the classes and marks for that are half of the bytes. */
function withoutBrowserParts(svg: string): string {
  return svg
    .replace(/<style[\s\S]*?<\/style>/g, '')
    .replace(/ (?:class|ecmeta_[a-z_]+|pointer-events)="[^"]*"/g, '')
    .replace(/<path [^>]*fill="none"(?![^>]*stroke)[^>]*><\/path>\n?/g, '')
    .replace(/<path [^>]*fill-opacity="0"[^>]*stroke-width="0"[^>]*><\/path>\n?/g, '');
}
