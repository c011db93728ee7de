import { setBlock } from '../math/matrix.ts';
import { copyOf, zeros } from '../math/scratch.ts';
import { quatRotate, skew } from '../math/so3.ts';
import { add, sub } from '../math/vec3.ts';
import { decoupled, joinDispute, lidarTracks, registeredWithin } from './dispute.ts';
import type { GnssInput } from './filter-input.ts';
import {
  ATTITUDE,
  type Dispute,
  type FilterState,
  type FusionContext,
  type Outcome,
  POSITION,
  STATES,
  secondsBetween,
} from './filter-state.ts';
import type { FusionConfig } from './fusion-config.ts';
import {
  correlationInflation,
  inflated,
  kalmanUpdate,
  type Measurement,
  normalisedInnovation,
  record,
} from './measurement-update.ts';

/**
 * A fix of the antenna, h = p + R l. In the order of the code:
 * - `no-fix`, `few-satellites`, `poor-geometry`: see `fixProblem`.
 * - Without a registration for `aloneAfter` seconds GNSS is the only source of place: the filter follows its wandering
 *   error. Before that, the error's correlation in time makes a long run of fixes count as few.
 * - `innovation-gate`, on the horizontal. The state's own uncertainty counts up to `maxPriorSigma`, so the gate does not
 *   open after a blackout. `distrustAfter` refusals in a row while the LiDAR tracks make the receiver `distrusted` until
 *   `trustAfter` good fixes in a row, or until the LiDAR is lost. Without LiDAR, `recoverAfter` refused fixes that agree
 *   with each other, over `recoverSeconds`, start the position again (accepted, reason `reinitialised`).
 * - A fix that could hardly make the position surer is judged, but not used (accepted, reason `not-needed`): it has
 *   nothing to give but its faults.
 * - The height has its own gate, for heights fail far more often: beyond it the fix is used without it (accepted,
 *   reason `height-refused`); alone, where no other source has a height, it pulls weakly instead.
 */
export function fuseGnss(before: FilterState, input: GnssInput, context: FusionContext): Outcome {
  const { gnss } = context.config;
  const arm = quatRotate(before.orientation, input.leverArm);
  const offset = sub(input.antenna, add(before.position, arm));
  const whole = linearise(offset, skew(arm), fixNoise(input, gnss));
  const alone = !registeredWithin(before, gnss.aloneAfter);
  const dt = secondsBetween(before.lastGnss, input.stamp);
  const state = alone ? wander(before, dt, gnss) : before;
  const nis = normalisedInnovation(state, whole, gnss.maxPriorSigma);
  const told = (
    verdict: { accepted: boolean; reason?: string },
    after: FilterState,
    dof = 3,
    of = nis,
  ): Outcome => ({
    state: after,
    record: record('gnss', input.stamp, verdict, of, dof, Math.hypot(...offset), before, after),
  });
  const problem = fixProblem(input, gnss);
  if (problem) return told({ accepted: false, reason: problem }, before);

  const flat = firstRows(whole, 2);
  const flatNis = normalisedInnovation(state, flat, gnss.maxPriorSigma);
  const lidar = lidarTracks(state, context);
  if (flatNis > context.threshold(gnss.gate, 2)) {
    const refused = refuse(before, input, offset, lidar, gnss);
    return lidar || !mayRecover(refused.gnssDispute, input, gnss)
      ? told({ accepted: false, reason: 'innovation-gate' }, refused)
      : told({ accepted: true, reason: 'reinitialised' }, restart(refused, input, offset, whole, gnss));
  }
  const gnssGood = before.gnssGood + 1;
  const gnssDistrusted = before.gnssDistrusted && gnssGood < gnss.trustAfter;
  const trusted = { ...state, gnssDispute: undefined, gnssGood, gnssDistrusted, gnssRefusals: 0 };
  if (gnssDistrusted && lidar) return told({ accepted: false, reason: 'distrusted' }, trusted);

  const used = { ...trusted, lastGnss: input.stamp };
  const heightNis = normalisedInnovation(state, thirdRow(whole), gnss.maxPriorSigma);
  if (alone) {
    // Followed, but gently: Huber's weight k/|r| bounds the pull of a fix that lies beyond k sigmas.
    const weaken = (squared: number) => Math.sqrt(Math.max(1, Math.sqrt(squared) / gnss.huber));
    const along = weaken(flatNis / 2);
    return told({ accepted: true }, kalmanUpdate(used, inflated(whole, [along, along, weaken(heightNis)])));
  }
  if (addsLittle(state, whole, gnss)) return told({ accepted: true, reason: 'not-needed' }, used);
  const lasting = Math.sqrt(correlationInflation(dt, gnss.correlation));
  if (heightNis <= context.threshold(gnss.gate, 1)) {
    return told({ accepted: true }, kalmanUpdate(used, inflated(whole, [lasting, lasting, lasting])));
  }
  const after = kalmanUpdate(used, inflated(flat, [lasting, lasting]));
  return told({ accepted: true, reason: 'height-refused' }, after, 2, flatNis);
}

