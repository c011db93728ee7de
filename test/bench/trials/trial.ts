import type { Alignment, AlignOptions, Core } from '../../../src/core.ts';
import { Random } from '../../../src/math/random.ts';
import { logSo3, quatConjugate, quatMultiply } from '../../../src/math/so3.ts';
import type { Pose } from '../../../src/types.ts';
import { beside, DEGREE } from '../starts.ts';
import { config } from '../tiles.ts';
import { exactScan, type Scene } from './scenes.ts';
import { SPOILS } from './spoil.ts';

/** One registration whose truth is known. */
export interface Trial {
  readonly kind: string;
  readonly found: Alignment;
  readonly truth: Pose;
  readonly milliseconds: number;
}

export const STARTS = {
  near: { metres: 0.5, degrees: 3, options: {} },
  wide: { metres: 2, degrees: 10, options: { kernelStart: 2, reach: 2, turn: 10 * DEGREE } },
  veryWide: { metres: 4, degrees: 30, options: { kernelStart: 2, reach: 4, turn: 30 * DEGREE } },
} as const;
export type Start = keyof typeof STARTS;

export const OPTIONS: AlignOptions = { ...config.registration, kernelStart: 1, finish: 'points' };

/** Registrations under way at once: two cores, and the next scan made meanwhile. */
const AT_ONCE = 3;

/**
 * Seeded registrations of the scans of a scene, each with a seed of its own. `spoil`: a key of SPOILS, or `exact` (see
 * exactScan).
 */
export async function* trials(
  core: Core,
  scene: Scene,
  spoil: string,
  start: Start,
  count: number,
  seed: number,
): AsyncGenerator<Trial> {
  const kind = `${scene.name}, ${spoil}, ${start}`;
  const running: Promise<Trial>[] = [];
  for (let k = 0; k < count; k++) {
    running.push(trialOf(core, scene, kind, spoil, start, k, new Random(seed * 2 ** 20 + k)));
    if (running.length === AT_ONCE) yield await running.shift()!;
  }
  for (const trial of running) yield await trial;
}

async function trialOf(
  core: Core,
  scene: Scene,
  kind: string,
  spoil: string,
  start: Start,
  k: number,
  random: Random,
): Promise<Trial> {
  const { metres, degrees, options } = STARTS[start];
  const scan = scene.scans[k % scene.scans.length]!;
  const cloud =
    spoil === 'exact'
      ? exactScan(core, scene.map, scan, random, 0.02)
      : core.cloud({ positions: SPOILS[spoil]!(scan.positions, random) });
  const from = beside(random, scan.T_map_base, metres, degrees);
  const began = performance.now();
  const found = await scene.map.align(cloud, from, { ...OPTIONS, ...options });
  return { kind, found, truth: scan.T_map_base, milliseconds: performance.now() - began };
}

/** Position and rotation error in map axes (m, rad), six numbers. */
export function errorOf({ found, truth }: Pick<Trial, 'found' | 'truth'>): number[] {
  const shift = found.T_map_base.position.map((v, a) => v - truth.position[a]!);
  const turn = logSo3(quatMultiply(found.T_map_base.orientation, quatConjugate(truth.orientation)));
  return [...shift, ...turn];
}

/** The error along the directions that the geometry constrains: metres and degrees. */
export function constrainedError(trial: Trial): { metres: number; degrees: number } {
  const { eigenvalues, eigenvectors, inliers, range } = trial.found;
  const error = errorOf(trial).map((v, a) => (a < 3 ? v : v * range));
  const kept = [0, 0, 0, 0, 0, 0];
  for (let e = 0; e < 6; e++) {
    if (eigenvalues[e]! < config.registration.minConstraint * inliers) continue;
    const v = eigenvectors.subarray(6 * e, 6 * e + 6);
    const along = v.reduce((sum, va, a) => sum + va * error[a]!, 0);
    v.forEach((va, a) => {
      kept[a]! += va * along;
    });
  }
  return {
    metres: Math.hypot(...kept.slice(0, 3)),
    degrees: Math.hypot(...kept.slice(3)) / Math.max(range, 1) / DEGREE,
  };
}
