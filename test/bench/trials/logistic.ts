import { cholesky, choleskySolve } from '../../../src/math/matrix.ts';

/** Keeps weights finite where the samples can be told apart without fault. */
const RIDGE = 1e-3;
const ROUNDS = 60;

/**
 * Logistic regression by Newton's method: the weights of `features` (the first of which is usually 1) that make
 * 1 / (1 + exp(−w·x)) most likely, with a small ridge. Throws where there are no samples.
 */
export function fitLogistic(features: readonly (readonly number[])[], right: readonly boolean[]): number[] {
  const n = features[0]!.length;
  let weights = new Float64Array(n);
  for (let round = 0; round < ROUNDS; round++) {
    const gradient = Float64Array.from(weights, (w) => -RIDGE * w);
    const hessian = new Float64Array(n * n);
    for (let a = 0; a < n; a++) hessian[a * n + a] = RIDGE;
    features.forEach((x, i) => {
      const p = logistic(x, weights);
      for (let a = 0; a < n; a++) {
        gradient[a]! += ((right[i] ? 1 : 0) - p) * x[a]!;
        for (let b = 0; b < n; b++) hessian[a * n + b]! += p * (1 - p) * x[a]! * x[b]!;
      }
    });
    const step = choleskySolve(cholesky(hessian, n)!, gradient, n, 1);
    weights = weights.map((w, a) => w + step[a]!);
    if (Math.hypot(...step) < 1e-9) break;
  }
  return [...weights];
}

/** 1 / (1 + exp(−w·x)). */
export function logistic(features: readonly number[], weights: ArrayLike<number>): number {
  const sum = features.reduce((all, x, a) => all + x * weights[a]!, 0);
  return 1 / (1 + Math.exp(-Math.min(Math.max(sum, -30), 30)));
}
