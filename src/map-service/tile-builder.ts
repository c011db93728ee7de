import type { Cloud, CloudArrays, Core, Motion } from '../core.ts';
import { tileAt, tileId, tileOrigin } from '../map/tile-grid.ts';
import { relative } from '../math/se3.ts';
import type { Pose } from '../types.ts';

/** x y z (relative to the tile's corner), intensity, and the place that the point was seen from (likewise). */
const ROW = 7;

export interface TileBuilderOptions {
  /** metres */
  readonly tileSize: number;
  /** one point per cube of this many metres */
  readonly voxelSize: number;
  /** neighbours that each normal comes from */
  readonly normalNeighbours: number;
  /** points of neighbouring tiles within this many metres help a tile's normals */
  readonly margin: number;
}

/** One finished tile: points relative to its corner. */
export interface BuiltTile {
  readonly id: string;
  readonly arrays: CloudArrays;
}

/**
 * Gathers posed scans into tiles: points of all scans are thinned to one per voxel, then each gets a normal, turned
 * towards where it was seen from, and its curvature.
 */
export class TileBuilder {
  readonly #core: Core;
  readonly #options: TileBuilderOptions;
  readonly #pending = new Map<string, RowBuffer>();

  constructor(core: Core, options: TileBuilderOptions) {
    this.#core = core;
    this.#options = options;
  }

