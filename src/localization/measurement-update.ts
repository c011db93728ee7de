import {
  cholesky,
  choleskySolve,
  identityMatrix,
  mahalanobisSquared,
  multiply,
  sandwich,
  sum,
  transpose,
} from '../math/matrix.ts';
import { copyOf } from '../math/scratch.ts';
import { expSo3, quatMultiply, quatNormalize } from '../math/so3.ts';
import { add } from '../math/vec3.ts';
import type { FilterSensor, Stamp, UpdateRecord, Vec3 } from '../types.ts';
import {
  ACCELEROMETER_BIAS,
  ATTITUDE,
  type FilterState,
  GYRO_BIAS,
  POSITION,
  type Scaling,
  STATES,
  VELOCITY,
} from './filter-state.ts';

/** A linearised measurement: innovation r = z − h(x), r ≈ H δx + noise of covariance `noise`. */
export interface Measurement {
  readonly innovation: Float64Array;
  /** dof × 15 row-major */
  readonly H: Float64Array;
  /** dof × dof row-major */
  readonly noise: Float64Array;
}

/**
 * rᵀ S⁻¹ r with S = H P Hᵀ + noise, infinite where S is not positive definite. `maxPriorSigma` bounds what H P Hᵀ may
 * contribute (root of its trace), so that a gate does not open without end as the state grows uncertain.
 */
export function normalisedInnovation(
  state: FilterState,
  { innovation, H, noise }: Measurement,
  maxPriorSigma = Number.POSITIVE_INFINITY,
): number {
  const dof = innovation.length;
  const prior = sandwich(H, state.covariance, dof, STATES);
  let trace = 0;
  for (let i = 0; i < dof; i++) trace += prior[i * dof + i]!;
  const share = Math.min(1, maxPriorSigma ** 2 / trace);
  const S = copyOf(noise);
  for (let i = 0; i < S.length; i++) S[i]! += share * prior[i]!;
  const L = cholesky(S, dof);
  return L ? mahalanobisSquared(L, innovation) : Number.POSITIVE_INFINITY;
}

/**
 * The error-state Kalman update (Solà 2017, eq. 275–276, 282): K = P Hᵀ S⁻¹, covariance in Joseph's form, then the
 * error goes into the nominal state. `noise` is that of the measurement, or more: see `correlationInflation`.
 * The attitude reset (eq. 287) is left out: its Jacobian differs from I by half the correction, which gates keep small.
 */
export function kalmanUpdate(state: FilterState, { innovation, H, noise }: Measurement): FilterState {
  const dof = innovation.length;
  const HP = multiply(H, state.covariance, dof, STATES, STATES);
  const L = cholesky(sum(sandwich(H, state.covariance, dof, STATES), noise), dof);
  if (L === undefined) return state;
  const K = transpose(choleskySolve(L, HP, dof, STATES), dof, STATES);
  const A = identityMatrix(STATES);
  const KH = multiply(K, H, STATES, dof, STATES);
  for (let i = 0; i < A.length; i++) A[i]! -= KH[i]!;
  const covariance = sum(sandwich(A, state.covariance, STATES, STATES), sandwich(K, noise, STATES, dof));
  return inject({ ...state, covariance }, multiply(K, innovation, STATES, dof, 1));
}

/**
 * By how much to inflate the noise of a sensor whose error is a Gauss–Markov process of correlation time τ, sampled
 * every dt: n samples of it tell as much about their mean as n / f independent ones, f = (1 + ρ)/(1 − ρ) with
 * ρ = e^(−dt/τ) (Bayley & Hammersley 1946). So a faster or longer stream of biased fixes does not wear the state down.
 */
export function correlationInflation(dt: number, correlation: number): number {
  if (correlation === 0) return 1;
  // coth(dt / 2τ); two fixes of one moment are one.
  return 1 / Math.tanh(Math.max(dt, 1e-3) / (2 * correlation));
}

/** The measurement with the sigma of each row multiplied. */
export function inflated(measurement: Measurement, factors: readonly number[]): Measurement {
  const dof = measurement.innovation.length;
  const noise = copyOf(measurement.noise);
  for (let i = 0; i < noise.length; i++) noise[i]! *= factors[Math.floor(i / dof)]! * factors[i % dof]!;
  return { ...measurement, noise };
}

/**
 * Heavy tails: beyond `knee` a measurement weighs less the further off it is, as under a Student distribution, so that
 * what passes the gate just so does not pull like a good one. Gives the factor of the sigma.
 */
export function tailWeight(nis: number, knee: number): number {
  return nis <= knee ? 1 : Math.sqrt(nis / knee);
}

/** Of a mean of the last 1 / MEMORY ratios of NIS to its degrees of freedom. */
const MEMORY = 0.02;
/** Where the mean of 50 ratios of 6 degrees of freedom cannot be by chance (8 sigmas). */
const TOO_LARGE = 1.5;

/**
 * Online scaling of a covariance: while innovations stay larger than it claims it is scaled up, up to `most`, and
 * back again when they do not. Never below the claim: that a map is off all over shows in no innovation.
 */
export function adaptScale({ ratio, factor }: Scaling, nis: number, dof: number, most: number): Scaling {
  // One outlier is no reason: the gate is for that.
  const next = ratio + MEMORY * (Math.min(nis / dof, 10) - ratio);
  const step = next > TOO_LARGE ? 1 + MEMORY * (next - 1) : next < 1 ? 1 - MEMORY / 4 : 1;
  return { ratio: next, factor: Math.min(most, Math.max(1, factor * step)) };
}

/** A record of a measurement; `before` and `after` say how far it moved the position. */
export function record(
  sensor: FilterSensor,
  stamp: Stamp,
  verdict: { accepted: boolean; reason?: string },
  nis: number,
  dof: number,
  innovation: number,
  before?: FilterState,
  after?: FilterState,
): UpdateRecord {
  const [a, b] = [before?.position, after?.position];
  const correction = a && b ? Math.hypot(b[0] - a[0], b[1] - a[1], b[2] - a[2]) : 0;
  return { stamp, sensor, ...verdict, nis, dof, innovation, correction };
}

/** The error of 15 numbers goes into the nominal state. */
export function inject(state: FilterState, error: Float64Array): FilterState {
  const at = (row: number): Vec3 => [error[row]!, error[row + 1]!, error[row + 2]!];
  return {
    ...state,
    position: add(state.position, at(POSITION)),
    velocity: add(state.velocity, at(VELOCITY)),
    orientation: quatNormalize(quatMultiply(expSo3(at(ATTITUDE)), state.orientation)),
    gyroBias: add(state.gyroBias, at(GYRO_BIAS)),
    accelerometerBias: add(state.accelerometerBias, at(ACCELEROMETER_BIAS)),
  };
}
