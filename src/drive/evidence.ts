import { z } from 'zod';
import type { VoxelBlock, VoxelEvidence } from '../core.ts';

export const changeOptions = z.strictObject({
  voxel: z.number().min(0.05).max(2).default(0.25).describe('edge of a cube, m'),
  gap: z.number().min(0).max(5).default(0.35).describe('a ray says nothing of its last metres'),
  maxRange: z.number().min(2).max(200).default(25).describe('points further from the sensor are not used, m'),
  minScans: z.int().min(1).default(3).describe('of a drive that must have seen a cube, to count'),
  full: z.number().min(0).max(1).default(0.5).describe('share of hits from which a cube is full in a drive'),
  free: z.number().min(0).max(1).default(0.1).describe('share of hits up to which it is free'),
  minDrives: z.int().min(1).default(3).describe('drives on different days that must agree'),
  agree: z.number().min(0.5).max(1).default(0.8).describe('share of the drives that saw it which must agree'),
  minVoxels: z.int().min(1).default(30).describe('cubes of an object at least'),
  minHeight: z.number().default(-1).describe('of the map frame, m'),
  maxHeight: z.number().default(6).describe('m'),
});
export type ChangeOptions = z.infer<typeof changeOptions>;

/** What one drive says of a block. */
export interface DriveView {
  readonly day: number;
  readonly evidence: VoxelEvidence;
}

export interface CubeVotes {
  /** drives on different days that saw it full, and free */
  readonly full: Uint8Array;
  readonly free: Uint8Array;
}

/** The votes of the drives for each cube: a drive that saw a cube too seldom, or both ways, does not vote. */
export function votesOf(views: readonly DriveView[], options: ChangeOptions): CubeVotes {
  const size = views[0]?.evidence.hits.length ?? 0;
  const full = new Uint8Array(size);
  const free = new Uint8Array(size);
  const { minScans } = options;
  // A day has one voice, so that one afternoon of a parked car is no new wall.
  for (const day of new Set(views.map((view) => view.day))) {
    const same = views.filter((view) => view.day === day);
    for (let v = 0; v < size; v++) {
      let [hits, passes] = [0, 0];
      for (const { evidence } of same) {
        hits += evidence.hits[v]!;
        passes += evidence.passes[v]!;
      }
      const seen = hits + passes;
      if (seen < minScans) continue;
      if (hits >= options.full * seen) full[v]!++;
      else if (hits <= options.free * seen) free[v]!++;
    }
  }
  return { full, free };
}

/**
 * Cubes that are full where the map has nothing near, and cubes with map points that are free. `mapped`: 0 without
 * points, else 1, 2, 3 for points whose surface faces mostly along x, y, z. Rays that graze a surface pass its cubes
 * too; only where the cubes before and behind it are free as well did they go through. `perhaps` are the others that
 * are free: something stays beside them, and they went only if what they are part of did.
 */
export function changedCubes(
  block: VoxelBlock,
  votes: CubeVotes,
  mapped: Uint8Array,
  options: ChangeOptions,
): { appeared: number[]; gone: number[]; perhaps: number[] } {
  const near = dilate(block, mapped);
  const [appeared, gone, perhaps]: [number[], number[], number[]] = [[], [], []];
  for (let v = 0; v < mapped.length; v++) {
    const [full, free] = [votes.full[v]!, votes.free[v]!];
    const needed = Math.max(options.minDrives, options.agree * (full + free));
    if (full >= needed && !near[v]) appeared.push(v);
    if (free < needed || !mapped[v]) continue;
    const isThrough = isSeenThrough(block, votes.free, v, mapped[v]! - 1, options.minDrives);
    (isThrough ? gone : perhaps).push(v);
  }
  return { appeared, gone, perhaps };
}

function isSeenThrough(
  { counts }: VoxelBlock,
  free: Uint8Array,
  v: number,
  axis: number,
  minDrives: number,
): boolean {
  const stride = [1, counts[0], counts[0] * counts[1]][axis]!;
  const place = Math.floor(v / stride) % counts[axis]!;
  const sides = [place > 0 ? v - stride : -1, place < counts[axis]! - 1 ? v + stride : -1].filter(
    (n) => n >= 0,
  );
  return sides.length > 0 && sides.every((side) => free[side]! >= minDrives);
}

/** Cubes that are marked, or touch one that is, also by a corner. */
function dilate({ counts: [nx, ny, nz] }: VoxelBlock, marked: Uint8Array): Uint8Array {
  const out = new Uint8Array(marked.length);
  for (let z = 0, v = 0; z < nz; z++)
    for (let y = 0; y < ny; y++)
      for (let x = 0; x < nx; x++, v++) {
        if (!marked[v]) continue;
        for (let c = Math.max(0, z - 1); c <= Math.min(nz - 1, z + 1); c++)
          for (let b = Math.max(0, y - 1); b <= Math.min(ny - 1, y + 1); b++)
            for (let a = Math.max(0, x - 1); a <= Math.min(nx - 1, x + 1); a++)
              out[(c * ny + b) * nx + a] = 1;
      }
  return out;
}
