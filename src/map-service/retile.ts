import { quatRotate } from '../math/so3.ts';
import { add } from '../math/vec3.ts';
import type { Vec3 } from '../types.ts';
import type { SourceMap } from './source-tiles.ts';
import type { TileBuilder } from './tile-builder.ts';
import { applySimilarity, type Similarity } from './umeyama.ts';

/** Where points without a normal are taken to have been seen from: above. */
const ABOVE: Vec3 = [0, 0, 3];

/**
 * Puts the points of a map into a builder of other tiles, moved by `T_new_old`. A normal says which side a point was
 * seen from; normals themselves are made anew from the points around; colours are kept. Files that an earlier run put in are passed over.
 */
export async function retile(
  map: SourceMap,
  builder: TileBuilder,
  T_new_old: Similarity,
  done: (files: number) => void,
): Promise<void> {
  let files = builder.state.scans;
  for await (const { corner, arrays, rgb } of map.tiles(files)) {
    const { positions, intensity, normals } = arrays;
    const colours = rgb && new Uint32Array(rgb.buffer);
    for (let p = 0; p < positions.length / 3; p++) {
      const at = (values: Float32Array): Vec3 => [values[3 * p]!, values[3 * p + 1]!, values[3 * p + 2]!];
      const place = applySimilarity(T_new_old, add(corner, at(positions)));
      const towards = normals ? quatRotate(T_new_old.orientation, at(normals)) : ABOVE;
      builder.place(place, intensity?.[p] ?? 0, add(place, towards), colours?.[p]);
    }
    await builder.scanDone();
    done(++files);
  }
}