/** Whether the position is known so well that even a fix with an error of its own would not make it surer. */
function addsLittle(state: FilterState, { noise }: Measurement, { minGain }: FusionConfig['gnss']): boolean {
  const gain = (i: number) => {
    const variance = state.covariance[(POSITION + i) * (STATES + 1)]!;
    return variance / (variance + noise[4 * i]!);
  };
  return [0, 1, 2].every((i) => gain(i) < minGain);
}

/** Why a fix is not used whatever it says: by the receiver's own word, or that on its satellites. */
export function fixProblem(
  { status, geometry }: Pick<GnssInput, 'status' | 'geometry'>,
  { minSatellites, maxHdop }: FusionConfig['gnss'],
): 'no-fix' | 'few-satellites' | 'poor-geometry' | undefined {
  if (status < 0) return 'no-fix';
  // 0 is what receivers say that do not know.
  if (geometry && geometry.satellites > 0 && geometry.satellites < minSatellites) return 'few-satellites';
  return geometry && geometry.hdop > maxHdop ? 'poor-geometry' : undefined;
}

/** The error of fixes wanders; a filter that has nothing else goes with it and says so in its covariance. */
function wander(state: FilterState, dt: number, gnss: FusionConfig['gnss']): FilterState {
  const covariance = copyOf(state.covariance);
  [gnss.horizontalWander, gnss.horizontalWander, gnss.verticalWander].forEach((density, i) => {
    // An outage is no reason to follow the first fix after it at once: that is for the recovery rule.
    covariance[(POSITION + i) * (STATES + 1)]! += density ** 2 * Math.min(dt, 10);
  });
  return { ...state, covariance };
}

function fixNoise(input: GnssInput, gnss: FusionConfig['gnss']): Float64Array {
  const [h, v] = [gnss.unknownHorizontal ** 2, gnss.unknownVertical ** 2];
  const noise = copyOf(input.covariance ?? [h, 0, 0, 0, h, 0, 0, 0, v]);
  const dilution = Math.max(1, input.geometry?.hdop ?? 1);
  const horizontal = gnss.horizontalFloor * dilution;
  const floors = [horizontal, horizontal, gnss.verticalFloor * dilution];
  // Raising a diagonal keeps the matrix positive definite.
  floors.forEach((floor, i) => {
    noise[4 * i] = Math.max(noise[4 * i]!, floor * floor);
  });
  return noise;
}

function linearise(offset: readonly number[], armSkew: readonly number[], noise: Float64Array): Measurement {
  const H = zeros(3 * STATES);
  for (let i = 0; i < 3; i++) H[i * STATES + POSITION + i] = 1;
  // Exp(θ) R l ≈ R l + θ × R l.
  setBlock(H, STATES, 0, ATTITUDE, armSkew, -1);
  return { innovation: copyOf(offset), H, noise };
}

function firstRows({ innovation, H, noise }: Measurement, count: 2): Measurement {
  return {
    innovation: innovation.subarray(0, count),
    H: H.subarray(0, count * STATES),
    noise: copyOf([noise[0]!, noise[1]!, noise[3]!, noise[4]!]),
  };
}

function thirdRow({ innovation, H, noise }: Measurement): Measurement {
  return { innovation: innovation.subarray(2), H: H.subarray(2 * STATES), noise: noise.subarray(8) };
}

function refuse(
  state: FilterState,
  input: GnssInput,
  offset: readonly [number, number, number],
  lidar: boolean,
  gnss: FusionConfig['gnss'],
): FilterState {
  const refusals = state.gnssRefusals + 1;
  return {
    ...state,
    gnssRefusals: refusals,
    gnssGood: 0,
    gnssDistrusted: state.gnssDistrusted || (lidar && refusals >= gnss.distrustAfter),
    gnssDispute: joinDispute(state.gnssDispute, input.stamp, offset, gnss.recoverSpread),
  };
}

function mayRecover(dispute: Dispute | undefined, input: GnssInput, gnss: FusionConfig['gnss']): boolean {
  return (
    dispute !== undefined &&
    dispute.count >= gnss.recoverAfter &&
    secondsBetween(dispute.since, input.stamp) >= gnss.recoverSeconds
  );
}

/** Position from the fix; the heading is the usual culprit of a long drift, so it is doubted too. */
function restart(
  state: FilterState,
  input: GnssInput,
  offset: readonly [number, number, number],
  { noise }: Measurement,
  gnss: FusionConfig['gnss'],
): FilterState {
  const covariance = decoupled(state.covariance, POSITION);
  setBlock(covariance, STATES, POSITION, POSITION, Array.from(noise));
  const yaw = ATTITUDE + 2;
  covariance[yaw * STATES + yaw]! += gnss.recoverHeadingSigma ** 2;
  const position = add(state.position, offset);
  const settled = { gnssDispute: undefined, lastGnss: input.stamp, gnssRefusals: 0 };
  return { ...state, position, covariance, still: false, ...settled };
}
