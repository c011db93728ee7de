import type { Cloud, Core, TileMap } from '../../../src/core.ts';
import { tileOrigin } from '../../../src/map/tile-grid.ts';
import { Random } from '../../../src/math/random.ts';
import { inverse, transformPoint } from '../../../src/math/se3.ts';
import { quatFromRpy } from '../../../src/math/so3.ts';
import type { Pose, Vec3 } from '../../../src/types.ts';
import type { Street } from '../street.ts';
import { config } from '../tiles.ts';

/** A map and scans whose poses in it are known. */
export interface Scene {
  readonly name: string;
  readonly map: TileMap;
  readonly scans: readonly KnownScan[];
}

export interface KnownScan {
  /** x y z in the base frame, thinned as the pipeline does */
  readonly positions: Float32Array;
  readonly T_map_base: Pose;
}

/** The scans of a street, deskewed and thinned. */
export async function streetScene(core: Core, name: string, street: Street): Promise<Scene> {
  const scans: KnownScan[] = [];
  for (const frame of street.frames) {
    const { cloud } = await core.decodePointCloud2(frame.message, config.lidar);
    const level = await core.deskew(cloud, frame.T_base_sensor, frame.motion);
    const { positions } = (await core.downsample(level, config.lidar.voxelSize)).arrays();
    scans.push({ positions, T_map_base: frame.T_map_base });
  }
  return { name, map: street.map, scans };
}

/**
 * A scan that is made of the map's own points, so that its pose is known exactly: those near the points of a real scan,
 * others each time, with noise of `sigma` metres along each axis.
 */
export function exactScan(core: Core, map: TileMap, scan: KnownScan, random: Random, sigma: number): Cloud {
  const around = Float64Array.from(inMap(scan), (v) => v + random.uniform(-NEAR_M, NEAR_M));
  const { positions, distances } = map.nearest(around, NEAR_M);
  const T_base_map = inverse(scan.T_map_base);
  const kept: number[] = [];
  distances.forEach((distance, i) => {
    if (!(distance < NEAR_M)) return;
    const p = transformPoint(T_base_map, [...positions.subarray(3 * i, 3 * i + 3)] as unknown as Vec3);
    kept.push(...p.map((v) => v + random.gaussian(0, sigma)));
  });
  return core.cloud({ positions: Float32Array.from(kept) });
}
const NEAR_M = 0.3;

function inMap({ positions, T_map_base }: KnownScan): number[] {
  const out: number[] = [];
  for (let i = 0; i < positions.length; i += 3)
    out.push(...transformPoint(T_map_base, [positions[i]!, positions[i + 1]!, positions[i + 2]!]));
  return out;
}

/** A rectangle: a corner and two sides, metres. */
type Patch = readonly [corner: Vec3, u: Vec3, v: Vec3];
const GROUND: Patch = [
  [-40, -40, 0],
  [80, 0, 0],
  [0, 80, 0],
];
const BARE: Readonly<Record<string, readonly Patch[]>> = {
  /** Nothing to hold on to along x. */
  'plain wall': [
    GROUND,
    [
      [-40, 6, 0],
      [80, 0, 0],
      [0, 0, 6],
    ],
  ],
  corridor: [
    [
      [-40, -1.5, 0],
      [80, 0, 0],
      [0, 3, 0],
    ],
    [
      [-40, 1.5, 0],
      [80, 0, 0],
      [0, 0, 2.6],
    ],
    [
      [-40, -1.5, 0],
      [80, 0, 0],
      [0, 0, 2.6],
    ],
  ],
  /** Ground, and three pillars far from each other. */
  'open square': [GROUND, ...[-14, 5, 17].flatMap((x, k) => pillar(x, [9, -12, 3][k]!))],
};

function pillar(x: number, y: number): Patch[] {
  const [side, height] = [0.5, 4];
  return [
    [
      [x, y, 0],
      [side, 0, 0],
      [0, 0, height],
    ],
    [
      [x, y, 0],
      [0, side, 0],
      [0, 0, height],
    ],
    [
      [x, y + side, 0],
      [side, 0, 0],
      [0, 0, height],
    ],
    [
      [x + side, y, 0],
      [0, side, 0],
      [0, 0, height],
    ],
  ];
}

/** Places with little to hold on to: maps with noise of 1 cm, scans with noise of 2 cm, poses exact. */
export async function bareScenes(core: Core): Promise<Scene[]> {
  const scenes: Scene[] = [];
  for (const [name, patches] of Object.entries(BARE)) {
    const random = new Random(name.length);
    const map = core.tileMap(config.map.build.tileSize);
    for (const [id, positions] of byTile(sampled(patches, 120, 0.01, random))) {
      if (positions.length < 3 * 20) continue; // noise beyond the edge
      const cloud = await core.estimateNormals(core.cloud({ positions: Float32Array.from(positions) }), 20);
      map.add(id, await core.tile(cloud, tileOrigin(id, map.tileSize)));
    }
    const scans = Array.from({ length: 40 }, () => {
      const T_map_base: Pose = {
        position: [random.uniform(-8, 8), random.uniform(-1, 1), 0],
        orientation: quatFromRpy(0, 0, random.uniform(-3, 3)),
      };
      const T_base_map = inverse(T_map_base);
      const seen = sampled(patches, 8, 0.02, random).flatMap((p) => {
        const own = transformPoint(T_base_map, p);
        const range = Math.hypot(...own);
        // As beams of equal angles: fewer the further away.
        return range < 40 && random.uniform() < 6 / range ? [...own] : [];
      });
      return { positions: Float32Array.from(seen), T_map_base };
    });
    scenes.push({ name, map, scans });
  }
  return scenes;
}

/** Points on patches, about `density` a square metre. */
function sampled(patches: readonly Patch[], density: number, sigma: number, random: Random): Vec3[] {
  return patches.flatMap(([corner, u, v]) => {
    const count = Math.round(Math.hypot(...u) * Math.hypot(...v) * density);
    return Array.from({ length: count }, () => {
      const [a, b] = [random.uniform(), random.uniform()];
      return corner.map((c, k) => c + a * u[k]! + b * v[k]! + random.gaussian(0, sigma)) as unknown as Vec3;
    });
  });
}

function byTile(points: readonly Vec3[]): Map<string, number[]> {
  const size = config.map.build.tileSize;
  const tiles = new Map<string, number[]>();
  for (const [x, y, z] of points) {
    const [i, j] = [Math.floor(x / size), Math.floor(y / size)];
    const id = `${i}_${j}`;
    const tile = tiles.get(id) ?? [];
    tiles.set(id, tile);
    tile.push(x - i * size, y - j * size, z);
  }
  return tiles;
}
