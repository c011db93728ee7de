import { setBlock } from '../math/matrix.ts';
import { copyOf, zeros } from '../math/scratch.ts';
import { multiplyMat3, quatConjugate, quatRotate, rotationMatrix, skew } from '../math/so3.ts';
import { norm, sub } from '../math/vec3.ts';
import { blendRate } from './angular-rate.ts';
import { lidarTracks, registeredWithin } from './dispute.ts';
import type { OdometryInput } from './filter-input.ts';
import {
  ATTITUDE,
  type FilterState,
  type FusionContext,
  GYRO_BIAS,
  type Outcome,
  STATES,
  secondsBetween,
  shiftStamp,
  VELOCITY,
} from './filter-state.ts';
import {
  adaptScale,
  correlationInflation,
  inflated,
  kalmanUpdate,
  type Measurement,
  normalisedInnovation,
  record,
  tailWeight,
} from './measurement-update.ts';
import { imuIsFresh } from './propagation.ts';
import { learnWheels, type Wheels } from './wheel-calibration.ts';

/** Row of a measurement beside the three of the velocity. */
const YAW_RATE = 3;

/**
 * Wheel odometry: the body velocity h = Rᵀ v (sideways and up as reported, 0 for wheels that neither slide nor fly,
 * with sigmas of their own) and, while a gyro speaks, its bias through the yaw rate (4 dof); without a gyro the yaw
 * rate goes to the held one (3 dof). Slip lasts, so the noise is inflated like that of GNSS. Refused with
 * `innovation-gate`; refused for `recoverSeconds` while no LiDAR tracks, the filter doubts its own velocity instead.
 */
export function fuseOdometry(state: FilterState, input: OdometryInput, context: FusionContext): Outcome {
  const { odometry } = context.config;
  const gyro = imuIsFresh(state, input.stamp, context.config);
  const held = registeredWithin(state, odometry.heldWithin);
  const scaling = state.scaling.odometry;
  const measurement = scaled(linearise(state, input, gyro, context), scaling.factor);
  const dof = measurement.innovation.length;
  const nis = normalisedInnovation(state, measurement);
  const innovation = norm([
    measurement.innovation[0]!,
    measurement.innovation[1]!,
    measurement.innovation[2]!,
  ]);
  const told = (verdict: { accepted: boolean; reason?: string }, after: FilterState): Outcome => ({
    state: {
      ...after,
      lastOdometry: input.stamp,
      wheels: learnWheels(after, input, gyro, held, context.config),
      scaling: { ...after.scaling, odometry: adaptScale(scaling, nis, dof, odometry.maxScale) },
    },
    record: record('odometry', input.stamp, verdict, nis, dof, innovation, state, after),
  });
  if (nis > context.threshold(odometry.gate, dof)) {
    const slips = isSlip(state, input, gyro, context);
    const refused = refuse(state, input, context);
    return slips
      ? told({ accepted: false, reason: 'wheel-slip' }, slipped(refused, input, odometry.slipHold))
      : told({ accepted: false, reason: 'innovation-gate' }, refused);
  }
  if (state.slippedUntil !== undefined && input.stamp < state.slippedUntil)
    return told({ accepted: false, reason: 'wheel-slip' }, state);
  const dt =
    state.lastOdometry === undefined
      ? Number.POSITIVE_INFINITY
      : secondsBetween(state.lastOdometry, input.stamp);
  const factor = Math.sqrt(correlationInflation(dt, odometry.correlation));
  const weight = factor * tailWeight(nis, context.threshold(odometry.knee, dof));
  const rows = Array.from({ length: dof }, () => weight);
  if (gyro)
    rows[YAW_RATE] = Math.hypot(
      weight,
      sharedBias(measurement.noise.at(-1)!, state.wheels, odometry.legSeconds / dt),
    );
  const updated = kalmanUpdate(state, inflated(measurement, rows));
  const after = { ...updated, odometryRefusedSince: undefined, slippedUntil: undefined };
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
  const H = zeros(dof * STATES);
  setBlock(H, STATES, 0, VELOCITY, Rt);
  // Rᵀ Exp(−θ) v ≈ Rᵀ v + Rᵀ [v]× θ = Rᵀ v + [Rᵀ v]× Rᵀ θ.
  setBlock(H, STATES, 0, ATTITUDE, multiplyMat3(skew(velocity), Rt));
  const innovation = zeros(dof);
  const { wheels } = state;
  const forward = wheels.scale * input.linear[0];
  innovation.set(sub([forward, input.linear[1], input.linear[2]], velocity));
  const noise = zeros(dof * dof);
  noise[0] =
    odometry.forwardSigma ** 2 + (wheels.scaleVariance + odometry.slipShare ** 2) * input.linear[0] ** 2;
  noise[dof + 1] = odometry.lateralSigma ** 2;
  noise[2 * (dof + 1)] = odometry.verticalSigma ** 2;
  if (gyro && state.imu) {
    innovation[YAW_RATE] =
      input.angular[2] - wheels.yawBias - (state.imu.angularVelocity[2] - state.gyroBias[2]);
    H[YAW_RATE * STATES + GYRO_BIAS + 2] = -1;
    // The gyro's reading is noisy too; the held rate's variance is that of one reading.
    noise[15] = yawRateVariance(input, context) + wheels.yawVariance + state.angularVariance;
  }
  return { innovation, H, noise };
}

/**
 * By how much to inflate the sigma of the yaw rate, of this noise, beside all else: until the next leg teaches the bias
 * of the wheels, `count` messages are off by the same error of it, and together tell no more of it than one.
 */
function sharedBias(noise: number, { yawVariance }: Wheels, count: number): number {
  return Math.sqrt((Math.max(0, count - 1) * yawVariance) / noise);
}

function yawRateVariance(input: OdometryInput, { config: { odometry } }: FusionContext): number {
  return odometry.yawRateSigma ** 2 + (odometry.yawRateScale * input.angular[2]) ** 2;
}

function scaled(measurement: Measurement, factor: number): Measurement {
  if (factor === 1) return measurement;
  const noise = copyOf(measurement.noise);
  for (let i = 0; i < noise.length; i++) noise[i]! *= factor;
  return { ...measurement, noise };
}

/** Wheels that turn faster than the robot moves, or turn it where the gyro sees no turn. */
function isSlip(state: FilterState, input: OdometryInput, gyro: boolean, context: FusionContext): boolean {
  const own = quatRotate(quatConjugate(state.orientation), state.velocity)[0];
  return gyro && Math.abs(input.linear[0]) - Math.abs(own) > context.config.odometry.slipSpeed;
}

function slipped(state: FilterState, input: OdometryInput, seconds: number): FilterState {
  return { ...state, slippedUntil: shiftStamp(input.stamp, seconds) };
}

function refuse(state: FilterState, input: OdometryInput, context: FusionContext): FilterState {
  const { odometry } = context.config;
  const since = state.odometryRefusedSince ?? input.stamp;
  const persistent = secondsBetween(since, input.stamp) >= odometry.recoverSeconds;
  if (!persistent || lidarTracks(state, context)) return { ...state, odometryRefusedSince: since };
  const covariance = copyOf(state.covariance);
  for (let i = VELOCITY; i < VELOCITY + 3; i++) covariance[i * STATES + i]! += odometry.recoverSigma ** 2;
  return { ...state, covariance, odometryRefusedSince: input.stamp };
}
