import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Alignment } from '../core.ts';
import { quatRotate } from '../math/so3.ts';
import { norm } from '../math/vec3.ts';
import type { Pose, Vec3 } from '../types.ts';
import { mix } from './anderson.ts';
import { throwIfCancelled } from './cancel.ts';
import { constrained, eigenOf, moved, solve } from './gauss-newton.ts';
import { type Linearised, linearise } from './linearise.ts';
import type { Problem } from './problem.ts';

/** These are those of native/include/dilly/layers.hpp, where the reasons are. */
const SEARCH_FROM = 0.8;
const SEARCH_TO = 0.03;
const SEARCH_GAIN = 1.0005;
const SEARCH_POINTS = 1250;
const SETTLE_ITERATIONS = 20;
const SETTLE_POINTS = 12_000;
const SETTLE_EPSILON = 0.001;
const HEIGHT_REACH = 0.3;
const HEIGHT_STEP = 0.05;
const HEIGHT_SHARE = 0.02;
const HEIGHT_KERNEL = 0.1;
const HEIGHT_POINTS = 4000;
const SIDES: readonly Vec3[] = [
  [1, 0, 0],
  [-1, 0, 0],
  [0, 1, 0],
  [0, -1, 0],
  [0, 0, 1],
  [0, 0, -1],
  [0.7, 0.7, 0],
  [0.7, -0.7, 0],
  [-0.7, 0.7, 0],
  [-0.7, -0.7, 0],
];

/**
 * Looks around for the layer of the map that the scan lies closest to, climbs to the best place in it, and takes the
 * mean of the likely heights.
 */
export async function settle(problem: Problem, found: Alignment): Promise<Alignment> {
  return averageHeight(problem, await climb(problem, await searchAround(problem, found)));
}

/** The sums of the metric `point` over about `count` points. */
function points(
  { map, cloud, options }: Problem,
  pose: Pose,
  count: number,
  kernel = options.kernelEnd,
): Linearised {
  return linearise(map, cloud, pose, kernel, 'point', count);
}

function averageHeight(problem: Problem, found: Alignment): Alignment {
  const pose = found.T_map_base;
  const half = Math.round(HEIGHT_REACH / HEIGHT_STEP);
  const steps = Array.from({ length: 2 * half + 1 }, (_, s) => {
    const up = quatRotate(pose.orientation, [0, 0, -HEIGHT_REACH + HEIGHT_STEP * s]);
    return constrained([...up, 0, 0, 0], found);
  });
  const close = steps.map((step) => points(problem, moved(pose, step), HEIGHT_POINTS, HEIGHT_KERNEL).square);
  const top = Math.max(...close);
  if (!(top > 0)) return found;
  const weights = close.map((value) => Math.exp((value / top - 1) / HEIGHT_SHARE));
  const sum = weights.reduce((a, b) => a + b);
  const mean = steps[0]!.map((_, a) => steps.reduce((m, step, s) => m + (weights[s]! / sum) * step[a]!, 0));
  return { ...found, T_map_base: moved(pose, mean), iterations: found.iterations + 1 };
}

async function searchAround(problem: Problem, found: Alignment): Promise<Alignment> {
  let pose = found.T_map_base;
  let { iterations } = found;
  for (let reach = Math.min(SEARCH_FROM, problem.options.kernelStart); reach > SEARCH_TO; ) {
    const best = points(problem, pose, SEARCH_POINTS).square;
    let next = pose;
    let high = best * SEARCH_GAIN;
    for (const side of SIDES) {
      const step = quatRotate(pose.orientation, [reach * side[0], reach * side[1], reach * side[2]]);
      const trial = moved(pose, constrained([...step, 0, 0, 0], found));
      const there = points(problem, trial, SEARCH_POINTS).square;
      if (there <= high) continue;
      high = there;
      next = trial;
    }
    iterations++;
    if (next === pose) reach /= 2;
    pose = next;
    await nextTurn();
    throwIfCancelled(problem.signal, 'aligning');
  }
  return { ...found, T_map_base: pose, iterations };
}

async function climb(problem: Problem, found: Alignment): Promise<Alignment> {
  const start = found.T_map_base;
  const range = Math.max(found.range, 1);
  const poseAt = (u: readonly number[]) =>
    moved(
      start,
      u.map((v, k) => (k < 3 ? v : v / range)),
    );
  let pose = start;
  let { iterations } = found;
  let at: number[][] = [];
  let steps: number[][] = [];
  let u = [0, 0, 0, 0, 0, 0];
  let best = -1;
  for (let iteration = 0; iteration < SETTLE_ITERATIONS; iteration++) {
    const sums = points(problem, poseAt(u), SETTLE_POINTS);
    iterations++;
    if (!(sums.weight > 0)) break;
    if (sums.square < best) {
      if (at.length === 1) break;
      u = at.at(-1)!.map((v, k) => v + steps.at(-1)![k]!);
      at = [at.at(-1)!];
      steps = [steps.at(-1)!];
      best = -1;
      continue;
    }
    best = sums.square;
    pose = poseAt(u);
    const { values, vectors } = eigenOf(sums.h, range);
    const plain = solve(sums, { eigenvalues: values, eigenvectors: vectors, range }).map((v, k) =>
      k < 3 ? v : v * range,
    );
    at.push(u);
    steps.push(plain);
    if (reachOf(plain) < SETTLE_EPSILON) break;
    const next = mix(at, steps);
    const share = Math.min(1, problem.options.kernelEnd / reachOf(next));
    u = u.map((v, k) => v + share * next[k]!);
    await nextTurn();
    throwIfCancelled(problem.signal, 'aligning');
  }
  return { ...found, T_map_base: pose, iterations };
}

function reachOf(step: readonly number[]): number {
  const [x, y, z, a, b, c] = step as [number, number, number, number, number, number];
  return norm([x, y, z]) + norm([a, b, c]);
}
