import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import type { Alignment } from '../core.ts';
import { expSo3, quatMultiply, quatNormalize } from '../math/so3.ts';
import { add } from '../math/vec3.ts';
import type { Pose } from '../types.ts';
import type { Linearised } from './linearise.ts';

/** As in native/include/dilly/aligner.hpp: a direction with less than this share of the strongest one is left alone. */
const SOLVABLE = 1e-4;
/** About so many points of a scan are matched to points of the map, unless another number is asked for. */
export const FINISH_POINTS = 1250;

export type Evidence = Pick<
  Alignment,
  'points' | 'matched' | 'inliers' | 'residual' | 'hessian' | 'range' | 'eigenvalues' | 'eigenvectors'
>;

/** What the sums of one iteration say; without weight, no range and no directions. */
export function evidenceOf(sums: Linearised): Evidence {
  const { h, points, matched, inliers, square, weight, range2 } = sums;
  const counts = {
    points,
    matched,
    inliers,
    residual: inliers > 0 ? Math.sqrt(square / inliers) : 0,
    hessian: Float64Array.from(h),
  };
  if (!(weight > 0))
    return { ...counts, range: 0, eigenvalues: new Float64Array(6), eigenvectors: new Float64Array(36) };
  const range = Math.max(Math.sqrt(range2 / weight), 1e-6);
  const { values, vectors } = eigenOf(h, range);
  return {
    ...counts,
    range,
    eigenvalues: values,
    eigenvectors: vectors,
  };
}

/** Of the normal equations with rotation divided by `range`. */
export function eigenOf(
  h: readonly number[],
  range: number,
): { values: Float64Array; vectors: Float64Array } {
  const scaled = h.map((v, at) => v / (unit(Math.floor(at / 6), range) * unit(at % 6, range)));
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(
    Matrix.from1DArray(6, 6, scaled),
    {
      assumeSymmetric: true,
    },
  );
  return {
    values: Float64Array.from(realEigenvalues),
    vectors: Float64Array.from(eigenvectorMatrix.transpose().to1DArray()),
  };
}

/** Of component a of a step: metres, or radians times the range. */
function unit(a: number, range: number): number {
  return a < 3 ? 1 : range;
}

/** The Gauss–Newton step along the directions that the geometry constrains (Zhang, Kaess & Singh 2016). */
export function solve(
  { g }: Pick<Linearised, 'g'>,
  { eigenvalues, eigenvectors, range }: Pick<Evidence, 'eigenvalues' | 'eigenvectors' | 'range'>,
  solvable = SOLVABLE,
): number[] {
  const step = [0, 0, 0, 0, 0, 0];
  eigenvalues.forEach((value, e) => {
    if (value <= solvable * eigenvalues[5]!) return;
    const v = eigenvectors.subarray(6 * e, 6 * e + 6);
    const along = v.reduce((sum, va, a) => sum - (va * g[a]!) / unit(a, range), 0);
    v.forEach((va, a) => {
      step[a]! += (va * along) / value / unit(a, range);
    });
  });
  return step;
}

/** The part of a step along the constrained directions: what the geometry leaves open stays as it is. */
export function constrained(
  step: readonly number[],
  { eigenvalues, eigenvectors, range }: Pick<Evidence, 'eigenvalues' | 'eigenvectors' | 'range'>,
  solvable = SOLVABLE,
): number[] {
  const kept = [0, 0, 0, 0, 0, 0];
  eigenvalues.forEach((value, e) => {
    if (value <= solvable * eigenvalues[5]!) return;
    const v = eigenvectors.subarray(6 * e, 6 * e + 6);
    const along = v.reduce((sum, va, a) => sum + va * step[a]! * unit(a, range), 0);
    v.forEach((va, a) => {
      kept[a]! += (va * along) / unit(a, range);
    });
  });
  return kept;
}

/** T ← [exp(θ) R, t + δ]: both in map axes. */
export function moved({ position, orientation }: Pose, [dx, dy, dz, rx, ry, rz]: readonly number[]): Pose {
  return {
    position: add(position, [dx!, dy!, dz!]),
    orientation: quatNormalize(quatMultiply(expSo3([rx!, ry!, rz!]), orientation)),
  };
}
