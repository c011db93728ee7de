import { quatNormalize } from '../math/so3.ts';
import { sub } from '../math/vec3.ts';
import type { UpdateRecord } from '../types.ts';
import { type FilterInput, type ImuInput, sensorOf } from './filter-input.ts';
import {
  type FilterState,
  type FusionContext,
  initialState,
  type Outcome,
  secondsBetween,
} from './filter-state.ts';
import { fuseGnss } from './fuse-gnss.ts';
import { fuseOdometry } from './fuse-odometry.ts';
import { fuseRegistration } from './fuse-registration.ts';
import { fuseStationary, noteImu, noteOdometry } from './fuse-stationary.ts';
import { record } from './measurement-update.ts';
import { imuIsFresh, propagate } from './propagation.ts';

/** What one input made of the filter: no state while it is unknown, no record of an IMU sample that only predicts. */
export interface Step {
  readonly state: FilterState | undefined;
  readonly record: UpdateRecord | undefined;
}

/**
 * The whole filter as a function: the state before (undefined while unknown) and one input not older than it. Predicts
 * to the input's stamp, then uses it. After `maxPrediction` seconds without any input the state is unknown again.
 */
export function filterStep(
  before: FilterState | undefined,
  input: FilterInput,
  context: FusionContext,
): Step {
  const { config } = context;
  if (input.kind === 'initialize') {
    const pose = { ...input.pose, orientation: quatNormalize(input.pose.orientation) };
    const state = initialState(input.stamp, pose, input.covariance, input.velocity, config);
    if (before === undefined) return { state, record: undefined };
    // What was learnt of the sensors outlives a pose that was wrong.
    const wheels = { ...before.wheels, leg: undefined };
    const { scaling, imu } = before;
    return { state: { ...state, wheels, scaling, imu }, record: undefined };
  }
  if (before === undefined || secondsBetween(before.stamp, input.stamp) > config.maxPrediction) {
    return { state: undefined, record: input.kind === 'imu' ? undefined : refusal(input, 'not-initialised') };
  }
  if (input.kind === 'imu') return useImu(before, input, context);
  return measure(propagate(before, input.stamp, config), input, context);
}

/** A record of an input that was not looked at. */
export function refusal(input: FilterInput, reason: string): UpdateRecord {
  return record(sensorOf(input), input.stamp, { accepted: false, reason }, 0, 0, 0);
}

function measure(
  state: FilterState,
  input: Exclude<FilterInput, ImuInput | { kind: 'initialize' }>,
  context: FusionContext,
): Outcome {
  switch (input.kind) {
    case 'registration':
      return fuseRegistration(state, input, context);
    case 'gnss':
      return fuseGnss(state, input, context);
    case 'odometry': {
      const noted = noteOdometry(state, input, context);
      return noted.still
        ? fuseStationary({ ...noted, lastOdometry: input.stamp }, input.stamp, context)
        : fuseOdometry(noted, input, context);
    }
  }
}

function useImu(before: FilterState, input: ImuInput, context: FusionContext): Step {
  const { config } = context;
  const predicted = propagate(before, input.stamp, config, input);
  const dt =
    before.imu && imuIsFresh(before, input.stamp, config) ? secondsBetween(before.imu.stamp, input.stamp) : 1;
  const { stamp, angularVelocity, linearAcceleration } = input;
  const imu = { stamp, angularVelocity, linearAcceleration };
  const noted = noteImu(predicted, input, context);
  const state = {
    ...predicted,
    imu,
    angularVelocity: sub(imu.angularVelocity, predicted.gyroBias),
    angularVariance: config.imu.gyroNoise ** 2 / Math.max(dt, 1e-3),
    imuStillSince: noted.imuStillSince,
    odometryStillSince: noted.odometryStillSince,
    still: noted.still,
  };
  const { lastStationary, lastOdometry } = state;
  const { interval } = config.stationary;
  const due = lastStationary === undefined || secondsBetween(lastStationary, input.stamp) >= interval;
  // Odometry that says standing makes these measurements itself.
  const alone = lastOdometry === undefined || secondsBetween(lastOdometry, input.stamp) > 2 * interval;
  return state.still && due && alone
    ? fuseStationary(state, input.stamp, context)
    : { state, record: undefined };
}
