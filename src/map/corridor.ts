import { distanceToTile, tileAt, tileId } from './tile-grid.ts';

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
  const ordered = new Set<string>();
  for (const [x, y] of pointsAlong(line, step)) {
    const low = tileAt(x - reach, y - reach, tileSize);
    const high = tileAt(x + reach, y + reach, tileSize);
    const fresh: [distance: number, id: string][] = [];
    for (let i = low.i; i <= high.i; i++) {
      for (let j = low.j; j <= high.j; j++) {
        const id = tileId(i, j);
        if (ordered.has(id)) continue;
        const distance = distanceToTile(x, y, id, tileSize);
        if (distance <= reach) fresh.push([distance, id]);
      }
    }
    fresh.sort(([a, idA], [b, idB]) => a - b || (idA < idB ? -1 : 1));
    for (const [, id] of fresh) ordered.add(id);
  }
  return [...ordered];
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
