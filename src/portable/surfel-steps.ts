import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Alignment } from '../core.ts';
import { rotationMatrix } from '../math/so3.ts';
import type { Pose } from '../types.ts';
import { throwIfCancelled } from './cancel.ts';
import { evidenceOf, moved, solve } from './gauss-newton.ts';
import { linearise } from './linearise.ts';
import type { Problem } from './problem.ts';
import { SURFEL_SIZES } from './surfels.ts';

/** These are those of native/include/dilly/surfel_steps.hpp, where the reasons are. */
export const KERNEL_DECAY = 0.6;
export const SETTLED = 0.1;
const SURFEL_KERNEL = 0.4;
const SURFEL_EPSILON = 0.01;
export const SURFEL_SOLVABLE = 5e-3;
const SURFEL_SHARE = 0.25;
const SURFEL_STAY = 8;
export const SURFEL_SCAN_POINTS = [500, 1000, 2000] as const;
export const TRIAL_POINTS = [300, 400, 600] as const;

/** Gauss–Newton on surfels, from a kernel of `start` metres on, over about `points` of the scan's points by level. */
export async function alignToSurfels(
  { map, cloud, options, signal }: Problem,
  from: Alignment,
  start: number,
  points: readonly number[],
): Promise<Alignment> {
  let found: Alignment = { ...from, converged: false };
  let width = start;
  let stay = 0;
  for (let iteration = 0; iteration < options.maxIterations; iteration++) {
    throwIfCancelled(signal, 'aligning');
    const level = surfelLevel(width);
    const sums = linearise(map, cloud, found.T_map_base, width, 'plane', points[level], level);
    found = { ...found, ...evidenceOf(sums), iterations: found.iterations + 1 };
    if (!(sums.weight > 0)) return found;
    if (level === SURFEL_SIZES.length - 1 && sums.matched < SURFEL_SHARE * sums.points) return found;
    const step = solve(sums, found, SURFEL_SOLVABLE);
    found = { ...found, T_map_base: moved(found.T_map_base, step) };
    const far = Math.hypot(...step.slice(0, 3)) + Math.hypot(...step.slice(3)) * found.range;
    const settled = far < SETTLED * width;
    const last = width <= options.kernelEnd;
    stay++;
    if (last && (far < SURFEL_EPSILON || stay >= SURFEL_STAY)) return { ...found, converged: settled };
    if (settled || stay >= SURFEL_STAY) {
      if (!last) stay = 0;
      width = Math.max(options.kernelEnd, width * KERNEL_DECAY);
    }
    await nextTurn();
  }
  return found;
}

function surfelLevel(width: number): number {
  let level = 0;
  while (level + 1 < SURFEL_SIZES.length && width < SURFEL_SIZES[level]! * SURFEL_KERNEL) level++;
  return level;
}

/** Σ (k²/(k² + r²))² as a share of about `points` points, and the mean thickness of the surfels that they lie on, m. */
export function surfelScore(
  { map, cloud }: Problem,
  { position: [tx, ty, tz], orientation }: Pose,
  width: number,
  level: number,
  points: number,
): { score: number; thickness: number } {
  const stride = Math.max(1, Math.floor(cloud.size / points));
  const R = rotationMatrix(orientation);
  const { positions } = cloud.raw;
  let [score, thickness, matched, visited] = [0, 0, 0, 0];
  for (let i = 0; i < 3 * cloud.size; i += 3 * stride) {
    const [x, y, z] = [positions[i]!, positions[i + 1]!, positions[i + 2]!];
    visited++;
    const found = map.surfelAt(
      R[0] * x + R[1] * y + R[2] * z + tx,
      R[3] * x + R[4] * y + R[5] * z + ty,
      R[6] * x + R[7] * y + R[8] * z + tz,
      level,
    );
    if (!found) continue;
    score += (width ** 2 / (width ** 2 + found.distance ** 2)) ** 2;
    thickness += found.surfel.thickness;
    matched++;
  }
  return { score: score / Math.max(visited, 1), thickness: thickness / Math.max(matched, 1) };
}
