import type { Alignment, AlignOptions, Cloud, PlaceArea, Places, Tile, TileMap } from '../core.ts';
import type { Pose } from '../types.ts';
import { Refusal } from '../types.ts';
import { requirePose } from './arguments.ts';
import { portableCloud } from './cloud.ts';
import { align } from './icp.ts';
import { findPlaces } from './places.ts';
import { PortableTile, TileSet } from './tile-set.ts';

export class PortableTileMap implements TileMap {
  readonly tileSize: number;
  #set: TileSet;

  /** Throws a Refusal `bad-argument`. */
  constructor(tileSize: number) {
    if (!(tileSize > 0 && Number.isFinite(tileSize))) {
      throw new Refusal('bad-argument', 'expected a positive tileSize in metres');
    }
    this.tileSize = tileSize;
    this.#set = new TileSet(tileSize, []);
  }

  /** In order of column, then row. */
  get tileIds(): readonly string[] {
    const keys = [...this.#set.tiles.keys()].map((id) => id.split('_').map(Number));
    return keys.sort((a, b) => a[0]! - b[0]! || a[1]! - b[1]!).map(([i, j]) => `${i}_${j}`);
  }

  get points(): number {
    return [...this.#set.tiles.values()].reduce((sum, tile) => sum + tile.size, 0);
  }

  add(id: string, tile: Tile): void {
    if (!/^-?\d{1,9}_-?\d{1,9}$/.test(id) || !(tile instanceof PortableTile)) {
      throw new Refusal('bad-argument', 'expected a tile id like "12_-3" and a Tile');
    }
    this.#set = new TileSet(this.tileSize, [...this.#set.tiles, [id, tile]]);
  }

  remove(id: string): boolean {
    const kept = [...this.#set.tiles].filter(([held]) => held !== id);
    const removed = kept.length < this.#set.tiles.size;
    if (removed) this.#set = new TileSet(this.tileSize, kept);
    return removed;
  }

  nearest(queries: Float64Array, maxDistance: number): { positions: Float64Array; distances: Float64Array } {
    if (
      !(queries instanceof Float64Array) ||
      !(Number.isFinite(maxDistance) && maxDistance > 0 && maxDistance <= this.tileSize)
    ) {
      throw new Refusal(
        'bad-argument',
        'expected a Float64Array of x y z per query and a maxDistance of at most one tile',
      );
    }
    const count = Math.floor(queries.length / 3);
    const positions = new Float64Array(3 * count).fill(Number.NaN);
    const distances = new Float64Array(count).fill(Number.NaN);
    for (let q = 0; q < count; q++) {
      const found = this.#set.nearestPoint(
        queries[3 * q]!,
        queries[3 * q + 1]!,
        queries[3 * q + 2]!,
        maxDistance ** 2,
      );
      if (!found) continue;
      for (let a = 0; a < 3; a++) {
        positions[3 * q + a] = found.level.positions[3 * found.index + a]! + found.level.origin[a]!;
      }
      distances[q] = Math.sqrt(found.squaredDistance);
    }
    return { positions, distances };
  }

  async align(
    cloud: Cloud,
    T_map_base: Pose,
    options: AlignOptions,
    signal?: AbortSignal,
  ): Promise<Alignment> {
    requirePose('T_map_base', T_map_base);
    if (typeof options !== 'object' || options === null)
      throw new Refusal('bad-argument', 'expected alignment options');
    return align(this.#set, portableCloud(cloud), T_map_base, options, signal);
  }

  async places(cloud: Cloud, T_map_base: Pose, area: PlaceArea, signal?: AbortSignal): Promise<Places> {
    requirePose('T_map_base', T_map_base);
    return findPlaces(this.#set, portableCloud(cloud), T_map_base, area, signal);
  }
}
