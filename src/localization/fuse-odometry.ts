import { setBlock } from '../math/matrix.ts';
import { multiplyMat3, quatConjugate, quatRotate, rotationMatrix, skew } from '../math/so3.ts';
import { norm, sub } from '../math/vec3.ts';
import { blendRate } from './angular-rate.ts';
import { lidarTracks } from './dispute.ts';
import type { OdometryInput } from './filter-input.ts';
import {
  ATTITUDE,
  type FilterState,
  type FusionContext,
  GYRO_BIAS,
  type Outcome,
  STATES,
  secondsBetween,
  VELOCITY,
} from './filter-state.ts';
import {
  correlationInflation,
  inflated,
  kalmanUpdate,
  type Measurement,
  normalisedInnovation,
  record,
} from './measurement-update.ts';
import { imuIsFresh } from './propagation.ts';

/**
 * Wheel odometry: the body velocity h = Rᵀ v (sideways and up as reported, 0 for wheels that neither slide nor fly,
 * with sigmas of their own) and, while a gyro speaks, its bias through the yaw rate (4 dof); without a gyro the yaw
 * rate goes to the held one (3 dof). Slip lasts, so the noise is inflated like that of GNSS. Refused with
 * `innovation-gate`; refused for `recoverSeconds` while no LiDAR tracks, the filter doubts its own velocity instead.
 */
export function fuseOdometry(state: FilterState, input: OdometryInput, context: FusionContext): Outcome {
  const { odometry } = context.config;
  const gyro = imuIsFresh(state, input.stamp, context.config);
  const measurement = linearise(state, input, gyro, context);
  const dof = measurement.innovation.length;
  const nis = normalisedInnovation(state, measurement);
  const innovation = norm([
    measurement.innovation[0]!,
    measurement.innovation[1]!,
    measurement.innovation[2]!,
  ]);
  const told = (verdict: { accepted: boolean; reason?: string }, after: FilterState): Outcome => ({
    state: { ...after, lastOdometry: input.stamp },
    record: record('odometry', input.stamp, verdict, nis, dof, innovation, state, after),
  });
  if (nis > context.threshold(odometry.gate, dof)) {
    return told({ accepted: false, reason: 'innovation-gate' }, refuse(state, input, context));
  }
  const dt =
    state.lastOdometry === undefined
      ? Number.POSITIVE_INFINITY
      : secondsBetween(state.lastOdometry, input.stamp);
  const factor = Math.sqrt(correlationInflation(dt, odometry.correlation));
  const rows = Array.from({ length: dof }, () => factor);
  const { odometryRefusedSince: _, ...after } = kalmanUpdate(state, inflated(measurement, rows));
  const unmeasured = Number.POSITIVE_INFINITY;
  return told(
    { accepted: true },
    gyro ? after : blendRate(after, input.angular, [unmeasured, unmeasured, yawRateVariance(input, context)]),
  );
}

function linearise(
  state: FilterState,
  input: OdometryInput,
  gyro: boolean,
  context: FusionContext,
): Measurement {
  const { odometry } = context.config;
  const dof = gyro ? 4 : 3;
  const inverse = quatConjugate(state.orientation);
  const Rt = rotationMatrix(inverse);
  const velocity = quatRotate(inverse, state.velocity);
  const H = new Float64Array(dof * STATES);
  setBlock(H, STATES, 0, VELOCITY, Rt);
  // Rᵀ Exp(−θ) v ≈ Rᵀ v + Rᵀ [v]× θ = Rᵀ v + [Rᵀ v]× Rᵀ θ.
  setBlock(H, STATES, 0, ATTITUDE, multiplyMat3(skew(velocity), Rt));
  const innovation = new Float64Array(dof);
  innovation.set(sub(input.linear, velocity));
  const noise = new Float64Array(dof * dof);
  noise[0] = odometry.forwardSigma ** 2 + (odometry.forwardScale * input.linear[0]) ** 2;
  noise[dof + 1] = odometry.lateralSigma ** 2;
  noise[2 * (dof + 1)] = odometry.verticalSigma ** 2;
  if (gyro && state.imu) {
    innovation[3] = input.angular[2] - (state.imu.angularVelocity[2] - state.gyroBias[2]);
    H[3 * STATES + GYRO_BIAS + 2] = -1;
    // The gyro's reading is noisy too; the held rate's variance is that of one reading.
    noise[15] = yawRateVariance(input, context) + state.angularVariance;
  }
  return { innovation, H, noise };
}

function yawRateVariance(input: OdometryInput, { config: { odometry } }: FusionContext): number {
  return odometry.yawRateSigma ** 2 + (odometry.yawRateScale * input.angular[2]) ** 2;
}

function refuse(state: FilterState, input: OdometryInput, context: FusionContext): FilterState {
  const { odometry } = context.config;
  const since = state.odometryRefusedSince ?? input.stamp;
  const persistent = secondsBetween(since, input.stamp) >= odometry.recoverSeconds;
  if (!persistent || lidarTracks(state, context)) return { ...state, odometryRefusedSince: since };
  const covariance = Float64Array.from(state.covariance);
  for (let i = VELOCITY; i < VELOCITY + 3; i++) covariance[i * STATES + i]! += odometry.recoverSigma ** 2;
  return { ...state, covariance, odometryRefusedSince: input.stamp };
}
