import { z } from 'zod';
import type { Alignment, Cloud, TileMap } from '../core.ts';
import type { Pose, RegistrationEvidence } from '../types.ts';

export const registrationConfig = z.strictObject({
  kernelStart: z.number().min(0.05).max(5).default(2).describe('robust kernel of the first iteration, m'),
  kernelNarrow: z
    .number()
    .min(0.05)
    .max(5)
    .default(0.3)
    .describe('first kernel where the prediction is sure, m; wider by three sigmas of it'),
  kernelEnd: z.number().min(0.02).max(1).default(0.2).describe('robust kernel of the last iterations, m'),
  maxIterations: z.int().min(1).max(200).default(60),
  translationEpsilon: z
    .number()
    .positive()
    .max(0.1)
    .default(0.0005)
    .describe('a step below this has converged, m'),
  rotationEpsilon: z
    .number()
    .positive()
    .max(0.1)
    .default(0.00005)
    .describe('a step below this has converged, rad'),
  minPoints: z.int().min(10).default(200).describe('fewer points than this are no scan to register'),
  minInlierRatio: z.number().min(0).max(1).default(0.4).describe('share of the points on a map plane'),
  minConstraint: z
    .number()
    .min(0)
    .max(1)
    .default(0.004)
    .describe('a direction whose share of the inliers is less is degenerate: not measured'),
  sigmaFloorTranslation: z
    .number()
    .positive()
    .default(0.02)
    .describe('standard deviation never below this, m'),
  sigmaFloorRotation: z
    .number()
    .positive()
    .default(0.001)
    .describe('standard deviation never below this, rad'),
  correlatedPoints: z
    .number()
    .min(1)
    .default(100)
    .describe('points whose errors go together (map, calibration): the information is divided by it'),
});
export type RegistrationConfig = z.infer<typeof registrationConfig>;

/** Standard deviation of what a registration says along a direction that it does not measure: nothing. */
const UNMEASURED_SIGMA_M = 1000;

export type Registration =
  | {
      readonly ok: true;
      readonly T_map_base: Pose;
      readonly covariance: Float64Array;
      readonly degenerate: number;
      readonly evidence: RegistrationEvidence;
    }
  | { readonly ok: false; readonly reason: string; readonly evidence: RegistrationEvidence };

/** The first kernel for a prediction with the filter's 15 × 15 covariance: as wide as it is unsure. */
export function trackingKernel(covariance: Float64Array, config: RegistrationConfig): number {
  const sigma = Math.sqrt(Math.max(covariance[0]!, covariance[16]!, covariance[32]!));
  return Math.min(Math.max(config.kernelNarrow, 3 * sigma), config.kernelStart);
}

/**
 * Where is this scan on the map? Aligns a deskewed, thinned cloud of the base frame from a predicted T_map_base and
 * judges the evidence. The covariance (6 × 6, as geometry_msgs) is the inverse of the information of the inliers,
 * with the floor and without the directions that the geometry leaves open.
 */
export async function register(
  tiles: TileMap,
  cloud: Cloud,
  predicted: Pose,
  config: RegistrationConfig,
  signal?: AbortSignal,
): Promise<Registration> {
  if (cloud.size < config.minPoints)
    return { ok: false, reason: 'too-few-points', evidence: emptyEvidence(cloud.size) };
  if (tiles.points === 0) return { ok: false, reason: 'no-tiles', evidence: emptyEvidence(cloud.size) };
  return judge(await tiles.align(cloud, predicted, config, signal), config);
}

/** Whether an alignment may be trusted, and how far. */
export function judge(found: Alignment, config: RegistrationConfig): Registration {
  const evidence = evidenceOf(found);
  const refuse = (reason: string): Registration => ({
    ok: false,
    reason,
    evidence: { ...evidence, ok: false, reason },
  });
  if (found.inliers === 0) return refuse('no-overlap');
  if (evidence.inlierRatio < config.minInlierRatio) return refuse('too-few-inliers');
  if (!found.converged) return refuse('not-converged');
  const { covariance, degenerate } = covarianceOf(found, config);
  if (degenerate === 6) return refuse('degenerate');
  return { ok: true, T_map_base: found.T_map_base, covariance, degenerate, evidence };
}

/**
 * Σ = D V diag(σ²/λ) Vᵀ D, D = diag(1, 1, 1, 1/range, …): the eigenproblem's scaling undone. σ² is the inliers' mean
 * square distance times the number of points whose errors go together.
 */
function covarianceOf(
  found: Alignment,
  config: RegistrationConfig,
): { covariance: Float64Array; degenerate: number } {
  const variance = Math.max(found.residual, 0.005) ** 2 * config.correlatedPoints;
  const covariance = new Float64Array(36);
  let degenerate = 0;
  for (let e = 0; e < 6; e++) {
    const value = found.eigenvalues[e]!;
    const open = value < config.minConstraint * found.inliers;
    if (open) degenerate++;
    const along = open ? UNMEASURED_SIGMA_M ** 2 : variance / value;
    for (let a = 0; a < 6; a++)
      for (let b = 0; b < 6; b++)
        covariance[6 * a + b]! +=
          (along * found.eigenvectors[6 * e + a]! * found.eigenvectors[6 * e + b]!) /
          ((a < 3 ? 1 : found.range) * (b < 3 ? 1 : found.range));
  }
  for (let a = 0; a < 6; a++)
    covariance[7 * a]! += (a < 3 ? config.sigmaFloorTranslation : config.sigmaFloorRotation) ** 2;
  return { covariance, degenerate };
}

function evidenceOf(found: Alignment): RegistrationEvidence {
  return {
    ok: true,
    points: found.points,
    inliers: found.inliers,
    inlierRatio: found.points > 0 ? found.inliers / found.points : 0,
    residual: found.residual,
    iterations: found.iterations,
    eigenvalues: [...found.eigenvalues],
  };
}

/** Of a registration that was not even tried. */
export function emptyEvidence(points: number): RegistrationEvidence {
  return { ok: false, points, inliers: 0, inlierRatio: 0, residual: 0, iterations: 0, eigenvalues: [] };
}
