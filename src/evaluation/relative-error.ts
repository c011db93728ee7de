import { mean } from '../math/statistics.ts';
import { norm, sub } from '../math/vec3.ts';
import type { PosePair } from './associate.ts';
import { motionError, type Spread, spread } from './metrics.ts';

/** How far apart the two poses of a relative error stand. */
export type Delta = { readonly frames: number } | { readonly seconds: number };

export interface RelativeError {
  readonly pairs: number;
  /** metres */
  readonly translation: Spread;
  /** degrees */
  readonly rotation: Spread;
}

/** Mean drift over pieces of one length, as the KITTI odometry benchmark reports it (Geiger et al. 2012). */
export interface DriftOverDistance {
  /** nominal length of the pieces, metres */
  readonly distance: number;
  readonly pieces: number;
  readonly translationPercent: number;
  readonly rotationDegreesPerMetre: number;
}

/**
 * Relative pose error (RPE; Sturm et al. 2012) from every pair to the one `delta` later: `frames` pairs on, or the
 * first that is at least `seconds` later. Null when no two stand that far apart.
 */
export function relativeError(pairs: readonly PosePair[], delta: Delta): RelativeError | null {
  const places = pairs.map(({ stamp }, index) =>
    'frames' in delta ? index : Number(stamp - pairs[0]!.stamp) / 1e9,
  );
  const steps = stepsOf(places, 'frames' in delta ? delta.frames : delta.seconds);
  const errors = steps.map(([from, to]) => motionError(pairs[from]!, pairs[to]!));
  const translation = spread(errors.map((error) => error.translation));
  const rotation = spread(errors.map((error) => error.rotation));
  return translation && rotation && { pairs: errors.length, translation, rotation };
}

/**
 * Drift over each of the distances (metres along the reference) from every pair on. A piece ends at the first pose at
 * or beyond its length and is divided by what was really travelled, so that sparse poses do not flatter or blame.
 * Distances longer than the drive are left out.
 */
export function driftOverDistances(
  pairs: readonly PosePair[],
  distances: readonly number[] = [1, 5, 10, 50, 100],
): DriftOverDistance[] {
  const travelled = cumulativeDistance(pairs);
  return distances.flatMap((distance) => {
    const steps = stepsOf(travelled, distance);
    if (steps.length === 0) return [];
    const drifts = steps.map(([from, to]) => {
      const { translation, rotation } = motionError(pairs[from]!, pairs[to]!);
      const length = travelled[to]! - travelled[from]!;
      return { translation: translation / length, rotation: rotation / length };
    });
    return [
      {
        distance,
        pieces: steps.length,
        translationPercent: 100 * mean(drifts.map((drift) => drift.translation)),
        rotationDegreesPerMetre: mean(drifts.map((drift) => drift.rotation)),
      },
    ];
  });
}

/** Metres travelled along the reference up to each pair. */
function cumulativeDistance(pairs: readonly PosePair[]): number[] {
  let total = 0;
  return pairs.map(({ reference }, index) => {
    const previous = pairs[index - 1]?.reference ?? reference;
    total += norm(sub(reference.position, previous.position));
    return total;
  });
}

/** For every index the first later one whose place is at least `step` further. `places` never falls. */
function stepsOf(places: readonly number[], step: number): [from: number, to: number][] {
  // Sums of decimal steps fall short of the decimal by rounding: 0.1 ten times is 0.9999999999999999.
  const reach = step - 1e-9 * Math.max(1, step);
  const steps: [number, number][] = [];
  let to = 0;
  for (let from = 0; from < places.length; from++) {
    to = Math.max(to, from + 1);
    while (to < places.length && places[to]! - places[from]! < reach) to++;
    if (to === places.length) break;
    steps.push([from, to]);
  }
  return steps;
}
