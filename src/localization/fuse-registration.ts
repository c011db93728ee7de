import { setBlock } from '../math/matrix.ts';
import { copyOf } from '../math/scratch.ts';
import { logSo3, quatConjugate, quatMultiply, quatNormalize, quatRotate } from '../math/so3.ts';
import { norm, scale, sub } from '../math/vec3.ts';
import { blendRate } from './angular-rate.ts';
import { decoupled, joinDispute } from './dispute.ts';
import type { RegistrationInput } from './filter-input.ts';
import {
  ATTITUDE,
  type FilterState,
  type FusionContext,
  type Outcome,
  POSITION,
  STATES,
  secondsBetween,
  VELOCITY,
} from './filter-state.ts';
import {
  adaptScale,
  inflated,
  kalmanUpdate,
  normalisedInnovation,
  record,
  tailWeight,
} from './measurement-update.ts';
import { keepOpen, openDirections } from './open-directions.ts';
import { imuIsFresh } from './propagation.ts';

const DOF = 6;
const H = new Float64Array(DOF * STATES);
for (let i = 0; i < 3; i++) {
  H[i * STATES + POSITION + i] = 1;
  H[(3 + i) * STATES + ATTITUDE + i] = 1;
}

/**
 * A full pose from the LiDAR. Its error is the filter's own (map axes, left), so H is a selection and
 * r = [p_z − p; Log(R_z Rᵀ)]. Refused with `innovation-gate`; after `recoverAfter` refusals in a row that agree, the
 * filter starts again from the measurement (accepted, reason `reinitialised`).
 */
export function fuseRegistration(
  state: FilterState,
  input: RegistrationInput,
  context: FusionContext,
): Outcome {
  const { registration } = context.config;
  const offset = sub(input.pose.position, state.position);
  const turn = logSo3(quatMultiply(input.pose.orientation, quatConjugate(state.orientation)));
  const dof = DOF - (input.degenerate ?? 0);
  const scaling = state.scaling.registration;
  const noise = copyOf(input.covariance);
  for (let i = 0; i < noise.length; i++) noise[i]! *= scaling.factor;
  for (let i = 0; i < DOF; i++) {
    noise[i * DOF + i]! += (i < 3 ? registration.positionFloor : registration.rotationFloor) ** 2;
  }
  const measurement = { innovation: copyOf([...offset, ...turn]), H, noise };
  const nis = normalisedInnovation(state, measurement);
  const told = (verdict: { accepted: boolean; reason?: string }, after: FilterState): Outcome => ({
    state: after,
    record: record('registration', input.stamp, verdict, nis, dof, norm(offset), state, after),
  });
  const adapted = {
    ...state.scaling,
    registration: adaptScale(scaling, nis, dof, registration.maxScale),
  };
  if (nis <= context.threshold(registration.gate, dof)) {
    const weight = tailWeight(nis, context.threshold(registration.knee, dof));
    const weighed = weight === 1 ? measurement : inflated(measurement, Array(DOF).fill(weight));
    const updated = keepOpen(state, kalmanUpdate(state, weighed), openDirections(noise, DOF - dof));
    const after = { ...updated, scaling: adapted };
    return told({ accepted: true }, seen(after, input, noise, context));
  }
  const dispute = joinDispute(state.registrationDispute, input.stamp, offset, registration.recoverSpread);
  if (dispute.count < registration.recoverAfter) {
    const disputed = { ...state, scaling: adapted, registrationDispute: dispute };
    return told({ accepted: false, reason: 'innovation-gate' }, disputed);
  }
  return told(
    { accepted: true, reason: 'reinitialised' },
    seen(restart(state, input, noise, context), input, noise, context),
  );
}

/** Notes the registration; without a gyro, two of them also tell the turn rate. */
function seen(
  state: FilterState,
  input: RegistrationInput,
  noise: Float64Array,
  context: FusionContext,
): FilterState {
  const last = state.lastRegistration;
  const lastRegistration = { stamp: input.stamp, orientation: input.pose.orientation };
  const next = { ...state, registrationDispute: undefined, lastRegistration };
  if (last === undefined || imuIsFresh(state, input.stamp, context.config)) return next;
  const dt = secondsBetween(last.stamp, input.stamp);
  const turn = logSo3(quatMultiply(quatConjugate(last.orientation), input.pose.orientation));
  const rotationVariance = (noise[21]! + noise[28]! + noise[35]!) / 3;
  // The mean rate over dt lags the present one by dt/2, in which the rate wanders.
  const lag = (context.config.constantVelocity.angularAcceleration ** 2 * dt) / 2;
  const variance = (2 * rotationVariance) / (dt * dt) + lag;
  return blendRate(next, scale(turn, 1 / dt), [variance, variance, variance]);
}

function restart(
  state: FilterState,
  input: RegistrationInput,
  noise: Float64Array,
  { config }: FusionContext,
): FilterState {
  const covariance = decoupled(decoupled(state.covariance, POSITION), ATTITUDE);
  const block = (row: number, column: number) =>
    [0, 1, 2].flatMap((i) => [0, 1, 2].map((j) => noise[(row + i) * DOF + column + j]!));
  setBlock(covariance, STATES, POSITION, POSITION, block(0, 0));
  setBlock(covariance, STATES, POSITION, ATTITUDE, block(0, 3));
  setBlock(covariance, STATES, ATTITUDE, POSITION, block(3, 0));
  setBlock(covariance, STATES, ATTITUDE, ATTITUDE, block(3, 3));
  for (let i = VELOCITY; i < VELOCITY + 3; i++) {
    covariance[i * STATES + i]! += config.initial.knownVelocitySigma ** 2;
  }
  const turn = quatMultiply(input.pose.orientation, quatConjugate(state.orientation));
  return {
    ...state,
    position: input.pose.position,
    orientation: quatNormalize(input.pose.orientation),
    velocity: quatRotate(quatNormalize(turn), state.velocity),
    still: false,
    covariance,
  };
}
