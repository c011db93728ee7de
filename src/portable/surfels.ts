import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { Refusal } from '../types.ts';
import type { PortableCloud } from './cloud.ts';
import { voxelGrid } from './voxel.ts';

/** These are those of native/include/dilly/surfels.hpp, where the reasons are. */
const POINTS = 6;
const THICKNESS = 0.15;
const FLAT = 4;
const WIDE = 0.1;
const BEND = 0.7;
const COLUMNS = 2048;
const THICKNESS_UNIT = 1e-4;
/** Side of the cubes of each level, metres. */
export const SURFEL_SIZES = [2, 1, 0.5] as const;

export interface Surfel {
  readonly mean: readonly number[];
  readonly normal: readonly number[];
  /** standard deviation along the normal, metres */
  readonly thickness: number;
}

/** The surfels of a cloud by the cube that they lie in. */
export class SurfelGrid {
  readonly #size: number;
  readonly #low: readonly number[];
  readonly #cubes = new Map<string, Surfel[]>();
  readonly #columns = new Set<string>();

  /** Throws a Refusal `tile-too-large`. */
  constructor(cloud: PortableCloud, size: number) {
    this.#size = size;
    const low = [0, 1, 2].map((a) => {
      const { low, high } = extent(cloud, a);
      const corner = Math.fround(Math.floor(low / size) * size);
      const span = Math.floor((high - corner) / size) + 1;
      if (span <= COLUMNS) return corner;
      throw new Refusal(
        'tile-too-large',
        `expected a tile of at most ${COLUMNS * size} m, found ${span * size} m; divide it`,
      );
    });
    this.#low = low;
    const { voxelOf, count } = voxelGrid(cloud, size);
    const members: number[][] = Array.from({ length: count }, () => []);
    voxelOf.forEach((voxel, point) => {
      members[voxel]!.push(point);
    });
    for (const points of members) {
      const surfels = surfelsOf(cloud, points, size);
      const last = 3 * points.at(-1)!;
      const { positions } = cloud.raw;
      const at = [0, 1, 2].map((a) =>
        Math.floor(Math.fround(Math.fround(positions[last + a]! - low[a]!) / Math.fround(size))),
      );
      if (surfels.length === 0) continue;
      this.#cubes.set(at.join(), surfels);
      this.#columns.add(at.slice(0, 2).join());
    }
  }

  /** The surfel of the cube around a place from the tile's origin, or else, in wide cubes, of one beyond its nearer sides. */
  find(q: readonly number[]): Surfel | undefined {
    const cubes = q.map((v, a) => (v - this.#low[a]!) / this.#size);
    const own = this.#inCube(cubes, q);
    if (own || this.#size <= SURFEL_SIZES.at(-1)!) return own;
    for (const side of [2, 0, 1]) {
      const beyond = [...cubes];
      beyond[side]! += cubes[side]! - Math.floor(cubes[side]!) < 0.5 ? -1 : 1;
      const other = this.#inCube(beyond, q);
      if (other) return other;
    }
    return undefined;
  }

  /** Whether there are surfels above or below a place from the tile's origin. */
  covers(x: number, y: number): boolean {
    return this.#columns.has([x, y].map((v, a) => Math.floor((v - this.#low[a]!) / this.#size)).join());
  }

  /** All of them, in no order. */
  all(): Surfel[] {
    return [...this.#cubes.values()].flat();
  }

  /** Of two surfels the one whose plane is nearer. */
  #inCube(cubes: readonly number[], q: readonly number[]): Surfel | undefined {
    const [one, other] = this.#cubes.get(cubes.map(Math.floor).join()) ?? [];
    if (!one || !other) return one;
    return Math.abs(planeDistance(other, q)) < Math.abs(planeDistance(one, q)) ? other : one;
  }
}

export function planeDistance({ mean, normal }: Surfel, q: readonly number[]): number {
  return q.reduce((sum, v, a) => sum + (v - mean[a]!) * normal[a]!, 0);
}

function extent(cloud: PortableCloud, axis: number): { low: number; high: number } {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = axis; i < 3 * cloud.size; i += 3) {
    low = Math.min(low, cloud.raw.positions[i]!);
    high = Math.max(high, cloud.raw.positions[i]!);
  }
  return { low, high };
}

/** One surfel, or two where the points of a cube are no surface together but are by their normals. */
function surfelsOf(cloud: PortableCloud, points: readonly number[], size: number): Surfel[] {
  const whole = surfelOf(cloud, points, size);
  if (whole) return [whole];
  const { normals } = cloud.raw;
  if (!normals || points.length < 2 * POINTS) return [];
  const f = 3 * points.at(-1)!;
  const alike = (i: number) =>
    normals[3 * i]! * normals[f]! +
      normals[3 * i + 1]! * normals[f + 1]! +
      normals[3 * i + 2]! * normals[f + 2]! >=
    BEND;
  return [points.filter(alike), points.filter((i) => !alike(i))]
    .map((part) => surfelOf(cloud, part, size))
    .filter((surfel) => surfel !== undefined);
}

function surfelOf(cloud: PortableCloud, points: readonly number[], size: number): Surfel | undefined {
  if (points.length < POINTS) return undefined;
  const coordinate = (i: number, a: number) => cloud.raw.positions[3 * i + a]!;
  const mean = [0, 1, 2].map((a) => points.reduce((sum, i) => sum + coordinate(i, a), 0) / points.length);
  const covariance = Matrix.zeros(3, 3);
  for (const i of points)
    for (let a = 0; a < 3; a++)
      for (let b = 0; b < 3; b++)
        covariance.set(
          a,
          b,
          covariance.get(a, b) +
            ((coordinate(i, a) - mean[a]!) * (coordinate(i, b) - mean[b]!)) / points.length,
        );
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(covariance, {
    assumeSymmetric: true,
  });
  const [l0, l1, l2] = realEigenvalues as [number, number, number];
  const thickness = Math.sqrt(Math.max(l0, 0));
  if (thickness > THICKNESS * size || l1 < FLAT * l0 || l1 < WIDE * l2) return undefined;
  return {
    mean,
    normal: eigenvectorMatrix.getColumn(0),
    thickness: Math.round(thickness / THICKNESS_UNIT) * THICKNESS_UNIT,
  };
}
