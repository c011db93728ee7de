import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Alignment } from '../core.ts';
import { expSo3, logSo3, quatConjugate, quatMultiply, quatNormalize } from '../math/so3.ts';
import type { Pose } from '../types.ts';
import { throwIfCancelled } from './cancel.ts';
import { constrained } from './gauss-newton.ts';
import type { Problem } from './problem.ts';
import { alignToSurfels, surfelScore, TRIAL_POINTS } from './surfel-steps.ts';
import { SURFEL_SIZES } from './surfels.ts';

/** These are those of native/include/dilly/wide.hpp, where the reasons are. */
const NEAR_REACH = 0.7;
const NEAR_TURN = 0.1;
const GRID_STEP = 1;
const GRID_RISE = 1.3;
const GRID_TURN = 0.14;
const GRID_POINTS = 150;
const GRID_KERNEL = 0.5;
const GRID_TRIES = 8;
export const JUDGE_POINTS = 1500;
const SAME_PLACE = 0.3;
const HELD = 4e-3;

export function needsWide({ options: { reach = 0, turn = 0 } }: Problem): boolean {
  return reach > NEAR_REACH || turn > NEAR_TURN;
}

/** A place that was looked at, and the share of the points that lie on the map there. */
export interface ScoredPlace {
  readonly pose: Pose;
  readonly score: number;
}

/** The best place within reach, and the others. */
export async function searchWide(
  problem: Problem,
  from: Alignment,
): Promise<{ start: Alignment; others: readonly ScoredPlace[] }> {
  const { options, signal } = problem;
  const starts = [from.T_map_base, ...(await gridPlaces(problem, from.T_map_base)).slice(0, GRID_TRIES)];
  let { iterations } = from;
  const places: ScoredPlace[] = [];
  for (const T_map_base of starts) {
    const trial = await alignToSurfels(
      problem,
      { ...from, T_map_base, iterations: 0 },
      options.kernelStart,
      TRIAL_POINTS,
    );
    iterations += trial.iterations;
    const pose = trial.T_map_base;
    const { score } = surfelScore(problem, pose, options.kernelEnd, SURFEL_SIZES.length - 1, JUDGE_POINTS);
    places.push({ pose, score });
  }
  throwIfCancelled(signal, 'aligning');
  const best = places.reduce((a, b) => (b.score > a.score ? b : a));
  return { start: { ...from, T_map_base: best.pose, iterations }, others: places };
}

/** How good the best of the others is that lies elsewhere along what the geometry holds. */
export function secondBest(found: Alignment, others: readonly ScoredPlace[]): number {
  const { position, orientation } = found.T_map_base;
  const elsewhere = others.filter(({ pose }) => {
    const shift = pose.position.map((v, a) => v - position[a]!);
    const turn = logSo3(quatMultiply(pose.orientation, quatConjugate(orientation)));
    const way = constrained([...shift, ...turn], found, HELD);
    return lengthOf(Math.hypot(...way.slice(0, 3)), Math.hypot(...way.slice(3))) > SAME_PLACE;
  });
  return Math.max(0, ...elsewhere.map(({ score }) => score));
}

/** The places of the grid around `start`, best first. */
async function gridPlaces(problem: Problem, start: Pose): Promise<Pose[]> {
  const { reach = 0, turn = 0 } = problem.options;
  const side = Math.ceil(reach / GRID_STEP - 1e-9);
  const rise = Math.ceil(reach / GRID_RISE - 0.6);
  const turns = Math.ceil(turn / GRID_TURN - 0.5);
  const places: { pose: Pose; score: number }[] = [];
  const [x, y, z] = start.position;
  for (let a = -turns; a <= turns; a++) {
    const orientation = quatNormalize(quatMultiply(expSo3([0, 0, a * GRID_TURN]), start.orientation));
    for (let k = -rise; k <= rise; k++)
      for (let j = -side; j <= side; j++)
        for (let i = -side; i <= side; i++) {
          const pose: Pose = {
            position: [x + i * GRID_STEP, y + j * GRID_STEP, z + k * GRID_RISE],
            orientation,
          };
          places.push({ pose, score: surfelScore(problem, pose, GRID_KERNEL, 0, GRID_POINTS).score });
        }
    await nextTurn();
    throwIfCancelled(problem.signal, 'aligning');
  }
  return places.sort((a, b) => b.score - a.score).map(({ pose }) => pose);
}

/** How far at most a point within `arm` metres moves by a step of `shift` metres and `turn` radians. */
function lengthOf(shift: number, turn: number, arm = 20): number {
  return shift + arm * turn;
}

/** The same from one pose to the other, nearly. */
export function wayBetween(a: Pose, b: Pose): number {
  const shift = Math.hypot(...a.position.map((v, k) => v - b.position[k]!));
  const dot = a.orientation.reduce((sum, v, k) => sum + v * b.orientation[k]!, 0);
  return lengthOf(shift, 2 * Math.sqrt(Math.max(0, 1 - dot * dot)));
}
