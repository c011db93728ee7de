import type { VoxelBlock } from '../core.ts';
import type { Vec3 } from '../types.ts';

/** Cubes by their place in the whole map frame: `x y z` of multiples of the edge. */
export type Cube = readonly [x: number, y: number, z: number];

export interface ChangedObject {
  readonly cubes: readonly Cube[];
  /** m, map frame */
  readonly low: Vec3;
  readonly high: Vec3;
}

/** A surface that is seen by few rings has gaps: cubes this near to each other are of one object. */
const REACH = 2;
/** An object is at least so long in two directions, m: noise along a wall is not. */
const MIN_EXTENT = 0.5;

/** Place of a block's cube in the map frame; the block's corner must be a multiple of the edge. */
export function cubeOf({ origin, size, counts: [nx, ny] }: VoxelBlock, index: number): Cube {
  const corner = origin.map((o) => Math.round(o / size));
  const x = index % nx;
  const y = Math.floor(index / nx) % ny;
  const z = Math.floor(index / (nx * ny));
  return [corner[0]! + x, corner[1]! + y, corner[2]! + z];
}

/** Groups of cubes that belong together, those of too few left out, the largest first. */
export function objectsOf(cubes: readonly Cube[], size: number, minCubes: number): ChangedObject[] {
  const left = new Map(cubes.map((cube) => [cube.join(' '), cube]));
  const objects: ChangedObject[] = [];
  for (const seed of cubes) {
    if (!left.delete(seed.join(' '))) continue;
    const group: Cube[] = [seed];
    for (let at = 0; at < group.length; at++) {
      const [x, y, z] = group[at]!;
      for (let dz = -REACH; dz <= REACH; dz++)
        for (let dy = -REACH; dy <= REACH; dy++)
          for (let dx = -REACH; dx <= REACH; dx++) {
            const key = `${x + dx} ${y + dy} ${z + dz}`;
            const found = left.get(key);
            if (!found) continue;
            left.delete(key);
            group.push(found);
          }
    }
    if (group.length < minCubes) continue;
    const edge = (a: number, pick: (...values: number[]) => number, add: number) =>
      size * (group.reduce((best, cube) => pick(best, cube[a]!), group[0]![a]!) + add);
    const low: Vec3 = [edge(0, Math.min, 0), edge(1, Math.min, 0), edge(2, Math.min, 0)];
    const high: Vec3 = [edge(0, Math.max, 1), edge(1, Math.max, 1), edge(2, Math.max, 1)];
    const long = high.filter((value, a) => value - low[a]! >= MIN_EXTENT);
    if (long.length >= 2) objects.push({ cubes: group, low, high });
  }
  return objects.sort((a, b) => b.cubes.length - a.cubes.length);
}
