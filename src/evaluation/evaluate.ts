import type { StampedPose } from '../types.ts';
import { alignPairs } from './align.ts';
import { type AssociationOptions, associate } from './associate.ts';
import { absoluteError, type Spread } from './metrics.ts';
import { type Delta, type DriftOverDistance, driftOverDistances, relativeError } from './relative-error.ts';

export interface EvaluationOptions extends AssociationOptions {
  /** Move the estimate rigidly onto the reference first. Default false: a map frame is shared, or it is an error. */
  readonly align?: boolean | undefined;
  /** Step of the relative error. Default one frame. */
  readonly delta?: Delta | undefined;
  /** Lengths for the drift, metres. Default 1, 5, 10, 50, 100. */
  readonly distances?: readonly number[] | undefined;
}

/** The object of `eval --json`: translation in metres at the top of `ape` and `rpe`, angles in degrees. */
export interface Evaluation {
  /** estimated poses that have a reference */
  readonly matched: number;
  readonly ape: (Spread & { readonly rotation: Spread; readonly yaw: Spread }) | null;
  readonly rpe:
    | (Spread & {
        readonly rotation: Spread;
        readonly pairs: number;
        readonly delta: Delta;
        readonly distances: readonly DriftOverDistance[];
      })
    | null;
}

/**
 * Compares an estimated trajectory with a reference, both T_map_base and rising in time. `ape` or `rpe` is null when
 * too few poses match. Throws a Refusal `alignment-undetermined` when asked to align what has no unique alignment.
 */
export function evaluate(
  estimate: readonly StampedPose[],
  reference: readonly StampedPose[],
  { align = false, delta = { frames: 1 }, distances, ...association }: EvaluationOptions = {},
): Evaluation {
  const matches = associate(estimate, reference, association);
  const pairs = align ? alignPairs(matches) : matches;
  const ape = absoluteError(pairs);
  const rpe = relativeError(pairs, delta);
  return {
    matched: pairs.length,
    ape: ape && { ...ape.translation, rotation: ape.rotation, yaw: ape.yaw },
    rpe: rpe && {
      ...rpe.translation,
      rotation: rpe.rotation,
      pairs: rpe.pairs,
      delta,
      distances: driftOverDistances(pairs, distances),
    },
  };
}
