import type { VoxelBlock, VoxelEvidence, VoxelScans } from '../core.ts';
import { Refusal } from '../types.ts';

/** As native/src/voxel_rays_js.hpp. */
const MOST_VOXELS = 64e6;

/** native/include/dilly/voxel_rays.hpp without an addon. */
export function traceVoxels(block: VoxelBlock, scans: VoxelScans, gap: number): VoxelEvidence {
  const { counts, size, origin } = block;
  const all = counts[0] * counts[1] * counts[2];
  if (!(size > 0) || !counts.every((n) => Number.isInteger(n) && n >= 1) || !(all <= MOST_VOXELS))
    throw new Refusal('bad-argument', 'expected a size above 0 and 1 to 64 million cubes');
  if (!Number.isFinite(gap) || !origin.every(Number.isFinite))
    throw new Refusal('bad-argument', 'expected finite numbers');
  const sum = scans.lengths.reduce((total, length) => total + length, 0);
  if (
    scans.lengths.some((length) => length < 0) ||
    scans.origins.length !== 3 * scans.lengths.length ||
    scans.points.length !== 3 * sum
  )
    throw new Refusal('bad-argument', 'expected origins, lengths and points that fit');
  const tracer = new Tracer(block, all);
  let first = 0;
  scans.lengths.forEach((length, s) => {
    const o = [0, 1, 2].map((a) => (scans.origins[3 * s + a]! - origin[a]!) / size);
    const points = scans.points.subarray(3 * first, 3 * (first + length));
    for (let p = 0; p < length; p++) tracer.hit(o, points, 3 * p, s + 1);
    for (let p = 0; p < length; p++) tracer.pass(o, points, 3 * p, s + 1, gap);
    first += length;
  });
  return { hits: tracer.hits, passes: tracer.passes };
}

class Tracer {
  readonly hits: Uint16Array;
  readonly passes: Uint16Array;
  readonly #hit: Uint32Array;
  readonly #passed: Uint32Array;
  readonly #block: VoxelBlock;

  constructor(block: VoxelBlock, all: number) {
    this.#block = block;
    this.hits = new Uint16Array(all);
    this.passes = new Uint16Array(all);
    this.#hit = new Uint32Array(all);
    this.#passed = new Uint32Array(all);
  }

  hit(o: readonly number[], points: Float32Array, at: number, mark: number): void {
    const { counts, size } = this.#block;
    const cell = [0, 0, 0];
    for (let a = 0; a < 3; a++) {
      const e = Math.floor(o[a]! + points[at + a]! / size);
      if (!(e >= 0 && e < counts[a]!)) return;
      cell[a] = e;
    }
    const i = this.#index(cell);
    if (this.#hit[i] === mark) return;
    this.#hit[i] = mark;
    if (this.hits[i]! < 0xffff) this.hits[i]!++;
  }

  pass(o: readonly number[], points: Float32Array, at: number, mark: number, gap: number): void {
    const { counts, size } = this.#block;
    const [x, y, z] = [points[at]!, points[at + 1]!, points[at + 2]!];
    const length = Math.sqrt(x * x + y * y + z * z);
    if (!(length > gap)) return;
    let [from, to] = [0, 1 - gap / length];
    const d = [x / size, y / size, z / size];
    for (let a = 0; a < 3; a++) {
      if (d[a] === 0) {
        if (!(o[a]! >= 0 && o[a]! < counts[a]!)) return;
        continue;
      }
      const [t0, t1] = [(0 - o[a]!) / d[a]!, (counts[a]! - o[a]!) / d[a]!];
      from = Math.max(from, Math.min(t0, t1));
      to = Math.min(to, Math.max(t0, t1));
    }
    if (!(from < to)) return;
    const cell = d.map((step, a) => Math.min(Math.max(Math.floor(o[a]! + from * step), 0), counts[a]! - 1));
    const each = d.map((step) => (step === 0 ? Number.POSITIVE_INFINITY : Math.abs(1 / step)));
    const next = d.map((step, a) =>
      step === 0 ? Number.POSITIVE_INFINITY : (cell[a]! + (step < 0 ? 0 : 1) - o[a]!) / step,
    );
    for (;;) {
      const i = this.#index(cell);
      if (this.#hit[i] !== mark && this.#passed[i] !== mark) {
        this.#passed[i] = mark;
        if (this.passes[i]! < 0xffff) this.passes[i]!++;
      }
      const a = next[0]! < next[1]! ? (next[0]! < next[2]! ? 0 : 2) : next[1]! < next[2]! ? 1 : 2;
      if (!(next[a]! < to)) return;
      cell[a]! += d[a]! < 0 ? -1 : 1;
      if (cell[a]! < 0 || cell[a]! >= counts[a]!) return;
      next[a]! += each[a]!;
    }
  }

  #index([x, y, z]: readonly number[]): number {
    const { counts } = this.#block;
    return (z! * counts[1] + y!) * counts[0] + x!;
  }
}
