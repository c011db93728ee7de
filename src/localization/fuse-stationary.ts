import { setBlock } from '../math/matrix.ts';
import { zeros } from '../math/scratch.ts';
import { multiplyMat3, quatConjugate, quatRotate, rotationMatrix, skew } from '../math/so3.ts';
import { add, norm, scale, sub } from '../math/vec3.ts';
import type { Stamp } from '../types.ts';
import type { ImuInput, OdometryInput } from './filter-input.ts';
import {
  ACCELEROMETER_BIAS,
  ATTITUDE,
  type FilterState,
  type FusionContext,
  GYRO_BIAS,
  type ImuReading,
  type Outcome,
  STATES,
  secondsBetween,
  VELOCITY,
} from './filter-state.ts';
import {
  inflated,
  kalmanUpdate,
  type Measurement,
  normalisedInnovation,
  record,
} from './measurement-update.ts';
import { imuIsFresh } from './propagation.ts';

/** Takes note of whether an odometry message says standing; `still` once it has said so for `settle` seconds. */
export function noteOdometry(state: FilterState, input: OdometryInput, context: FusionContext): FilterState {
  const { stationary } = context.config;
  const slow = norm(input.linear) <= stationary.speed && norm(input.angular) <= stationary.yawRate;
  const shaken =
    state.imu && imuIsFresh(state, input.stamp, context.config) && moves(state.imu, state, context);
  if (!slow || shaken) return { ...state, odometryStillSince: undefined, still: false };
  const since = state.odometryStillSince ?? input.stamp;
  const settled = secondsBetween(since, input.stamp) >= stationary.settle;
  return { ...state, odometryStillSince: since, still: state.still || settled };
}

type Standing = Pick<FilterState, 'imuStillSince' | 'odometryStillSince' | 'still'>;

/**
 * Takes note of whether the IMU is quiet. A quiet IMU alone cannot tell standing from gliding: it counts only without
 * odometry, and only when the filter already knows that it hardly moves. A loud one ends standing at once.
 */
export function noteImu(state: FilterState, input: ImuInput, context: FusionContext): Standing {
  const { stationary, imu } = context.config;
  if (moves(input, state, context))
    return { imuStillSince: undefined, odometryStillSince: undefined, still: false };
  const since = state.imuStillSince ?? input.stamp;
  const odometry =
    state.lastOdometry !== undefined && secondsBetween(state.lastOdometry, input.stamp) <= imu.maxGap * 4;
  const quiet = !odometry && secondsBetween(since, input.stamp) >= stationary.imuSettle;
  const still = state.still || (quiet && isSlow(state, context));
  return { imuStillSince: since, odometryStillSince: state.odometryStillSince, still };
}

/**
 * The measurements that standing still makes: v = 0 and, while the IMU speaks, ω = b_g and f = Rᵀ g + b_a (9 dof, else
 * 3). More than one per `interval` counts as one.
 */
export function fuseStationary(state: FilterState, stamp: Stamp, context: FusionContext): Outcome {
  const { stationary } = context.config;
  const imu = imuIsFresh(state, stamp, context.config) ? state.imu : undefined;
  const measurement = linearise(state, imu, context);
  const dof = measurement.innovation.length;
  const nis = normalisedInnovation(state, measurement);
  const accepted = nis <= context.threshold(stationary.gate, dof);
  const dt =
    state.lastStationary === undefined
      ? Number.POSITIVE_INFINITY
      : secondsBetween(state.lastStationary, stamp);
  const factor = Math.sqrt(Math.max(1, stationary.interval / Math.max(dt, 1e-3)));
  const rows = Array.from({ length: dof }, () => factor);
  const after = accepted
    ? { ...kalmanUpdate(state, inflated(measurement, rows)), lastStationary: stamp }
    : { ...state, still: false };
  const verdict = accepted ? { accepted } : { accepted, reason: 'innovation-gate' };
  return {
    state: after,
    record: record('stationary', stamp, verdict, nis, dof, norm(state.velocity), state, after),
  };
}

function moves(reading: ImuReading, state: FilterState, { config }: FusionContext): boolean {
  const { stationary, imu } = config;
  const force = norm(sub(reading.linearAcceleration, state.accelerometerBias));
  return (
    norm(sub(reading.angularVelocity, state.gyroBias)) > stationary.quietRate ||
    Math.abs(force - imu.gravity) > stationary.quietAcceleration
  );
}

function isSlow(state: FilterState, { config: { stationary } }: FusionContext): boolean {
  const variance = (i: number) => state.covariance[(VELOCITY + i) * (STATES + 1)]!;
  const sigma = Math.sqrt(Math.max(variance(0), variance(1), variance(2)));
  return norm(state.velocity) <= stationary.imuMaxSpeed && sigma <= 2 * stationary.imuMaxSpeed;
}

function linearise(state: FilterState, imu: ImuReading | undefined, { config }: FusionContext): Measurement {
  const { stationary } = config;
  const dof = imu ? 9 : 3;
  const innovation = zeros(dof);
  innovation.set(scale(state.velocity, -1));
  const H = zeros(dof * STATES);
  for (let i = 0; i < 3; i++) H[i * STATES + VELOCITY + i] = 1;
  const sigmas = [stationary.velocitySigma, stationary.gyroSigma, stationary.accelerationSigma];
  const noise = zeros(dof * dof);
  for (let i = 0; i < dof; i++) noise[i * (dof + 1)] = sigmas[Math.floor(i / 3)]! ** 2;
  if (imu) {
    const inverse = quatConjugate(state.orientation);
    const up = quatRotate(inverse, [0, 0, config.imu.gravity]);
    innovation.set(sub(imu.angularVelocity, state.gyroBias), 3);
    innovation.set(sub(imu.linearAcceleration, add(up, state.accelerometerBias)), 6);
    for (let i = 0; i < 3; i++) {
      H[(3 + i) * STATES + GYRO_BIAS + i] = 1;
      H[(6 + i) * STATES + ACCELEROMETER_BIAS + i] = 1;
    }
    // Rᵀ Exp(−θ) g ≈ Rᵀ g + Rᵀ [g]× θ.
    const tilt = multiplyMat3(rotationMatrix(inverse), skew([0, 0, config.imu.gravity]));
    setBlock(H, STATES, 6, ATTITUDE, tilt);
  }
  return { innovation, H, noise };
}
