import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { Refusal } from '../types.ts';
import { PortableCloud } from './cloud.ts';
import { PortableKdTree } from './kdtree.ts';

/**
 * The cloud with unit normals towards the frame's origin and curvature λ0 / (λ0 + λ1 + λ2), from the principal axes of
 * each point's k nearest, itself included (Hoppe et al. 1992).
 * Throws a Refusal `bad-neighbour-count`, `too-few-points` or `not-finite`.
 */
export function estimateNormals(cloud: PortableCloud, k: number): PortableCloud {
  if (!(k >= 3 && k <= 64)) {
    throw new Refusal('bad-neighbour-count', `expected 3 to 64 neighbours, found ${k}`);
  }
  if (cloud.size < 3) {
    throw new Refusal('too-few-points', `expected at least 3 points for normals, found ${cloud.size}`);
  }
  const { positions } = cloud.raw;
  const tree = new PortableKdTree(cloud);
  const normals = new Float32Array(positions.length);
  const curvature = new Float32Array(cloud.size);
  for (let i = 0; i < cloud.size; i++) {
    const p = [positions[3 * i]!, positions[3 * i + 1]!, positions[3 * i + 2]!] as const;
    const near = tree.nearest(...p, Math.floor(k)).map(({ index }) => index);
    const { axis, share } = thinnestAxis(positions, near, p);
    const sign = dot(axis, p) > 0 ? -1 : 1;
    curvature[i] = share;
    for (let a = 0; a < 3; a++) normals[3 * i + a] = sign * axis[a]!;
  }
  return new PortableCloud({ ...cloud.raw, normals, curvature });
}

interface ThinnestAxis {
  /** the unit eigenvector of the least variance, and that variance's share of all */
  readonly axis: readonly number[];
  readonly share: number;
}

function thinnestAxis(positions: Float32Array, near: readonly number[], p: readonly number[]): ThinnestAxis {
  // About the point itself: no cancellation far from the origin.
  const offsets = near.map((j) => [0, 1, 2].map((a) => positions[3 * j + a]! - p[a]!));
  const mean = [0, 1, 2].map((a) => offsets.reduce((sum, d) => sum + d[a]!, 0) / near.length);
  const scatter = Matrix.zeros(3, 3);
  for (const d of offsets) {
    for (let a = 0; a < 3; a++) {
      for (let b = 0; b < 3; b++)
        scatter.set(a, b, scatter.get(a, b) + (d[a]! - mean[a]!) * (d[b]! - mean[b]!));
    }
  }
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(scatter, {
    assumeSymmetric: true,
  });
  const total = realEigenvalues.reduce((a, b) => a + b, 0);
  const share = total > 0 ? Math.max(realEigenvalues[0]!, 0) / total : 0;
  return { axis: eigenvectorMatrix.getColumn(0), share };
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a[0]! * b[0]! + a[1]! * b[1]! + a[2]! * b[2]!;
}
