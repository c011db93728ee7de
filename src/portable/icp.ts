import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Alignment, AlignOptions } from '../core.ts';
import { quatNormalize } from '../math/so3.ts';
import type { Pose } from '../types.ts';
import { Refusal } from '../types.ts';
import { throwIfCancelled } from './cancel.ts';
import type { PortableCloud } from './cloud.ts';
import { evidenceOf, moved, solve } from './gauss-newton.ts';
import { type Problem, settle } from './layers.ts';
import { emptySums, isCoarse, type Linearised, linearise } from './linearise.ts';
import type { TileSet } from './tile-set.ts';

/** These are those of native/include/dilly/icp.hpp, where the reasons are. */
const KERNEL_DECAY = 0.6;
const SETTLED = 0.1;
const CRISP = 0.02;
const ROUGH = 4;
const ROUGH_POINTS = 2000;

/**
 * Point-to-plane Gauss–Newton with a graduated Geman–McClure kernel, then the search for the closest layer of the map:
 * the method and its constants are native/include/dilly/icp.hpp's. Yields to the event loop between iterations.
 * Throws a Refusal `bad-argument` or `cancelled`; bad geometry is in the evidence.
 */
export async function align(
  map: TileSet,
  cloud: PortableCloud,
  T_map_base: Pose,
  options: AlignOptions,
  signal?: AbortSignal,
): Promise<Alignment> {
  checkArguments(T_map_base, options);
  throwIfCancelled(signal, 'aligning');
  const start: Pose = { position: T_map_base.position, orientation: quatNormalize(T_map_base.orientation) };
  const none = {
    ...evidenceOf(emptySums()),
    T_map_base: start,
    converged: false,
    iterations: 0,
    points: cloud.size,
  };
  if (cloud.size === 0 || map.tiles.size === 0) return none;
  const problem: Problem = { map, cloud, options, signal };
  const rough = {
    ...problem,
    options: {
      ...options,
      translationEpsilon: ROUGH * options.translationEpsilon,
      rotationEpsilon: ROUGH * options.rotationEpsilon,
    },
  };
  const coarse = await alignToPlanes(rough, none, options.kernelStart, ROUGH_POINTS);
  if (coarse.inliers === 0) return coarse;
  if (isCoarse(options.kernelEnd) || coarse.residual <= CRISP)
    return alignToPlanes(problem, coarse, options.kernelEnd);
  const settled = await settle(problem, coarse);
  return measure(problem, settled, options.kernelEnd).found;
}

/** The evidence: how about `points` of the scan's points lie on the map's planes at the pose found so far. */
function measure(
  { map, cloud }: Problem,
  from: Alignment,
  width: number,
  points?: number,
): { sums: Linearised; found: Alignment } {
  const sums = linearise(map, cloud, from.T_map_base, width, 'plane', points);
  return { sums, found: { ...from, ...evidenceOf(sums), iterations: from.iterations + 1 } };
}

async function alignToPlanes(
  problem: Problem,
  from: Alignment,
  start: number,
  points?: number,
): Promise<Alignment> {
  const { options, signal } = problem;
  let found: Alignment = { ...from, converged: false };
  let width = start;
  for (let iteration = 1; iteration <= options.maxIterations; iteration++) {
    const measured = measure(problem, found, width, points);
    found = measured.found;
    if (!(measured.sums.weight > 0)) return found;
    const step = solve(measured.sums, found);
    found = { ...found, T_map_base: moved(found.T_map_base, step) };
    const [translation, rotation] = [Math.hypot(...step.slice(0, 3)), Math.hypot(...step.slice(3))];
    const fine = width <= options.kernelEnd;
    if (fine && translation < options.translationEpsilon && rotation < options.rotationEpsilon)
      return { ...found, converged: true };
    if (translation + rotation * found.range < SETTLED * width)
      width = Math.max(options.kernelEnd, width * KERNEL_DECAY);
    await nextTurn();
    throwIfCancelled(signal, 'aligning');
  }
  return found;
}

function checkArguments({ position, orientation }: Pose, options: AlignOptions): void {
  const norm2 = orientation.reduce((sum, v) => sum + v * v, 0);
  if (!position.every(Number.isFinite) || !(Math.abs(norm2 - 1) < 1e-3)) {
    throw new Refusal('bad-argument', 'expected T_map_base to be finite, with a unit quaternion x y z w');
  }
  const { kernelStart, kernelEnd, maxIterations, translationEpsilon, rotationEpsilon } = options;
  for (const [name, value] of Object.entries({
    kernelStart,
    kernelEnd,
    maxIterations,
    translationEpsilon,
    rotationEpsilon,
  })) {
    if (!(value > 0 && Number.isFinite(value)))
      throw new Refusal('bad-argument', `expected ${name} to be positive`);
  }
  if (kernelStart < kernelEnd)
    throw new Refusal('bad-argument', 'expected kernelStart to be at least kernelEnd');
}
