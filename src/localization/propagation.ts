import { identityMatrix, sandwich, setBlock } from '../math/matrix.ts';
import { copyOf, zeros } from '../math/scratch.ts';
import {
  expSo3,
  IDENTITY_QUAT,
  quatMultiply,
  quatNormalize,
  quatRotate,
  rotationMatrix,
  skew,
} from '../math/so3.ts';
import { add, scale, sub, ZERO } from '../math/vec3.ts';
import type { Stamp, Vec3 } from '../types.ts';
import {
  ACCELEROMETER_BIAS,
  ATTITUDE,
  type FilterState,
  GYRO_BIAS,
  type ImuReading,
  POSITION,
  STATES,
  secondsBetween,
  VELOCITY,
} from './filter-state.ts';
import type { FusionConfig } from './fusion-config.ts';

const EYE = rotationMatrix(IDENTITY_QUAT);

/** Whether a gyro reading is recent enough at `stamp` to speak of the present. */
export function imuIsFresh(state: FilterState, stamp: Stamp, config: FusionConfig): boolean {
  return state.imu !== undefined && secondsBetween(state.imu.stamp, stamp) <= config.imu.maxGap;
}

/** What the IMU would have read at `stamp`, between the state's reading and the next one; undefined without one. */
export function interpolateReading(
  state: FilterState,
  next: ImuReading,
  stamp: Stamp,
): ImuReading | undefined {
  const { imu } = state;
  if (imu === undefined) return undefined;
  const t = secondsBetween(imu.stamp, stamp) / secondsBetween(imu.stamp, next.stamp);
  const between = (a: Vec3, b: Vec3) => add(a, scale(sub(b, a), t));
  return {
    stamp,
    angularVelocity: between(imu.angularVelocity, next.angularVelocity),
    linearAcceleration: between(imu.linearAcceleration, next.linearAcceleration),
  };
}

/**
 * The state at a later `stamp` (an earlier or equal one gives the state back). Predicts by the IMU while it speaks
 * (midpoint of the last reading and `next`, the one that ends the step, if given), else by holding the body twist;
 * a robot that stands still is held. Covariance: P ← F P Fᵀ + Q (Solà 2017, eq. 270).
 */
export function propagate(
  state: FilterState,
  stamp: Stamp,
  config: FusionConfig,
  next?: ImuReading,
): FilterState {
  const dt = secondsBetween(state.stamp, stamp);
  if (dt <= 0) return state;
  if (state.still) return standStill(state, stamp, dt, config);
  const { imu } = state;
  if (imu === undefined || !imuIsFresh(state, stamp, config)) return holdTwist(state, stamp, dt, config);
  const rate = next ? scale(add(imu.angularVelocity, next.angularVelocity), 0.5) : imu.angularVelocity;
  const force = next
    ? scale(add(imu.linearAcceleration, next.linearAcceleration), 0.5)
    : imu.linearAcceleration;
  return integrate(state, stamp, dt, rate, force, config);
}

/** Strapdown integration with the global attitude error: Solà 2017, §7.2.1 (nominal: eq. 260, transition: eq. 312). */
function integrate(
  state: FilterState,
  stamp: Stamp,
  dt: number,
  rate: Vec3,
  force: Vec3,
  { imu }: FusionConfig,
): FilterState {
  const turn = scale(sub(rate, state.gyroBias), dt);
  const middle = quatMultiply(state.orientation, expSo3(scale(turn, 0.5)));
  const lift = quatRotate(middle, sub(force, state.accelerometerBias));
  const acceleration = add(lift, [0, 0, -imu.gravity]);
  const R = rotationMatrix(middle);
  const F = identityMatrix(STATES);
  setBlock(F, STATES, POSITION, VELOCITY, EYE, dt);
  setBlock(F, STATES, POSITION, ATTITUDE, skew(lift), -0.5 * dt * dt);
  setBlock(F, STATES, POSITION, ACCELEROMETER_BIAS, R, -0.5 * dt * dt);
  setBlock(F, STATES, VELOCITY, ATTITUDE, skew(lift), -dt);
  setBlock(F, STATES, VELOCITY, ACCELEROMETER_BIAS, R, -dt);
  setBlock(F, STATES, ATTITUDE, GYRO_BIAS, R, -dt);
  const covariance = sandwich(F, state.covariance, STATES, STATES);
  addAccelerationNoise(covariance, (imu.accelerometerNoise + imu.accelerometerAliasing * dt) ** 2, dt);
  addDiagonal(covariance, ATTITUDE, imu.gyroNoise ** 2 * dt);
  addBiasWalk(covariance, dt, imu);
  return {
    ...state,
    stamp,
    position: add(state.position, add(scale(state.velocity, dt), scale(acceleration, 0.5 * dt * dt))),
    velocity: add(state.velocity, scale(acceleration, dt)),
    orientation: quatNormalize(quatMultiply(state.orientation, expSo3(turn))),
    covariance,
  };
}

