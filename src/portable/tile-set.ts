import type { Tile } from '../core.ts';
import type { Vec3 } from '../types.ts';
import { Refusal } from '../types.ts';
import { requireNumbers } from './arguments.ts';
import type { PortableCloud } from './cloud.ts';
import { PortableKdTree } from './kdtree.ts';
import { planeDistance, SURFEL_SIZES, type Surfel, SurfelGrid } from './surfels.ts';

/** Points with normals and their tree; positions are relative to `origin`. */
export class Level {
  readonly origin: Vec3;
  readonly tree: PortableKdTree;
  readonly positions: Float32Array;
  readonly normals: Float32Array;

  constructor(cloud: PortableCloud, origin: Vec3) {
    this.origin = origin;
    this.positions = cloud.raw.positions;
    this.normals = cloud.raw.normals!;
    this.tree = new PortableKdTree(cloud);
  }
}

/** A tile's points, and its surfels for the first, wide iterations of a registration. */
export class PortableTile implements Tile {
  readonly points: Level;
  /** by level, as SURFEL_SIZES */
  readonly surfels: readonly SurfelGrid[];

  /** Throws a Refusal `no-normals`, `empty-cloud`, `bad-normal`, `not-finite` or `tile-too-large`. */
  constructor(cloud: PortableCloud, origin: Vec3) {
    const { normals } = cloud.raw;
    if (cloud.size === 0) throw new Refusal('empty-cloud', 'expected at least one point, found none');
    if (!normals)
      throw new Refusal('no-normals', 'expected a cloud with normals, found none; estimate them first');
    for (let i = 0; i < cloud.size; i++) {
      const length2 = normals[3 * i]! ** 2 + normals[3 * i + 1]! ** 2 + normals[3 * i + 2]! ** 2;
      if (Math.abs(length2 - 1) < 0.02) continue;
      throw new Refusal('bad-normal', `expected unit normals, found squared length ${length2} at index ${i}`);
    }
    requireNumbers('origin', origin, 3);
    this.points = new Level(cloud, [...origin]);
    this.surfels = SURFEL_SIZES.map((size) => new SurfelGrid(cloud, size));
  }

  get origin(): Vec3 {
    return this.points.origin;
  }

  get size(): number {
    return this.points.tree.size;
  }
}

/** The nearest map point of a place. */
export interface MapPoint {
  readonly level: Level;
  readonly index: number;
  readonly squaredDistance: number;
}

/** An immutable set of tiles that is searched as one: a change makes a new one, so that a search under way keeps its own. */
export class TileSet {
  readonly tileSize: number;
  readonly tiles: ReadonlyMap<string, PortableTile>;

  constructor(tileSize: number, tiles: Iterable<readonly [string, PortableTile]>) {
    this.tileSize = tileSize;
    this.tiles = new Map(tiles);
  }

  /** The nearest point within √limit metres, which must be at most one tile: only the 3 × 3 tiles around are asked. */
  nearestPoint(x: number, y: number, z: number, limit: number): MapPoint | undefined {
    if (!Number.isFinite(x + y + z)) return undefined;
    const [i, j] = [Math.floor(x / this.tileSize), Math.floor(y / this.tileSize)];
    let best: MapPoint | undefined;
    for (let di = -1; di <= 1; di++) {
      for (let dj = -1; dj <= 1; dj++) {
        const level = this.tiles.get(`${i + di}_${j + dj}`)?.points;
        if (!level) continue;
        const [ox, oy, oz] = level.origin;
        const found = level.tree.nearestWithin(x - ox, y - oy, z - oz, best?.squaredDistance ?? limit);
        if (found && (!best || found.squaredDistance < best.squaredDistance)) best = { level, ...found };
      }
    }
    return best;
  }

  /** The surfel of a level whose cube a place lies in, and the way from it to there. */
  surfelAt(
    x: number,
    y: number,
    z: number,
    level: number,
  ): { surfel: Surfel; way: readonly number[]; distance: number } | undefined {
    const tile = this.tiles.get(`${Math.floor(x / this.tileSize)}_${Math.floor(y / this.tileSize)}`);
    if (!tile) return undefined;
    const q = [x - tile.origin[0], y - tile.origin[1], z - tile.origin[2]];
    const surfel = tile.surfels[level]!.find(q);
    if (!surfel) return undefined;
    return { surfel, way: q.map((v, a) => v - surfel.mean[a]!), distance: planeDistance(surfel, q) };
  }

  /** Whether the map has surfels of the first level above or below a place. */
  covers(x: number, y: number): boolean {
    const tile = this.tiles.get(`${Math.floor(x / this.tileSize)}_${Math.floor(y / this.tileSize)}`);
    return tile !== undefined && tile.surfels[0]!.covers(x - tile.origin[0], y - tile.origin[1]);
  }
}
