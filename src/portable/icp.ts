import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Alignment, AlignOptions } from '../core.ts';
import { quatNormalize } from '../math/so3.ts';
import type { Pose } from '../types.ts';
import { Refusal } from '../types.ts';
import { requireFinite } from './arguments.ts';
import { throwIfCancelled } from './cancel.ts';
import type { PortableCloud } from './cloud.ts';
import { gatherEvidence } from './evidence.ts';
import { evidenceOf, FINISH_POINTS, moved, solve } from './gauss-newton.ts';
import { settle } from './layers.ts';
import { emptySums, type Linearised, linearise } from './linearise.ts';
import type { Problem } from './problem.ts';
import { alignToSurfels, KERNEL_DECAY, SETTLED, SURFEL_SCAN_POINTS, surfelScore } from './surfel-steps.ts';
import { SURFEL_SIZES } from './surfels.ts';
import type { TileSet } from './tile-set.ts';
import { JUDGE_POINTS, needsWide, searchWide, secondBest } from './wide.ts';

/** These are those of native/include/dilly/icp.hpp, where the reasons are. */
const CRISP = 0.035;
const LAYER_KERNEL = 0.35;
const EVIDENCE_POINTS = 500;
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
  const none = { ...notAligned(start), points: cloud.size };
  if (cloud.size === 0 || map.tiles.size === 0) return none;
  const problem: Problem = { map, cloud, options, signal };
  const { start: from, others } = needsWide(problem)
    ? await searchWide(problem, none)
    : { start: none, others: [] };
  const { found, points } = await alignStageByStage(problem, from);
  return gatherEvidence(problem, { ...found, second: secondBest(found, others) }, points);
}

/** An alignment that looked at nothing yet. */
export function notAligned(T_map_base: Pose): Alignment {
  return {
    ...evidenceOf(emptySums()),
    T_map_base,
    converged: false,
    iterations: 0,
    score: 0,
    second: 0,
    thickness: 0,
    covered: 0,
    clusters: 0,
    scatter: new Float64Array(36),
  };
}

/** From the start to the last stage that is asked for, and about how many points that one looked at. */
async function alignStageByStage(
  problem: Problem,
  start: Alignment,
): Promise<{ found: Alignment; points: number }> {
  const { kernelStart, kernelEnd, finish = 'layers', finishPoints = FINISH_POINTS } = problem.options;
  const seekLayer = finish === 'layers';
  const inLayers = async (from: Alignment) => ({
    found: await alignInLayers(problem, from),
    points: Number.POSITIVE_INFINITY,
  });
  const besideLayer = seekLayer && kernelStart <= LAYER_KERNEL;
  if (besideLayer && lookedAt(problem, start).thickness > CRISP) return inLayers(start);
  const found = lookedAt(problem, await alignToSurfels(problem, start, kernelStart, SURFEL_SCAN_POINTS));
  if (finish === 'surfels')
    return {
      found: measure(problem, found, kernelEnd, EVIDENCE_POINTS).found,
      points: EVIDENCE_POINTS,
    };
  if (seekLayer && found.thickness > CRISP) return inLayers(found);
  const from = found.converged ? kernelEnd : kernelStart;
  return { found: await alignToPlanes(problem, found, from, finishPoints), points: finishPoints };
}

/** With what the surfels of the last level say of the pose. */
function lookedAt(problem: Problem, found: Alignment): Alignment {
  const { kernelEnd } = problem.options;
  const last = SURFEL_SIZES.length - 1;
  return { ...found, ...surfelScore(problem, found.T_map_base, kernelEnd, last, JUDGE_POINTS) };
}

/** Looks for the layer that the scan lies in, around `from`. */
async function alignInLayers(problem: Problem, from: Alignment): Promise<Alignment> {
  const { options } = problem;
  const rough = {
    ...problem,
    options: {
      ...options,
      translationEpsilon: ROUGH * options.translationEpsilon,
      rotationEpsilon: ROUGH * options.rotationEpsilon,
    },
  };
  const near = await alignToPlanes(rough, from, Math.min(options.kernelStart, LAYER_KERNEL), ROUGH_POINTS);
  if (near.inliers === 0) return near;
  return measure(problem, lookedAt(problem, await settle(problem, near)), options.kernelEnd).found;
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
  let last = 0;
  for (let iteration = 0; iteration < options.maxIterations; iteration++) {
    const measured = measure(problem, found, width, points);
    found = measured.found;
    if (!(measured.sums.weight > 0)) return found;
    const step = solve(measured.sums, found);
    found = { ...found, T_map_base: moved(found.T_map_base, step) };
    const [translation, rotation] = [Math.hypot(...step.slice(0, 3)), Math.hypot(...step.slice(3))];
    const far = translation + rotation * found.range;
    const ratio = iteration > 0 ? far / last : 1;
    const rest = ratio < 0.5 ? ratio / (1 - ratio) : 1;
    if (
      width <= options.kernelEnd &&
      translation * rest < options.translationEpsilon &&
      rotation * rest < options.rotationEpsilon
    )
      return { ...found, converged: true };
    if (far < SETTLED * width) width = Math.max(options.kernelEnd, width * KERNEL_DECAY);
    last = far;
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
  const { reach = 0, turn = 0, finish = 'layers', finishPoints = FINISH_POINTS } = options;
  requireFinite('reach', reach);
  requireFinite('turn', turn);
  requireFinite('finishPoints', finishPoints);
  if (!(reach >= 0 && reach <= 10)) throw new Refusal('bad-argument', 'expected reach to be within 0 … 10 m');
  if (!(turn >= 0 && turn <= 3.2))
    throw new Refusal('bad-argument', 'expected turn to be within 0 … 3.2 rad');
  if (!(finishPoints >= 10 && finishPoints <= 1e9))
    throw new Refusal('bad-argument', 'expected finishPoints to be within 10 … 1e9');
  if (!['surfels', 'points', 'layers'].includes(finish))
    throw new Refusal('bad-argument', 'expected finish to be surfels, points or layers');
  if (kernelStart < kernelEnd)
    throw new Refusal('bad-argument', 'expected kernelStart to be at least kernelEnd');
}
