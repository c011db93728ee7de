import { cholesky, choleskySolve, multiply, sandwich, sum, transpose } from '../math/matrix.ts';
import { copyOf, zeros } from '../math/scratch.ts';
import { logSo3, quatConjugate, quatMultiply } from '../math/so3.ts';
import { sub } from '../math/vec3.ts';
import { ATTITUDE, type FilterState, POSITION, STATES } from './filter-state.ts';
import { inject } from './measurement-update.ts';

const DOF = 6;
/** Rows of a pose (map axes, position then rotation) in the filter's state. */
const ROWS = [POSITION, POSITION + 1, POSITION + 2, ATTITUDE, ATTITUDE + 1, ATTITUDE + 2];

/**
 * The `count` directions of a pose (6 numbers each, of length 1, at right angles) in which a covariance (6 × 6) is by far
 * the largest: those that the geometry of a registration leaves open.
 */
export function openDirections(covariance: ArrayLike<number>, count: number): number[][] {
  const left = Array.from({ length: DOF }, (_, i) =>
    Array.from({ length: DOF }, (_, j) => covariance[DOF * i + j]!),
  );
  const found: number[][] = [];
  while (found.length < count) {
    const lengths = left.map((row) => Math.sqrt(dot(row, row)));
    const length = Math.max(...lengths);
    const longest = left[lengths.indexOf(length)]!;
    if (!(length > 0)) break;
    const u = longest.map((v) => v / length);
    found.push(u);
    for (const row of left) {
      const along = dot(row, u);
      row.forEach((v, a) => {
        row[a] = v - along * u[a]!;
      });
    }
  }
  return found;
}

/**
 * The update without what it says along the open directions. Which direction is open is known to some hundredths of a
 * radian only, and differs from scan to scan: what a scan holds firmly beside it leaks into it, and hundreds of scans
 * along a plain wall would make the filter sure of a place that nobody has seen.
 */
export function keepOpen(
  before: FilterState,
  after: FilterState,
  open: readonly (readonly number[])[],
): FilterState {
  const d = open.length;
  const U = zeros(d * STATES);
  open.forEach((u, row) => {
    u.forEach((v, a) => {
      U[row * STATES + ROWS[a]!] = v;
    });
  });
  const prior = d > 0 && cholesky(sandwich(U, before.covariance, d, STATES), d);
  if (!prior) return after;
  // What follows from a step along the open directions: Gᵀ = (U P Uᵀ)⁻¹ U P, and so U G = I.
  const Gt = choleskySolve(prior, multiply(U, before.covariance, d, STATES, STATES), d, STATES);
  const G = transpose(Gt, d, STATES);
  const shrunk = copyOf(before.covariance);
  for (let i = 0; i < shrunk.length; i++) shrunk[i]! -= after.covariance[i]!;
  const lost = sandwich(U, shrunk, d, STATES);
  const back = sandwich(G, lost, STATES, d);
  const turn = logSo3(quatMultiply(after.orientation, quatConjugate(before.orientation)));
  const step = [...sub(after.position, before.position), ...turn];
  const along = copyOf(open.map((u) => -dot(step, u)));
  const covariance = sum(after.covariance, back);
  return inject({ ...after, covariance }, multiply(G, along, STATES, d, 1));
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, v, k) => sum + v * b[k]!, 0);
}
