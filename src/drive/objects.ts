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
/** So many cubes beyond its sure ones an object may reach: half a metre. */
const GROWTH = 2;
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

/** With the cubes that touch an object, also by a corner, and those that touch these: what is beside a pole, say. */
export function grown(
  { cubes }: ChangedObject,
  perhaps: ReadonlyMap<string, Cube>,
  size: number,
): ChangedObject {
  const all = new Map(cubes.map((cube) => [cube.join(' '), cube]));
  let edge = cubes;
  for (let round = 0; round < GROWTH; round++) {
    const found = edge.flatMap((cube) => within(cube, 1)).filter((key) => perhaps.has(key) && !all.has(key));
    edge = [...new Set(found)].map((key) => perhaps.get(key)!);
    for (const cube of edge) all.set(cube.join(' '), cube);
  }
  return extentOf([...all.values()], size);
}

/** Groups of cubes that belong together, those of too few left out, the largest first. */
export function objectsOf(cubes: readonly Cube[], size: number, minCubes: number): ChangedObject[] {
  const left = new Map(cubes.map((cube) => [cube.join(' '), cube]));
  const objects: ChangedObject[] = [];
  for (const seed of cubes) {
    if (!left.delete(seed.join(' '))) continue;
    const group: Cube[] = [seed];
    for (let at = 0; at < group.length; at++) {
      for (const key of within(group[at]!, REACH)) {
        const found = left.get(key);
        if (!found) continue;
        left.delete(key);
        group.push(found);
      }
    }
    if (group.length < minCubes) continue;
    const object = extentOf(group, size);
    const long = object.high.filter((value, a) => value - object.low[a]! >= MIN_EXTENT);
    if (long.length >= 2) objects.push(object);
  }
  return objects.sort((a, b) => b.cubes.length - a.cubes.length);
}

/** The places that are at most so many cubes away in each direction. */
function within([x, y, z]: Cube, reach: number): string[] {
  const steps = Array.from({ length: 2 * reach + 1 }, (_, k) => k - reach);
  return steps.flatMap((dz) => steps.flatMap((dy) => steps.map((dx) => `${x + dx} ${y + dy} ${z + dz}`)));
}

function extentOf(cubes: readonly Cube[], size: number): ChangedObject {
  const edge = (a: number, pick: (...values: number[]) => number, add: number) =>
    size * (cubes.reduce((best, cube) => pick(best, cube[a]!), cubes[0]![a]!) + add);
  return {
    cubes,
    low: [edge(0, Math.min, 0), edge(1, Math.min, 0), edge(2, Math.min, 0)],
    high: [edge(0, Math.max, 1), edge(1, Math.max, 1), edge(2, Math.max, 1)],
  };
}
