import { copyOf } from '../math/scratch.ts';
import { norm, sub } from '../math/vec3.ts';
import type { Stamp, Vec3 } from '../types.ts';
import {
  type Dispute,
  type FilterState,
  type FusionContext,
  STATES,
  secondsBetween,
} from './filter-state.ts';

/**
 * One more refused measurement whose position is `offset` away from the prediction: it joins the dispute where it
 * agrees with the refusal before it (within `spread` metres), else a new dispute starts. Outliers that scatter never
 * make a long dispute; a wrong state does.
 */
export function joinDispute(
  dispute: Dispute | undefined,
  stamp: Stamp,
  offset: Vec3,
  spread: number,
): Dispute {
  return dispute && norm(sub(offset, dispute.offset)) <= spread
    ? { since: dispute.since, count: dispute.count + 1, offset }
    : { since: stamp, count: 1, offset };
}

/** Whether a registration was accepted recently enough that the LiDAR is the authority on where we are. */
export function lidarTracks(state: FilterState, { config }: FusionContext): boolean {
  return registeredWithin(state, config.registration.fresh);
}

/** Whether a registration was accepted in the last seconds before the state's stamp. */
export function registeredWithin(state: FilterState, seconds: number): boolean {
  const last = state.lastRegistration;
  return last !== undefined && secondsBetween(last.stamp, state.stamp) <= seconds;
}

/** A copy of a 15 × 15 covariance in which the three states from `row` on are independent of all others. */
export function decoupled(covariance: Float64Array, row: number): Float64Array {
  const out = copyOf(covariance);
  for (let i = row; i < row + 3; i++) {
    for (let j = 0; j < STATES; j++) {
      out[i * STATES + j] = 0;
      out[j * STATES + i] = 0;
    }
  }
  return out;
}
