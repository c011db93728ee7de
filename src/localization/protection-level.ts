import type { UpdateRecord } from '../types.ts';
import type { IntegrityConfig } from './integrity.ts';

/** A solution that goes without one of the sensors, compared with the one that is used. */
export interface Separation {
  /** metres over the plane */
  readonly distance: number;
  /** of the solution without that sensor, standard deviation along its worst direction, m */
  readonly sigma: number;
  /** the two contradict each other: the fault is there, and not only possible */
  readonly shown?: boolean;
}

/**
 * The horizontal protection level, m, by multiple-hypothesis solution separation (Blanch et al. 2015, "Baseline
 * advanced RAIM user algorithm"): without a fault the error is the map's own bias and the filter's; with a fault of one
 * sensor it is what the solution without that sensor differs, and that solution's own error. Half of the risk goes to
 * the case without a fault, the rest to the hypotheses, each weighed by how likely its fault is: certain once it shows.
 * `sigma` is along the worst direction, m; `residual` of the last good registration, m (0 without a map).
 */
export function protectionLevel(
  sigma: number,
  residual: number | undefined,
  separations: readonly Separation[],
  config: IntegrityConfig,
): number {
  const bias = residual === undefined ? 0 : config.mapBias + residual;
  const faultless = bias + rayleigh(config.risk / 2) * sigma;
  const share = config.risk / 2 / Math.max(1, separations.length);
  const faulty = separations.map(
    ({ distance, sigma: without, shown }) =>
      distance + rayleigh(share / (shown ? 1 : config.separationPrior)) * without,
  );
  return Math.max(faultless, ...faulty);
}

/**
 * The solution by the scan alone, without wheels and IMU, beside the filter after the scan was fused; undefined where
 * the scan leaves a direction open.
 */
export function scanSeparation(
  { innovation, correction }: Pick<UpdateRecord, 'innovation' | 'correction'>,
  covariance: ArrayLike<number>,
  degenerate: number,
): Separation | undefined {
  if (degenerate > 0) return undefined;
  return { distance: Math.max(0, innovation - correction), sigma: worstSigma(covariance, 6) };
}

/** Standard deviation over the plane along the worst direction, m: the larger eigenvalue of the leading 2 × 2. */
export function worstSigma(covariance: ArrayLike<number>, stride: number): number {
  const [a, b, d] = [covariance[0]!, covariance[1]!, covariance[stride + 1]!];
  return Math.sqrt((a + d) / 2 + Math.hypot((a - d) / 2, b));
}

/** How many sigmas a circular normal error in the plane exceeds with this probability; 0 for one that is certain. */
function rayleigh(probability: number): number {
  return probability >= 1 ? 0 : Math.sqrt(-2 * Math.log(probability));
}
