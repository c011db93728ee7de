import library from 'kd-tree-javascript';
import type { KdTree, Neighbours } from '../core.ts';
import type { Vec3 } from '../types.ts';
import { Refusal } from '../types.ts';
import type { PortableCloud } from './cloud.ts';

interface TreePoint {
  readonly x: number;
  readonly y: number;
  readonly z: number;
  readonly index: number;
}

export interface Found {
  readonly index: number;
  /** metres² */
  readonly squaredDistance: number;
}

/**
 * kd-tree-javascript behind the core's interface. The library answers in no order and takes any of several equal
 * distances, so each search asks for more than it needs until the border is clear.
 */
export class PortableKdTree implements KdTree {
  readonly #tree: InstanceType<typeof library.kdTree<TreePoint>>;
  readonly size: number;

  /** Throws a Refusal `not-finite`. */
  constructor({ raw: { positions } }: PortableCloud) {
    const points: TreePoint[] = [];
    for (let index = 0; 3 * index < positions.length; index++) {
      const [x, y, z] = [positions[3 * index]!, positions[3 * index + 1]!, positions[3 * index + 2]!];
      requireFinite(x, y, z, `points, found NaN or infinity at index ${index}; leave such points out first`);
      points.push({ x, y, z, index });
    }
    this.size = points.length;
    this.#tree = new library.kdTree(points, squaredDistance, ['x', 'y', 'z']);
  }

  knn(queries: Float32Array, k: number): Neighbours {
    if (
      !(queries instanceof Float32Array) ||
      queries.length % 3 !== 0 ||
      typeof k !== 'number' ||
      !(k >= 1)
    ) {
      throw new Refusal('bad-argument', 'expected a Float32Array of x y z per query and k ≥ 1');
    }
    const count = queries.length / 3;
    const width = Math.min(Math.floor(k), Math.max(this.size, 1));
    const indices = new Int32Array(count * width).fill(-1);
    const squaredDistances = new Float32Array(count * width).fill(Number.NaN);
    for (let q = 0; q < count; q++) {
      const [x, y, z] = [queries[3 * q]!, queries[3 * q + 1]!, queries[3 * q + 2]!];
      requireFinite(x, y, z, `queries, found NaN or infinity at query ${q}`);
      this.nearest(x, y, z, width).forEach((found, rank) => {
        indices[q * width + rank] = found.index;
        squaredDistances[q * width + rank] = found.squaredDistance;
      });
    }
    return { indices, squaredDistances };
  }

  radius(query: Vec3, radius: number): Neighbours {
    if (
      !(
        Number.isFinite(radius) &&
        radius >= 0 &&
        Array.isArray(query) &&
        query.length === 3 &&
        query.every(Number.isFinite)
      )
    ) {
      throw new Refusal('bad-argument', 'expected a query [x, y, z] and a radius ≥ 0');
    }
    const [x, y, z] = [Math.fround(query[0]), Math.fround(query[1]), Math.fround(query[2])];
    const limit = Math.fround(radius) ** 2;
    const found = this.#beyond(x, y, z, 16, (sorted) => sorted.at(-1)!.squaredDistance > limit).filter(
      (candidate) => candidate.squaredDistance <= limit,
    );
    return {
      indices: Int32Array.from(found, (f) => f.index),
      squaredDistances: Float32Array.from(found, (f) => f.squaredDistance),
    };
  }

  /** The k nearest, nearest first, equal distances in order of index. */
  nearest(x: number, y: number, z: number, k: number): Found[] {
    const clear = (sorted: Found[]) => sorted.at(-1)!.squaredDistance > sorted[k - 1]!.squaredDistance;
    return this.#beyond(x, y, z, k + 1, clear).slice(0, k);
  }

  /** The nearest within √limit (metres²), or undefined; any of those at exactly the same distance. */
  nearestWithin(x: number, y: number, z: number, limit: number): Found | undefined {
    // The library wants strictly nearer, and takes 0 for no limit at all.
    const reach = limit * (1 + Number.EPSILON) + Number.MIN_VALUE;
    const [found] = this.#tree.nearest({ x, y, z, index: -1 }, 1, reach);
    return found && { index: found[0].index, squaredDistance: found[1] };
  }

  /** Asks for `first` points, then twice as many, until `enough` says that the last is past what matters. */
  #beyond(x: number, y: number, z: number, first: number, enough: (sorted: Found[]) => boolean): Found[] {
    for (let ask = first; this.size > 0; ask *= 2) {
      const found = this.#tree
        .nearest({ x, y, z, index: -1 }, ask)
        .map(([point, squared]) => ({ index: point.index, squaredDistance: squared }))
        .sort((a, b) => a.squaredDistance - b.squaredDistance || a.index - b.index);
      if (ask >= this.size || enough(found)) return found;
    }
    return [];
  }
}

/** As float32, which is what the caller sees: distances that look equal must come in order of index. */
function squaredDistance(a: TreePoint, b: TreePoint): number {
  return Math.fround((a.x - b.x) ** 2 + (a.y - b.y) ** 2 + (a.z - b.z) ** 2);
}

function requireFinite(x: number, y: number, z: number, what: string): void {
  if (!Number.isFinite(x + y + z)) throw new Refusal('not-finite', `expected finite ${what}`);
}
