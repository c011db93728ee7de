import { Refusal } from '../types.ts';

/** Small statistics. All throw a Refusal `empty` on no values: "unknown" is never zero. */
export function mean(values: Iterable<number>): number {
  const all = required(values);
  return all.reduce((sum, value) => sum + value, 0) / all.length;
}

/** Root mean square. */
export function rms(values: Iterable<number>): number {
  const all = required(values);
  return Math.sqrt(all.reduce((sum, value) => sum + value * value, 0) / all.length);
}

export function median(values: Iterable<number>): number {
  return percentile(values, 50);
}

/** The p-th percentile, p in [0, 100], linear between order statistics (Hyndman & Fan 1996, type 7; numpy's default). */
export function percentile(values: Iterable<number>, p: number): number {
  const sorted = Float64Array.from(required(values)).sort();
  if (!(p >= 0 && p <= 100))
    throw new Refusal('out-of-range', `expected a percentile in [0, 100], found ${p}`);
  const place = (p / 100) * (sorted.length - 1);
  const below = Math.floor(place);
  const low = sorted[below] ?? Number.NaN;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] ?? Number.NaN;
  return low + (high - low) * (place - below);
}

/**
 * The value that a χ² variable of `dof` degrees of freedom stays below with probability p in (0, 1): the root of
 * P(dof/2, x/2) = p by bisection, to 1e-12 of its size. Throws a Refusal `out-of-range`.
 */
export function chiSquaredQuantile(p: number, dof: number): number {
  if (!(p > 0 && p < 1 && dof > 0 && dof < 1e6)) {
    throw new Refusal('out-of-range', `expected 0 < p < 1 and 0 < dof < 1e6, found p = ${p}, dof = ${dof}`);
  }
  let low = 0;
  let high = dof + 1;
  while (regularisedGamma(dof / 2, high / 2) < p) high *= 2;
  while (high - low > 1e-12 * high) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (regularisedGamma(dof / 2, middle / 2) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** P(a, x), the regularised lower incomplete gamma function: Abramowitz & Stegun 6.5.29 (series), 6.5.31 (fraction). */
export function regularisedGamma(a: number, x: number): number {
  if (x <= 0) return 0;
  const front = Math.exp(a * Math.log(x) - x - logGamma(a));
  if (x < a + 1) {
    let term = 1 / a;
    let sum = term;
    for (let n = 1; term > sum * 1e-16; n++) {
      term *= x / (a + n);
      sum += term;
    }
    return front * sum;
  }
  // Lentz's method for the continued fraction of Q = 1 − P.
  let b = x + 1 - a;
  let c = Number.MAX_VALUE;
  let d = 1 / b;
  let fraction = d;
  for (let n = 1, step = 0; Math.abs(step - 1) > 1e-15 && n < 10_000; n++) {
    const numerator = n * (a - n);
    b += 2;
    d = 1 / (numerator * d + b);
    c = b + numerator / c;
    step = c * d;
    fraction *= step;
  }
  return 1 - front * fraction;
}

/** ln Γ(x) for x > 0 by Stirling's series (A&S 6.1.41) after shifting x above 10: error below 1e-14. */
function logGamma(x: number): number {
  let shift = 0;
  let y = x;
  for (; y < 10; y++) shift += Math.log(y);
  const y2 = 1 / (y * y);
  const series = (1 / 12 - y2 * (1 / 360 - y2 * (1 / 1260 - y2 * (1 / 1680 - y2 / 1188)))) / y;
  return (y - 0.5) * Math.log(y) - y + 0.5 * Math.log(2 * Math.PI) + series - shift;
}

function required(values: Iterable<number>): number[] {
  const all = [...values];
  if (all.length === 0) throw new Refusal('empty', 'expected at least one value, found none');
  return all;
}