  /**
   * Adds one scan.
   * @param cloud in the sensor's frame
   * @param path times (s from the cloud's stamp) and T_map_base at each, over the sweep
   * @param T_map_base at the cloud's stamp
   */
  async add(
    cloud: Cloud,
    T_base_sensor: Pose,
    T_map_base: Pose,
    path: { times: number[]; poses: Pose[] },
  ): Promise<void> {
    // Float32 is only precise near zero: everything is taken relative to the robot, then to the tile, in float64.
    const anchor: Pose = { position: T_map_base.position, orientation: [0, 0, 0, 1] };
    const motion: Motion = {
      kind: 'sampled',
      times: path.times,
      poses: path.poses.map((pose) => relative(anchor, pose)),
    };
    const level = await this.#core.deskew(cloud, T_base_sensor, motion);
    const { positions, intensity } = (await this.#core.downsample(level, this.#options.voxelSize)).arrays();
    const [ax, ay, az] = anchor.position;
    for (let p = 0; p < positions.length / 3; p++) {
      const x = positions[3 * p]! + ax;
      const y = positions[3 * p + 1]! + ay;
      const z = positions[3 * p + 2]! + az;
      const { i, j } = tileAt(x, y, this.#options.tileSize);
      const id = tileId(i, j);
      const rows = this.#pending.get(id) ?? new RowBuffer();
      this.#pending.set(id, rows);
      const [ox, oy, oz] = tileOrigin(id, this.#options.tileSize);
      rows.push(x - ox, y - oy, z - oz, intensity?.[p] ?? 0, ax - ox, ay - oy, az - oz);
    }
  }

  get tileCount(): number {
    return this.#pending.size;
  }

  /** The finished tiles in order of column and row; tiles with too few points for a normal are left out. */
  async *finish(): AsyncGenerator<BuiltTile> {
    const thinned = new Map<string, Float32Array>();
    for (const [id, rows] of this.#pending) thinned.set(id, thin(rows.view(), this.#options.voxelSize));
    this.#pending.clear();
    const ids = [...thinned.keys()].sort();
    for (const id of ids) {
      const own = thinned.get(id)!;
      const around = this.#withNeighbours(id, thinned);
      if (around.length / 3 < this.#options.normalNeighbours) continue;
      const cloud = this.#core.cloud({ positions: around });
      const { normals, curvature } = (
        await this.#core.estimateNormals(cloud, this.#options.normalNeighbours)
      ).arrays();
      yield { id, arrays: finished(own, normals!, curvature!) };
    }
  }

  /** Positions of a tile's points, its own first, then the neighbours' within the margin, all relative to its corner. */
  #withNeighbours(id: string, tiles: Map<string, Float32Array>): Float32Array {
    const { tileSize, margin } = this.#options;
    const corner = tileOrigin(id, tileSize);
    const { i, j } = tileAt(corner[0] + tileSize / 2, corner[1] + tileSize / 2, tileSize);
    const own = tiles.get(id)!;
    const out: number[] = [];
    for (let at = 0; at < own.length; at += ROW) out.push(own[at]!, own[at + 1]!, own[at + 2]!);
    for (let di = -1; di <= 1; di++) {
      for (let dj = -1; dj <= 1; dj++) {
        const rows = di || dj ? tiles.get(tileId(i + di, j + dj)) : undefined;
        if (!rows) continue;
        for (let at = 0; at < rows.length; at += ROW) {
          const x = rows[at]! + di * tileSize;
          const y = rows[at + 1]! + dj * tileSize;
          if (x > -margin && x < tileSize + margin && y > -margin && y < tileSize + margin)
            out.push(x, y, rows[at + 2]!);
        }
      }
    }
    return Float32Array.from(out);
  }
}

/** A growing array of rows. */
class RowBuffer {
  #data = new Float32Array(ROW * 1024);
  #used = 0;

  push(...row: [number, number, number, number, number, number, number]): void {
    if (this.#used + ROW > this.#data.length) {
      const larger = new Float32Array(2 * this.#data.length);
      larger.set(this.#data);
      this.#data = larger;
    }
    this.#data.set(row, this.#used);
    this.#used += ROW;
  }

  view(): Float32Array {
    return this.#data.subarray(0, this.#used);
  }
}

/** The mean row of each voxel, in the order in which the voxels first occur. */
function thin(rows: Float32Array, voxelSize: number): Float32Array {
  const voxels = new Map<number, number>();
  const sums: number[] = [];
  const counts: number[] = [];
  // 2^17 cubes each way, exact in a double: 13 km at 0.1 m, far beyond a tile.
  const cell = (v: number) => Math.floor(v / voxelSize) + 65536;
  for (let at = 0; at < rows.length; at += ROW) {
    const key = (cell(rows[at]!) * 131072 + cell(rows[at + 1]!)) * 131072 + cell(rows[at + 2]!);
    let voxel = voxels.get(key);
    if (voxel === undefined) {
      voxel = counts.length;
      voxels.set(key, voxel);
      counts.push(0);
      for (let k = 0; k < ROW; k++) sums.push(0);
    }
    counts[voxel]!++;
    for (let k = 0; k < ROW; k++) sums[ROW * voxel + k]! += rows[at + k]!;
  }
  return Float32Array.from(sums, (sum, k) => sum / counts[Math.floor(k / ROW)]!);
}

/** The tile's arrays from its own rows and the first of the normals, turned towards the place they were seen from. */
function finished(own: Float32Array, normals: Float32Array, curvature: Float32Array): CloudArrays {
  const n = own.length / ROW;
  const positions = new Float32Array(3 * n);
  const intensity = new Float32Array(n);
  const turned = new Float32Array(3 * n);
  for (let p = 0; p < n; p++) {
    const seenFrom = (k: number) => own[ROW * p + 4 + k]! - own[ROW * p + k]!;
    const facing =
      normals[3 * p]! * seenFrom(0) + normals[3 * p + 1]! * seenFrom(1) + normals[3 * p + 2]! * seenFrom(2);
    for (let k = 0; k < 3; k++) {
      positions[3 * p + k] = own[ROW * p + k]!;
      turned[3 * p + k] = normals[3 * p + k]! * (facing < 0 ? -1 : 1);
    }
    intensity[p] = own[ROW * p + 3]!;
  }
  return { positions, intensity, normals: turned, curvature: curvature.slice(0, n) };
}