/**
 * Constant body twist: v ← Exp(ω dt) v. An error ε of the held rate turns the attitude and, with it, the velocity:
 * δθ = ε, δv = ε × v; its variance σ²·τ·dt does not depend on how the time is cut into steps.
 */
function holdTwist(state: FilterState, stamp: Stamp, dt: number, config: FusionConfig): FilterState {
  const { constantVelocity: held, imu } = config;
  const fade = Math.exp(-dt / held.rateDecay);
  const turn = scale(state.angularVelocity, held.rateDecay * (1 - fade));
  const turnMap = quatRotate(state.orientation, turn);
  const velocity = quatRotate(expSo3(turnMap), state.velocity);
  const F = identityMatrix(STATES);
  const whole = rotationMatrix(expSo3(turnMap));
  setBlock(F, STATES, VELOCITY, VELOCITY, whole);
  setBlock(F, STATES, POSITION, VELOCITY, rotationMatrix(expSo3(scale(turnMap, 0.5))), dt);
  const covariance = sandwich(F, state.covariance, STATES, STATES);
  const angularVariance = Math.min(
    held.maxRateSigma ** 2,
    state.angularVariance + held.angularAcceleration ** 2 * dt,
  );
  // G maps ε to the states; Q = G Gᵀ σ² τ dt.
  const G = zeros(STATES * 3);
  setBlock(G, 3, VELOCITY, 0, skew(velocity), -1);
  setBlock(G, 3, ATTITUDE, 0, EYE);
  const spread = zeros(9);
  for (let i = 0; i < 9; i += 4) spread[i] = angularVariance * held.rateCorrelation * dt;
  const noise = sandwich(G, spread, STATES, 3);
  for (let i = 0; i < noise.length; i++) covariance[i]! += noise[i]!;
  addAccelerationNoise(covariance, held.accelerationNoise ** 2, dt);
  addBiasWalk(covariance, dt, imu);
  const halfway = quatRotate(expSo3(scale(turnMap, 0.5)), state.velocity);
  return {
    ...state,
    stamp,
    position: add(state.position, scale(halfway, dt)),
    velocity,
    orientation: quatNormalize(quatMultiply(state.orientation, expSo3(turn))),
    angularVelocity: scale(state.angularVelocity, fade),
    angularVariance,
    covariance,
  };
}

/** Pose held, biases wander; a little noise stays so that later measurements can still move it. */
function standStill(state: FilterState, stamp: Stamp, dt: number, config: FusionConfig): FilterState {
  const covariance = copyOf(state.covariance);
  addDiagonal(covariance, POSITION, config.stationary.positionNoise ** 2 * dt);
  addDiagonal(covariance, ATTITUDE, config.stationary.rotationNoise ** 2 * dt);
  addDiagonal(covariance, VELOCITY, config.imu.accelerometerNoise ** 2 * dt);
  addBiasWalk(covariance, dt, config.imu);
  return { ...state, stamp, angularVelocity: ZERO, covariance };
}

/** White acceleration of density q (m²/s³): Van Loan's integral for [p v], q·[dt³/3 dt²/2; dt²/2 dt]. */
function addAccelerationNoise(covariance: Float64Array, q: number, dt: number): void {
  addDiagonal(covariance, POSITION, (q * dt ** 3) / 3);
  addDiagonal(covariance, VELOCITY, q * dt);
  for (let i = 0; i < 3; i++) {
    const cross = (q * dt * dt) / 2;
    covariance[(POSITION + i) * STATES + VELOCITY + i]! += cross;
    covariance[(VELOCITY + i) * STATES + POSITION + i]! += cross;
  }
}

function addBiasWalk(covariance: Float64Array, dt: number, imu: FusionConfig['imu']): void {
  addDiagonal(covariance, GYRO_BIAS, imu.gyroBiasWalk ** 2 * dt);
  addDiagonal(covariance, ACCELEROMETER_BIAS, imu.accelerometerBiasWalk ** 2 * dt);
}

function addDiagonal(covariance: Float64Array, row: number, variance: number): void {
  for (let i = row; i < row + 3; i++) covariance[i * STATES + i]! += variance;
}
