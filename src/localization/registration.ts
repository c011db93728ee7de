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
    .default(0.006)
    .describe('a direction whose share of the inliers is less is degenerate: not measured'),
  minProbability: z
    .number()
    .min(0)
    .max(1)
    .default(0.98)
    .describe('a result that is less likely than this to be the right place is refused'),
  maxSecond: z
    .number()
    .min(0)
    .max(1)
    .default(0.95)
    .describe(
      'where another place around is this share as good, along what the geometry holds, neither is believed',
    ),
  maxOpenResidual: z
    .number()
    .min(0)
    .max(1)
    .default(0.05)
    .describe(
      'a result that still moves, along what the geometry leaves open, is refused above this residual, m',
    ),
  systematicSigma: z
    .number()
    .positive()
    .max(1)
    .default(0.005)
    .describe(
      'error that all points of a scan share (map, mounting, times), standard deviation of each axis, m',
    ),
  crispThickness: z
    .number()
    .positive()
    .max(1)
    .default(0.035)
    .describe('surfaces thicker than this are several layers of a map: what is more is shared error too, m'),
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
  if (!found.converged && found.residual > config.maxOpenResidual) return refuse('not-converged');
  if (evidence.probability < config.minProbability) return refuse('improbable');
  if (found.second > config.maxSecond * found.score) return refuse('ambiguous');
  const { covariance, degenerate } = covarianceOf(found, config);
  if (degenerate === 6) return refuse('degenerate');
  return { ok: true, T_map_base: found.T_map_base, covariance, degenerate, evidence };
}

/**
 * Logistic regression of "within 0.3 m and 1° of the truth" over 6,368 seeded registrations (test/bench/trials: streets
 * and bare places; plain, thinned, with outliers, behind trucks; starts up to 4 m and 30° off). A wrong place shows by
 * points that lie near the map but on none of its surfaces, and the more so the fewer hold the weakest direction.
 * `npm run bench -- likelihood` repeats the fit on its scenes, `npm run bench -- trials` checks it on other seeds.
 */
const LIKELY = { constant: -3.33, second: -1.5, beside: -7.87, weakest: 1.66 } as const;
export const LIKELIHOOD_FEATURES = Object.keys(LIKELY);
/** Share of inliers below which a direction counted as open when the likelihood was fitted. */
const OPEN_SHARE = 0.004;

type Likeness = Pick<Alignment, 'points' | 'inliers' | 'matched' | 'score' | 'second' | 'eigenvalues'>;

/**
 * What the likelihood follows from, in the order of LIKELIHOOD_FEATURES: the second best score as a share of the best;
 * the decimal logarithms of the share of matched points that lie beside the surfaces, and of the share of inliers that
 * holds the weakest direction that is held.
 */
export function likelihoodFeatures(found: Likeness): number[] {
  const { inliers, matched, score, second, eigenvalues } = found;
  const beside = matched > 0 ? Math.max(0, matched - inliers) / matched : 1;
  const shares = [...eigenvalues].map((value) => value / Math.max(1, inliers));
  const weakest = shares.find((share) => share >= OPEN_SHARE) ?? OPEN_SHARE;
  return [1, score > 0 ? Math.min(second / score, 1) : 1, Math.log10(beside + 0.01), Math.log10(weakest)];
}

/** How likely it is that this is the right place, 0 … 1. */
export function probabilityOf(found: Likeness): number {
  if (found.points === 0) return 0;
  const weights = Object.values(LIKELY);
  const sum = likelihoodFeatures(found).reduce((all, feature, k) => all + feature * weights[k]!, 0);
  return 1 / (1 + Math.exp(-sum));
}

/**
 * Σ = D V S Vᵀ D + the shared error, D = diag(1, 1, 1, 1/range, …): the eigenproblem's scaling undone.
 * S = Λ⁻¹ Vᵀ D B D V Λ⁻¹ (B: the alignment's scatter) along the directions that the geometry constrains; along the
 * others nothing is measured.
 */
export function covarianceOf(
  found: Alignment,
  config: Pick<RegistrationConfig, 'minConstraint' | 'systematicSigma' | 'crispThickness'>,
): { covariance: Float64Array; degenerate: number } {
  const { eigenvalues, eigenvectors, scatter } = found;
  const scale = (a: number) => (a < 3 ? 1 : 1 / found.range);
  const isOpen = (e: number) => !(eigenvalues[e]! >= config.minConstraint * found.inliers);
  // Row e: the direction of eigenvalue e as a pose error of size 1, and as a gradient.
  const axis = (e: number) => Array.from({ length: 6 }, (_, a) => eigenvectors[6 * e + a]! * scale(a));
  const axes = [0, 1, 2, 3, 4, 5].map(axis);
  const covariance = new Float64Array(36);
  let degenerate = 0;
  for (let e = 0; e < 6; e++) {
    if (isOpen(e)) degenerate++;
    for (let f = 0; f < 6; f++) {
      let along = 0;
      if (isOpen(e) || isOpen(f)) along = e === f ? UNMEASURED_SIGMA_M ** 2 : 0;
      else {
        for (let a = 0; a < 6; a++)
          for (let b = 0; b < 6; b++) along += axes[e]![a]! * scatter[6 * a + b]! * axes[f]![b]!;
        along /= eigenvalues[e]! * eigenvalues[f]!;
      }
      for (let a = 0; a < 6; a++)
        for (let b = 0; b < 6; b++) covariance[6 * a + b]! += along * axes[e]![a]! * axes[f]![b]!;
    }
  }
  const layers2 = Math.max(0, found.thickness ** 2 - config.crispThickness ** 2);
  const shared2 = config.systematicSigma ** 2 + layers2;
  for (let a = 0; a < 6; a++) covariance[7 * a]! += shared2 * scale(a) ** 2;
  return { covariance, degenerate };
}

function evidenceOf(found: Alignment): RegistrationEvidence {
  const { points, inliers, covered, matched } = found;
  return {
    ok: true,
    points,
    inliers,
    inlierRatio: points > 0 ? inliers / points : 0,
    probability: probabilityOf(found),
    overlap: points > 0 ? covered / points : 0,
    moved: covered > 0 ? Math.max(0, covered - matched) / covered : 0,
    residual: found.residual,
    iterations: found.iterations,
    eigenvalues: [...found.eigenvalues],
  };
}

/** Of a registration that was not even tried. */
export function emptyEvidence(points: number): RegistrationEvidence {
  return {
    ok: false,
    points,
    inliers: 0,
    inlierRatio: 0,
    probability: 0,
    overlap: 0,
    moved: 0,
    residual: 0,
    iterations: 0,
    eigenvalues: [],
  };
}
