import type { Cloud, Core, TileMap } from '../../src/core.ts';
import { Random } from '../../src/math/random.ts';
import type { Pose, Vec3 } from '../../src/types.ts';
import { seenFrom } from './clouds.ts';

interface Wall {
  readonly x: number;
  readonly y: number;
  readonly along: 'x' | 'y';
  readonly length: number;
  readonly height: number;
}

/** Points on level ground and on walls, with normals; spacing in metres, shifted by a share of it. */
export function yard(
  walls: readonly Wall[],
  half: number,
  spacing: number,
  shift = 0,
): { positions: number[]; normals: number[] } {
  const positions: number[] = [];
  const normals: number[] = [];
  const put = (at: Vec3, normal: Vec3) => {
    positions.push(...at);
    normals.push(...normal);
  };
  const from = spacing * shift;
  for (let x = from - half; x < half; x += 2 * spacing)
    for (let y = from - half; y < half; y += 2 * spacing) put([x, y, 0], [0, 0, 1]);
  for (const { x, y, along, length, height } of walls)
    for (let s = from; s < length; s += spacing)
      for (let z = from; z < height; z += spacing)
        put(along === 'x' ? [x + s, y, z] : [x, y + s, z], along === 'x' ? [0, 1, 0] : [1, 0, 0]);
  return { positions, normals };
}

/** Walls anywhere within ±half metres, none like another. */
export function anyWalls(seed: number, count: number, half: number): Wall[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => ({
    x: random.uniform(-half, half - 6),
    y: random.uniform(-half, half - 6),
    along: random.uniform() < 0.5 ? 'x' : 'y',
    length: random.uniform(2, 6),
    height: random.uniform(1.5, 4),
  }));
}

/** The points within `range` metres of a pose, as a scan there would show them. */
export function scanOf(core: Core, { positions }: { positions: number[] }, pose: Pose, range: number): Cloud {
  const near: number[] = [];
  for (let k = 0; k < positions.length; k += 3)
    if (Math.hypot(positions[k]! - pose.position[0], positions[k + 1]! - pose.position[1]) < range)
      near.push(...positions.slice(k, k + 3));
  return seenFrom(core, near, pose);
}

/** In tiles of 20 m. */
export async function yardMap(
  core: Core,
  { positions, normals }: { positions: number[]; normals: number[] },
): Promise<TileMap> {
  const tiles = new Map<string, { positions: number[]; normals: number[] }>();
  for (let k = 0; k < positions.length; k += 3) {
    const [i, j] = [Math.floor(positions[k]! / 20), Math.floor(positions[k + 1]! / 20)];
    const tile = tiles.get(`${i}_${j}`) ?? { positions: [], normals: [] };
    tile.positions.push(positions[k]! - 20 * i, positions[k + 1]! - 20 * j, positions[k + 2]!);
    tile.normals.push(...normals.slice(k, k + 3));
    tiles.set(`${i}_${j}`, tile);
  }
  const map = core.tileMap(20);
  for (const [id, tile] of tiles) {
    const [i, j] = id.split('_').map(Number) as [number, number];
    const cloud = core.cloud({
      positions: Float32Array.from(tile.positions),
      normals: Float32Array.from(tile.normals),
    });
    map.add(id, await core.tile(cloud, [20 * i, 20 * j, 0]));
  }
  return map;
}
