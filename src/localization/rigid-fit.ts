/** One point known in both frames: a of the track, b of the map, with the sigma of b in metres. */
export interface PointPair {
  readonly a: readonly [x: number, y: number];
  readonly b: readonly [x: number, y: number];
  readonly sigma: number;
}

/** b ≈ Rz(yaw) (a − meanA) + meanB. */
export interface RigidFit {
  readonly yaw: number;
  readonly meanA: readonly [x: number, y: number];
  readonly meanB: readonly [x: number, y: number];
  /** Σ w and Σ w |a − meanA|², w = 1/σ² times the robust weight */
  readonly weight: number;
  readonly moment: number;
  /** root mean square of the weighted residuals in sigmas: about √2 where the sigmas are right */
  readonly residual: number;
  readonly inliers: number;
}

/** Huber 1964: 95 % as efficient as least squares on clean data. */
const HUBER = 1.345;
const ITERATIONS = 10;

/**
 * The rotation and translation of the plane that best take a to b: Umeyama 1991 in closed form for two dimensions,
 * without scale, reweighted by Huber's kernel. Needs two distinct points to mean anything: judge by `moment`.
 */
export function fitRigid2d(pairs: readonly PointPair[]): RigidFit {
  let robust = pairs.map(() => 1);
  let fit = fitWeighted(pairs, robust);
  for (let i = 0; i < ITERATIONS; i++) {
    robust = pairs.map((pair) => Math.min(1, HUBER / Math.max(1e-12, residualSigmas(pair, fit))));
    fit = fitWeighted(pairs, robust);
  }
  return fit;
}

function fitWeighted(pairs: readonly PointPair[], robust: readonly number[]): RigidFit {
  let [weight, ax, ay, bx, by] = [0, 0, 0, 0, 0];
  const weights = pairs.map(({ sigma }, i) => robust[i]! / (sigma * sigma));
  pairs.forEach(({ a, b }, i) => {
    const w = weights[i]!;
    weight += w;
    ax += w * a[0];
    ay += w * a[1];
    bx += w * b[0];
    by += w * b[1];
  });
  const meanA = [ax / weight, ay / weight] as const;
  const meanB = [bx / weight, by / weight] as const;
  let [cosine, sine, moment] = [0, 0, 0];
  pairs.forEach(({ a, b }, i) => {
    const [px, py, qx, qy] = [a[0] - meanA[0], a[1] - meanA[1], b[0] - meanB[0], b[1] - meanB[1]];
    const w = weights[i]!;
    cosine += w * (px * qx + py * qy);
    sine += w * (px * qy - py * qx);
    moment += w * (px * px + py * py);
  });
  const fit = { yaw: Math.atan2(sine, cosine), meanA, meanB, weight, moment, residual: 0, inliers: 0 };
  const sigmas = pairs.map((pair) => residualSigmas(pair, fit));
  const squares = sigmas.reduce((total, r, i) => total + robust[i]! * r * r, 0);
  const residual = Math.sqrt(squares / robust.reduce((total, w) => total + w, 0));
  return { ...fit, residual, inliers: sigmas.filter((r) => r < 3).length };
}

function residualSigmas({ a, b, sigma }: PointPair, fit: Pick<RigidFit, 'yaw' | 'meanA' | 'meanB'>): number {
  const [x, y] = apply(fit, a);
  return Math.hypot(b[0] - x, b[1] - y) / sigma;
}

/** A point of frame a in frame b. */
export function apply(
  { yaw, meanA, meanB }: Pick<RigidFit, 'yaw' | 'meanA' | 'meanB'>,
  [x, y]: readonly [number, number],
): [number, number] {
  const [c, s, dx, dy] = [Math.cos(yaw), Math.sin(yaw), x - meanA[0], y - meanA[1]];
  return [meanB[0] + c * dx - s * dy, meanB[1] + s * dx + c * dy];
}
