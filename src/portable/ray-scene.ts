import type { RayHits, RayScene, RaySweep } from '../core.ts';
import { rotationMatrix } from '../math/so3.ts';
import { Refusal } from '../types.ts';
import { meet, type RaySolid, raySolids } from './ray-solid.ts';

/** Cells of the plane, metres: a ray walks from one to the next. */
const CELL = 8;

/** The scene without an addon: solids in a grid over the plane (Amanatides & Woo 1987), on the event loop. */
export class PortableRayScene implements RayScene {
  readonly #solids: readonly RaySolid[];
  readonly #cells = new Map<number, number[]>();
  /** wider than a few cells: looked at for every ray */
  readonly #wide: number[] = [];
  readonly #marks: Int32Array;
  #mark = 0;

  constructor(solids: Float64Array) {
    this.#solids = raySolids(solids);
    this.#marks = new Int32Array(this.#solids.length);
    for (const [index, solid] of this.#solids.entries()) {
      const reach = Math.hypot(solid.a, solid.kind === 1 || solid.kind === 2 ? 0 : solid.b);
      if (reach > 4 * CELL) {
        this.#wide.push(index);
        continue;
      }
      for (let i = cellOf(solid.x - reach); i <= cellOf(solid.x + reach); i++) {
        for (let j = cellOf(solid.y - reach); j <= cellOf(solid.y + reach); j++) {
          const key = keyOf(i, j);
          const list = this.#cells.get(key);
          if (list) list.push(index);
          else this.#cells.set(key, [index]);
        }
      }
    }
  }

  get size(): number {
    return this.#solids.length;
  }

  async cast({ directions, poses, times, moving, maxRange }: RaySweep): Promise<RayHits> {
    const shots = times.length;
    if (shots === 0 || poses.length !== 7 * shots || directions.length % (3 * shots) !== 0)
      throw new Refusal(
        'bad-argument',
        'expected 7 numbers of a pose per time, and as many directions for each of them',
      );
    const rays = directions.length / 3;
    const movers = raySolids(moving);
    const ranges = new Float32Array(rays).fill(Number.POSITIVE_INFINITY);
    const cosines = new Float32Array(rays);
    const solids = new Int32Array(rays).fill(-1);
    for (let shot = 0; shot < shots; shot++) {
      const [x, y, z, ...q] = poses.subarray(7 * shot, 7 * shot + 7) as never as number[];
      const m = rotationMatrix(q as never);
      const t = times[shot]!;
      const now = movers.map((one) => ({ ...one, x: one.x + t * one.vx, y: one.y + t * one.vy }));
      for (let ray = (shot * rays) / shots; ray < ((shot + 1) * rays) / shots; ray++) {
        const [a, b, c] = [directions[3 * ray]!, directions[3 * ray + 1]!, directions[3 * ray + 2]!];
        const d = [
          m[0] * a + m[1] * b + m[2] * c,
          m[3] * a + m[4] * b + m[5] * c,
          m[6] * a + m[7] * b + m[8] * c,
        ] as const;
        const found = this.#nearest([x!, y!, z!], d, now, maxRange);
        if (found.solid < 0) continue;
        ranges[ray] = found.range;
        cosines[ray] = found.cosine;
        solids[ray] = found.solid;
      }
    }
    return { ranges, cosines, solids };
  }

  #nearest(
    o: readonly [number, number, number],
    d: readonly [number, number, number],
    moving: readonly RaySolid[],
    maxRange: number,
  ) {
    const ray = { o, d };
    const best = { range: maxRange, cosine: 0, solid: -1 };
    const look = (solid: RaySolid, index: number) => {
      const hit = meet(solid, ray, best.range);
      if (hit) Object.assign(best, hit, { solid: index });
    };
    moving.forEach((solid, i) => {
      look(solid, this.#solids.length + i);
    });
    for (const index of this.#wide) look(this.#solids[index]!, index);
    this.#mark++;
    let [i, j] = [cellOf(o[0]), cellOf(o[1])];
    const [stepI, stepJ] = [d[0] < 0 ? -1 : 1, d[1] < 0 ? -1 : 1];
    const edge = (cell: number, step: number) => (step > 0 ? cell + 1 : cell) * CELL;
    for (let entered = 0; entered < best.range; ) {
      for (const index of this.#cells.get(keyOf(i, j)) ?? []) {
        if (this.#marks[index] === this.#mark) continue;
        this.#marks[index] = this.#mark;
        look(this.#solids[index]!, index);
      }
      const tx = d[0] === 0 ? Number.POSITIVE_INFINITY : (edge(i, stepI) - o[0]) / d[0];
      const ty = d[1] === 0 ? Number.POSITIVE_INFINITY : (edge(j, stepJ) - o[1]) / d[1];
      entered = Math.min(tx, ty);
      if (tx < ty) i += stepI;
      else j += stepJ;
    }
    return best;
  }
}

function cellOf(metres: number): number {
  return Math.floor(metres / CELL);
}

function keyOf(i: number, j: number): number {
  return (i + 32_768) * 65_536 + (j + 32_768);
}
