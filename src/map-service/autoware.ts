import { join } from 'node:path';
import { encodePcd } from '../pointcloud/pcd.ts';
import type { SourceMap } from './source-tiles.ts';
import { writeWhole } from './whole-file.ts';

/** Beyond this a float32 steps by more than a millimetre, metres. */
const FLOAT32_REACH_M = 16_384;

/**
 * Writes a map as Autoware divides one: one PCD a tile, its points in the map frame, and
 * `pointcloud_map_metadata.yaml` with the lower left corner of each, written last.
 * Returns the number of tiles that lie so far out that float32 rounds them by more than a millimetre.
 */
export async function writeAutoware(
  map: SourceMap,
  tileSize: number,
  out: string,
  done: (files: number) => void,
): Promise<{ files: number; points: number; rounded: number }> {
  const lines = [`x_resolution: ${tileSize}`, `y_resolution: ${tileSize}`];
  let [files, points, rounded] = [0, 0, 0];
  for await (const { name, corner, arrays } of map.tiles(0)) {
    const positions = arrays.positions.map((value, k) => value + corner[k % 3]!);
    const file = `${name}.pcd`;
    await writeWhole(join(out, file), encodePcd({ ...arrays, positions }));
    lines.push(`${file}: [${corner[0]}, ${corner[1]}]`);
    points += positions.length / 3;
    if (Math.max(Math.abs(corner[0]), Math.abs(corner[1])) > FLOAT32_REACH_M) rounded++;
    done(++files);
  }
  await writeWhole(
    join(out, 'pointcloud_map_metadata.yaml'),
    new TextEncoder().encode(`${lines.join('\n')}\n`),
  );
  return { files, points, rounded };
}
