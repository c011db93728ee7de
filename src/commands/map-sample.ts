import type { Core } from '../core.ts';
import type { TileSupply } from '../map/tile-supply.ts';
import type { MapSource } from '../ports.ts';

/** Enough to draw a map from above. */
const MAX_POINTS = 400_000;

/** Points of the tiles in memory, thinned evenly, in the map frame: for drawing. */
export async function sampleOf(
  core: Core,
  { tiles, index }: TileSupply,
  source: MapSource,
): Promise<Float32Array> {
  const step = Math.max(1, Math.ceil(tiles.points / MAX_POINTS));
  const points: number[] = [];
  for (const id of tiles.tileIds) {
    const file = index.file(id);
    if (!file) continue;
    const { positions } = (await core.decodePcd(await source.read(file.path, file))).cloud.arrays();
    const [x, y, z] = index.pointsOrigin(id);
    for (let at = 0; at < positions.length; at += 3 * step)
      points.push(positions[at]! + x, positions[at + 1]! + y, positions[at + 2]! + z);
  }
  return Float32Array.from(points);
}
