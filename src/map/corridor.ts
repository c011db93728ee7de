import { distanceToSquare, tileAt, tileId } from './tile-grid.ts';

type XY = readonly [x: number, y: number];

/**
 * The tiles within `radiusM` of a route, each once, in order of first need: when a robot moving along the line comes
 * that near, and the nearer of two at one time first. Steps along the line are a quarter of a tile, so that a tile
 * touched by less than 1/8 of a tile's side of the radius may be missed by the steps; the radius is enlarged by that.
 * @param line ENU metres, in order of travel
 */
export function corridorTiles(line: readonly XY[], radiusM: number, tileSize: number): string[] {
  const step = tileSize / 4;
  const reach = radiusM + step / 2;
  const ordered: string[] = [];
  // Numbers are looked up many times faster than ids; 2²⁶ tiles a side are enough for any map.
  const seen = new Set<number>();
  for (const [x, y] of pointsAlong(line, step)) {
    const low = tileAt(x - reach, y - reach, tileSize);
    const high = tileAt(x + reach, y + reach, tileSize);
    const fresh: [distance: number, i: number, j: number][] = [];
    for (let i = low.i; i <= high.i; i++) {
      for (let j = low.j; j <= high.j; j++) {
        const key = i * 2 ** 26 + j;
        if (seen.has(key)) continue;
        const distance = distanceToSquare(x, y, i, j, tileSize);
        if (distance > reach) continue;
        seen.add(key);
        fresh.push([distance, i, j]);
      }
    }
    fresh.sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
    for (const [, i, j] of fresh) ordered.push(tileId(i, j));
  }
  return ordered;
}

function* pointsAlong(line: readonly XY[], step: number): Generator<XY> {
  if (line[0]) yield line[0];
  for (let k = 1; k < line.length; k++) {
    const [a, b] = [line[k - 1]!, line[k]!];
    const pieces = Math.max(1, Math.ceil(Math.hypot(b[0] - a[0], b[1] - a[1]) / step));
    for (let n = 1; n <= pieces; n++)
      yield [a[0] + ((b[0] - a[0]) * n) / pieces, a[1] + ((b[1] - a[1]) * n) / pieces];
  }
}
