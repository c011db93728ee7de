import type { Core } from '../core.ts';
import { tilePath } from '../map/manifest.ts';
import type { MapWindow } from '../map/map-window.ts';
import { tileOrigin } from '../map/tile-grid.ts';

/** Enough to draw a map from above. */
const MAX_POINTS = 400_000;

/** Points of the tiles in memory, thinned evenly, in the map frame: for drawing. */
export async function sampleOf(
  core: Core,
  { tiles, manifest }: MapWindow,
  read: (path: string) => Promise<Uint8Array>,
): Promise<Float32Array> {
  const step = Math.max(1, Math.ceil(tiles.points / MAX_POINTS));
  const points: number[] = [];
  for (const id of tiles.tileIds) {
    const entry = manifest.tiles[id];
    if (!entry) continue;
    const { positions } = (await core.decodePcd(await read(tilePath(entry)))).cloud.arrays();
    const [x, y, z] = tileOrigin(id, manifest.tileSize);
    for (let at = 0; at < positions.length; at += 3 * step)
      points.push(positions[at]! + x, positions[at + 1]! + y, positions[at + 2]! + z);
  }
  return Float32Array.from(points);
}
