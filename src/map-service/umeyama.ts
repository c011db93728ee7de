import { determinant, Matrix, SingularValueDecomposition } from 'ml-matrix';
import type { Random } from '../math/random.ts';
import { type Mat3, quatFromMatrix, quatRotate } from '../math/so3.ts';
import { add, dot, norm, scale, sub, ZERO } from '../math/vec3.ts';
import { type Quat, Refusal, type Vec3 } from '../types.ts';

/** to ≈ scale · R · from + position. */
export interface Similarity {
  readonly position: Vec3;
  readonly orientation: Quat;
  readonly scale: number;
}

export interface RobustFit {
  readonly transform: Similarity;
  /** metres, of every pair in its order */
  readonly residuals: readonly number[];
  readonly inliers: readonly boolean[];
}

export function applySimilarity({ position, orientation, scale: s }: Similarity, p: Vec3): Vec3 {
  return add(position, scale(quatRotate(orientation, p), s));
}

/**
 * The similarity with the least Σ|to − T·from|²: Umeyama 1991, eq. 39–42; the scale is 1 unless it is asked for.
 * Undefined for fewer than three pairs, or points on one line: the turn about it is then free.
 */
export function umeyama(
  from: readonly Vec3[],
  to: readonly Vec3[],
  withScale: boolean,
): Similarity | undefined {
  if (from.length < 3) return undefined;
  const [fromCentre, toCentre] = [centre(from), centre(to)];
  const covariance = Matrix.zeros(3, 3);
  let spread = 0;
  from.forEach((point, n) => {
    const a = sub(point, fromCentre);
    const b = sub(to[n]!, toCentre);
    spread += dot(a, a);
    for (let r = 0; r < 3; r++)
      for (let c = 0; c < 3; c++) covariance.set(r, c, covariance.get(r, c) + b[r]! * a[c]!);
  });
  const svd = new SingularValueDecomposition(covariance);
  const [s0 = 0, s1 = 0, s2 = 0] = svd.diagonal;
  // Also false for NaN. 1e-6 of the spread: a line measured to a millimetre per metre of spread, squared.
  if (!(s1 > 1e-6 * s0)) return undefined;
  const [U, V] = [svd.leftSingularVectors, svd.rightSingularVectors];
  // The third column flips when the best orthogonal matrix would be a reflection.
  const handed = determinant(U) * determinant(V) < 0 ? -1 : 1;
  const R = U.mmul(Matrix.diag([1, 1, handed])).mmul(V.transpose());
  const orientation = quatFromMatrix(R.to1DArray() as Mat3);
  const factor = withScale ? (s0 + s1 + handed * s2) / spread : 1;
  const position = sub(toCentre, scale(quatRotate(orientation, fromCentre), factor));
  return { position, orientation, scale: factor };
}

/** Tries that find three good pairs among half bad ones with probability 1 − (1 − 1/8)^300 > 1 − 1e-17. */
const TRIES = 300;

/**
 * Umeyama within RANSAC (Fischler & Bolles 1981): the fit of the largest set of pairs that agree to `tolerance` metres.
 * Throws a Refusal `alignment-undetermined` where no three pairs, not on a line, agree.
 */
export function fitRobust(
  from: readonly Vec3[],
  to: readonly Vec3[],
  options: { readonly withScale: boolean; readonly tolerance: number; readonly random: Random },
): RobustFit {
  const { withScale, tolerance, random } = options;
  const residualsOf = (t: Similarity) => from.map((p, n) => norm(sub(to[n]!, applySimilarity(t, p))));
  let best: boolean[] = [];
  let bestCost = Number.POSITIVE_INFINITY;
  for (let n = 0; n < TRIES && from.length >= 3; n++) {
    const chosen = sample(random, from.length);
    const tried = umeyama(
      chosen.map((k) => from[k]!),
      chosen.map((k) => to[k]!),
      withScale,
    );
    if (!tried) continue;
    const residuals = residualsOf(tried);
    // MSAC (Torr & Zisserman 2000): among equal counts the tighter set wins.
    const cost = residuals.reduce((sum, r) => sum + Math.min(r, tolerance) ** 2, 0);
    if (cost >= bestCost) continue;
    bestCost = cost;
    best = residuals.map((r) => r <= tolerance);
  }
  for (let round = 0; round < 5; round++) {
    const inliers = best;
    const fit = umeyama(
      from.filter((_, k) => inliers[k]),
      to.filter((_, k) => inliers[k]),
      withScale,
    );
    if (!fit) break;
    const residuals = residualsOf(fit);
    best = residuals.map((r) => r <= tolerance);
    if (round === 4 || best.every((one, k) => one === inliers[k])) {
      return { transform: fit, residuals, inliers: best };
    }
  }
  throw new Refusal(
    'alignment-undetermined',
    `expected three or more pairs of points that spread in two directions and agree to ${tolerance} m, found none among ${from.length}; check the points or raise --tolerance`,
  );
}

function sample(random: Random, count: number): number[] {
  const chosen = new Set<number>();
  while (chosen.size < 3) chosen.add(random.uint32() % count);
  return [...chosen];
}

function centre(points: readonly Vec3[]): Vec3 {
  return scale(points.reduce(add, ZERO), 1 / points.length);
}
