import { rotationMatrix } from '../math/so3.ts';
import type { Quat, Vec3 } from '../types.ts';
import { PortableCloud, selectPoints } from './cloud.ts';
import type { PortableTile, TileSet } from './tile-set.ts';

/** These are those of native/include/dilly/place_grid.hpp and place_scan.hpp, where the reasons are. */
export const PLACE_CELL = 0.5;
const FOOT = 0.5;
const STOREYS = 16;
const BLUR = 0.25;
const BLUR_HEIGHT = 0.3;
const GROUND_CELL = 2;
const GROUND_REACH = 5;
const GROUND_UP = 0.85;
export const PLACE_RANGE = 40;
const GROUND_NEAR = 8;
const GROUND_RISE = 0.5;
const GROUND_SLOPE = 0.12;
const POINTS = 400;

/** A square grid about a place of the map frame. */
export class PlaceFrame {
  readonly cell: number;
  readonly side: number;
  readonly #low: readonly [number, number];

  constructor(x: number, y: number, half: number, cell: number) {
    this.#low = [Math.floor((x - half) / cell) * cell, Math.floor((y - half) / cell) * cell];
    this.cell = cell;
    this.side = 2 * Math.ceil(half / cell) + 1;
  }

  cellOf(v: number, axis: 0 | 1): number {
    return Math.floor((v - this.#low[axis]) / this.cell);
  }

  holds(i: number, j: number): boolean {
    return i >= 0 && j >= 0 && i < this.side && j < this.side;
  }

  at(i: number, j: number): number {
    return j * this.side + i;
  }
}

/** Height of the lowest ground of each cell; Infinity where there is none near. */
export class Ground {
  readonly frame: PlaceFrame;
  height: Float32Array;

  constructor(x: number, y: number, half: number) {
    this.frame = new PlaceFrame(x, y, half, GROUND_CELL);
    this.height = new Float32Array(this.frame.side ** 2).fill(Number.POSITIVE_INFINITY);
  }

  at(x: number, y: number): number {
    const [i, j] = [this.frame.cellOf(x, 0), this.frame.cellOf(y, 1)];
    return this.frame.holds(i, j) ? this.height[this.frame.at(i, j)]! : Number.POSITIVE_INFINITY;
  }

  lower(x: number, y: number, z: number): void {
    const [i, j] = [this.frame.cellOf(x, 0), this.frame.cellOf(y, 1)];
    if (!this.frame.holds(i, j)) return;
    const at = this.frame.at(i, j);
    this.height[at] = Math.min(this.height[at]!, z);
  }

  /** Where there is none, the lowest of the cells around, again and again. */
  carryOn(): void {
    for (let round = 0; round < GROUND_REACH; round++) {
      const before = this.height.slice();
      for (let j = 0; j < this.frame.side; j++)
        for (let i = 0; i < this.frame.side; i++) {
          const at = this.frame.at(i, j);
          if (before[at] !== Number.POSITIVE_INFINITY) continue;
          for (let dj = -1; dj <= 1; dj++)
            for (let di = -1; di <= 1; di++)
              if (this.frame.holds(i + di, j + dj))
                this.height[at] = Math.min(this.height[at]!, before[this.frame.at(i + di, j + dj)]!);
        }
    }
  }
}

/** Tiles that touch the square around (x, y). */
export function tilesNear({ tileSize, tiles }: TileSet, x: number, y: number, half: number): PortableTile[] {
  return [...tiles].flatMap(([id, tile]) => {
    const [i, j] = id.split('_').map((n) => Number(n) * tileSize) as [number, number];
    const near = i < x + half && i + tileSize > x - half && j < y + half && j + tileSize > y - half;
    return near ? [tile] : [];
  });
}

export function mapGround(
  tiles: readonly PortableTile[],
  [x, y]: readonly number[],
  half: number,
  low: number,
  high: number,
): Ground {
  const ground = new Ground(x!, y!, half);
  for (const { origin, surfels } of tiles)
    for (const { mean, normal } of surfels[1]!.all()) {
      const z = mean[2]! + origin[2];
      if (Math.abs(normal[2]!) >= GROUND_UP && z >= low && z <= high)
        ground.lower(mean[0]! + origin[0], mean[1]! + origin[1], z);
    }
  ground.carryOn();
  return ground;
}

/** Level 0: the storeys that each cell stands on; cell (i, j) of level n: those of [i, i + 2ⁿ) × [j, j + 2ⁿ). */
export function placePyramid(
  tiles: readonly PortableTile[],
  ground: Ground,
  [x, y]: readonly number[],
  half: number,
  levels: number,
): { frame: PlaceFrame; levels: Uint16Array[] } {
  const frame = new PlaceFrame(x!, y!, half, PLACE_CELL);
  const first = new Uint16Array(frame.side ** 2);
  const inside = (cell: number) => Math.min(Math.max(cell, 0), frame.side - 1);
  for (const { origin, points } of tiles)
    for (let k = 0; k < points.positions.length; k += 3) {
      const [px, py, pz] = [0, 1, 2].map((a) => points.positions[k + a]! + origin[a]!) as [
        number,
        number,
        number,
      ];
      const height = pz - ground.at(px, py);
      const bits = storeyBit(height - BLUR_HEIGHT) | storeyBit(height + BLUR_HEIGHT);
      const [i0, i1] = [Math.max(frame.cellOf(px - BLUR, 0), 0), inside(frame.cellOf(px + BLUR, 0))];
      const [j0, j1] = [Math.max(frame.cellOf(py - BLUR, 1), 0), inside(frame.cellOf(py + BLUR, 1))];
      if (bits === 0) continue;
      for (let j = j0; j <= j1; j++) for (let i = i0; i <= i1; i++) first[frame.at(i, j)]! |= bits;
    }
  const pyramid = [first];
  for (let n = 1; n < levels; n++) {
    const below = pyramid[n - 1]!;
    const step = 1 << (n - 1);
    const read = (i: number, j: number) => (frame.holds(i, j) ? below[frame.at(i, j)]! : 0);
    pyramid.push(
      below.map((bits, at) => {
        const [i, j] = [at % frame.side, Math.floor(at / frame.side)];
        return bits | read(i + step, j) | read(i, j + step) | read(i + step, j + step);
      }),
    );
  }
  return { frame, levels: pyramid };
}

/** A scan in level axes: its ground, the cells where something stands with their bits, and the points that stand. */
export interface PlaceScan {
  readonly ground: number;
  readonly places: readonly (readonly [number, number])[];
  readonly bits: readonly number[];
  readonly standing: PortableCloud;
}

export function placeScan(cloud: PortableCloud, orientation: Quat): PlaceScan {
  const level = levelPoints(cloud, orientation);
  const lowest = new Ground(0, 0, PLACE_RANGE);
  for (const [x, y, z] of level) lowest.lower(x, y, z);
  const ground = groundBelow(lowest);
  const frame = new PlaceFrame(0, 0, PLACE_RANGE, PLACE_CELL);
  const seen = new Map<number, { x: number; y: number; count: number }>();
  const standing: number[] = [];
  level.forEach(([x, y, z], k) => {
    const range = Math.hypot(x, y);
    if (range > PLACE_RANGE) return;
    const local = lowest.at(x, y);
    const sound = Math.abs(local - ground) < GROUND_RISE + GROUND_SLOPE * range;
    const bit = storeyBit(z - (sound ? local : ground));
    if (bit === 0) return;
    standing.push(k);
    const key = frame.at(frame.cellOf(x, 0), frame.cellOf(y, 1)) * STOREYS + Math.log2(bit);
    const cell = seen.get(key) ?? { x: 0, y: 0, count: 0 };
    seen.set(key, { x: cell.x + x, y: cell.y + y, count: cell.count + 1 });
  });
  const used = [...seen].sort(([a], [b]) => a - b);
  const kept = Math.min(used.length, POINTS);
  const picked = Array.from({ length: kept }, (_, k) => used[Math.floor((k * used.length) / kept)]!);
  return {
    ground,
    places: picked.map(([, { x, y, count }]) => [x / count, y / count]),
    bits: picked.map(([key]) => 1 << (key % STOREYS)),
    standing: new PortableCloud(selectPoints({ positions: cloud.raw.positions }, standing)),
  };
}

function storeyBit(height: number): number {
  return height >= FOOT ? 1 << Math.floor(Math.min(height - FOOT, STOREYS - 1)) : 0;
}

function levelPoints(cloud: PortableCloud, orientation: Quat): Vec3[] {
  const R = rotationMatrix(orientation);
  const p = cloud.raw.positions;
  return Array.from({ length: cloud.size }, (_, k) => {
    const [x, y, z] = [p[3 * k]!, p[3 * k + 1]!, p[3 * k + 2]!];
    return [
      R[0] * x + R[1] * y + R[2] * z,
      R[3] * x + R[4] * y + R[5] * z,
      R[6] * x + R[7] * y + R[8] * z,
    ] as const;
  });
}

/** The median of the lowest points of the cells around the robot. */
function groundBelow({ frame, height }: Ground): number {
  const cells = GROUND_NEAR / GROUND_CELL;
  const [i0, j0] = [frame.cellOf(0, 0), frame.cellOf(0, 1)];
  const near: number[] = [];
  for (let j = j0 - cells; j <= j0 + cells; j++)
    for (let i = i0 - cells; i <= i0 + cells; i++)
      if (height[frame.at(i, j)]! !== Number.POSITIVE_INFINITY) near.push(height[frame.at(i, j)]!);
  near.sort((a, b) => a - b);
  return near[Math.floor(near.length / 2)] ?? 0;
}
