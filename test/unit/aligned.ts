import type { Alignment } from '../../src/core.ts';
import type { Pose } from '../../src/types.ts';

export const place = (x: number): Pose => ({ position: [x, 0, 0], orientation: [0, 0, 0, 1] });

/** Of a good scan at `x`, or of one that fits nothing. */
export function aligned(x: number, fits: boolean, inliers = 950): Alignment {
  return {
    T_map_base: place(x),
    points: 1000,
    inliers: fits ? inliers : 100,
    matched: fits ? 960 : 500,
    covered: 990,
    score: 1,
    second: fits ? 0.1 : 0.9,
    residual: 0.02,
    thickness: 0.02,
    range: 20,
    iterations: 5,
    converged: true,
    eigenvalues: Float64Array.of(100, 120, 150, 200, 250, 300),
    eigenvectors: Float64Array.from({ length: 36 }, (_, k) => (k % 7 === 0 ? 1 : 0)),
    scatter: Float64Array.from({ length: 36 }, (_, k) => (k % 7 === 0 ? 0.01 : 0)),
  } as unknown as Alignment;
}
