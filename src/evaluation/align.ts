import { determinant, Matrix, SingularValueDecomposition } from 'ml-matrix';
import { compose, transformPoint } from '../math/se3.ts';
import { type Mat3, quatFromMatrix } from '../math/so3.ts';
import { add, scale, sub, ZERO } from '../math/vec3.ts';
import { type Pose, Refusal, type Vec3 } from '../types.ts';
import type { PosePair } from './associate.ts';

/**
 * The rigid transform T_to_from, without scale, with the least Σ|to − T·from|²: Umeyama 1991, eq. 39–42 with c = 1.
 * Throws a Refusal `alignment-undetermined` for fewer than three points or points on one line: the rotation about
 * that line is then free.
 */
export function umeyama(from: readonly Vec3[], to: readonly Vec3[]): Pose {
  if (from.length < 3 || from.length !== to.length) {
    throw new Refusal(
      'alignment-undetermined',
      `expected three or more pairs of positions, found ${from.length} and ${to.length}`,
    );
  }
  const fromCentre = centre(from);
  const toCentre = centre(to);
  const covariance = Matrix.zeros(3, 3);
  from.forEach((point, index) => {
    const a = sub(point, fromCentre);
    const b = sub(to[index]!, toCentre);
    for (let r = 0; r < 3; r++) {
      for (let c = 0; c < 3; c++) covariance.set(r, c, covariance.get(r, c) + b[r]! * a[c]!);
    }
  });
  const svd = new SingularValueDecomposition(covariance);
  const [largest = 0, second = 0] = svd.diagonal;
  // Also false for NaN. 1e-9 of the spread is far below the noise of a real drive and above rounding.
  if (!(second > 1e-9 * largest)) {
    throw new Refusal(
      'alignment-undetermined',
      'expected positions that spread in two directions, found them on one line; compare without alignment',
    );
  }
  const U = svd.leftSingularVectors;
  const V = svd.rightSingularVectors;
  // The third column flips when the best orthogonal matrix would be a reflection.
  const handed = determinant(U) * determinant(V) < 0 ? -1 : 1;
  const R = U.mmul(Matrix.diag([1, 1, handed])).mmul(V.transpose());
  const rotation: Pose = { position: ZERO, orientation: quatFromMatrix(R.to1DArray() as Mat3) };
  return {
    position: sub(toCentre, transformPoint(rotation, fromCentre)),
    orientation: rotation.orientation,
  };
}

/** The pairs with the whole estimate moved rigidly onto the reference, positions deciding. Throws like `umeyama`. */
export function alignPairs(pairs: readonly PosePair[]): PosePair[] {
  const T_ref_est = umeyama(
    pairs.map(({ estimate }) => estimate.position),
    pairs.map(({ reference }) => reference.position),
  );
  return pairs.map((pair) => ({ ...pair, estimate: compose(T_ref_est, pair.estimate) }));
}

function centre(points: readonly Vec3[]): Vec3 {
  return scale(points.reduce(add, ZERO), 1 / points.length);
}
