import { setImmediate as nextTurn } from 'node:timers/promises';
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import type { Alignment, AlignOptions } from '../core.ts';
import { expSo3, quatMultiply, quatNormalize } from '../math/so3.ts';
import { add } from '../math/vec3.ts';
import type { Pose } from '../types.ts';
import { Refusal } from '../types.ts';
import { throwIfCancelled } from './cancel.ts';
import type { PortableCloud } from './cloud.ts';
import { emptySums, type Linearised, linearise } from './linearise.ts';
import type { TileSet } from './tile-set.ts';

/** These are those of native/include/dilly/icp.hpp, where the reasons are. */
const KERNEL_DECAY = 0.6;
const COARSE_KERNEL = 0.35;
const SETTLED = 0.1;
const SOLVABLE = 1e-4;
const GATE = 3;

/**
 * Point-to-plane Gauss–Newton with a graduated Geman–McClure kernel: the method and its constants are native/include/
 * dilly/icp.hpp's. Yields to the event loop between iterations.
 * Throws a Refusal `bad-argument` or `cancelled`; bad geometry is in the evidence.
 */
export async function align(
  map: TileSet,
  cloud: PortableCloud,
  T_map_base: Pose,
  options: AlignOptions,
  signal?: AbortSignal,
): Promise<Alignment> {
  checkArguments(T_map_base, options);
  let pose: Pose = { position: T_map_base.position, orientation: quatNormalize(T_map_base.orientation) };
  let evidence = evidenceOf(emptySums());
  const done = (converged: boolean, iterations: number): Alignment => ({
    T_map_base: pose,
    converged,
    points: cloud.size,
    iterations,
    ...evidence,
  });
  throwIfCancelled(signal, 'aligning');
  if (cloud.size === 0 || map.tiles.size === 0) return done(false, 0);
  let width = options.kernelStart;
  for (let iteration = 1; iteration <= options.maxIterations; iteration++) {
    const fine = width <= options.kernelEnd;
    const level = width > COARSE_KERNEL ? 'coarse' : 'fine';
    const gate = Math.min(GATE * width, map.tileSize);
    const sums = linearise(map, level, cloud, pose, width, gate);
    evidence = evidenceOf(sums);
    if (!(sums.weight > 0)) return done(false, iteration);
    const step = solve(sums, evidence);
    pose = moved(pose, step);
    const [translation, rotation] = [Math.hypot(...step.slice(0, 3)), Math.hypot(...step.slice(3))];
    if (fine && translation < options.translationEpsilon && rotation < options.rotationEpsilon) {
      return done(true, iteration);
    }
    if (translation + rotation * evidence.range < SETTLED * width) {
      width = Math.max(options.kernelEnd, width * KERNEL_DECAY);
    }
    await nextTurn();
    throwIfCancelled(signal, 'aligning');
  }
  return done(false, options.maxIterations);
}

type Evidence = Pick<
  Alignment,
  'inliers' | 'residual' | 'hessian' | 'range' | 'eigenvalues' | 'eigenvectors'
>;

function evidenceOf(sums: Linearised): Evidence {
  const { h, inliers, square, weight, range2 } = sums;
  const counts = {
    inliers,
    residual: inliers > 0 ? Math.sqrt(square / inliers) : 0,
    hessian: Float64Array.from(h),
  };
  if (!(weight > 0))
    return { ...counts, range: 0, eigenvalues: new Float64Array(6), eigenvectors: new Float64Array(36) };
  const range = Math.max(Math.sqrt(range2 / weight), 1e-6);
  const scaled = Matrix.from1DArray(
    6,
    6,
    h.map((v, at) => v / (unit(Math.floor(at / 6), range) * unit(at % 6, range))),
  );
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(scaled, {
    assumeSymmetric: true,
  });
  return {
    ...counts,
    range,
    eigenvalues: Float64Array.from(realEigenvalues),
    eigenvectors: Float64Array.from(eigenvectorMatrix.transpose().to1DArray()),
  };
}

/** Of component a of a step: metres, or radians times the range. */
function unit(a: number, range: number): number {
  return a < 3 ? 1 : range;
}

/** The Gauss–Newton step along the directions that the geometry constrains (Zhang, Kaess & Singh 2016). */
function solve({ g }: Linearised, { eigenvalues, eigenvectors, range }: Evidence): number[] {
  const step = [0, 0, 0, 0, 0, 0];
  eigenvalues.forEach((value, e) => {
    if (value <= SOLVABLE * eigenvalues[5]!) return;
    const v = eigenvectors.subarray(6 * e, 6 * e + 6);
    const along = v.reduce((sum, va, a) => sum - (va * g[a]!) / unit(a, range), 0);
    v.forEach((va, a) => {
      step[a]! += (va * along) / value / unit(a, range);
    });
  });
  return step;
}

/** T ← [exp(θ) R, t + δ]: both in map axes. */
function moved({ position, orientation }: Pose, [dx, dy, dz, rx, ry, rz]: number[]): Pose {
  return {
    position: add(position, [dx!, dy!, dz!]),
    orientation: quatNormalize(quatMultiply(expSo3([rx!, ry!, rz!]), orientation)),
  };
}

function checkArguments({ position, orientation }: Pose, options: AlignOptions): void {
  const norm2 = orientation.reduce((sum, v) => sum + v * v, 0);
  if (!position.every(Number.isFinite) || !(Math.abs(norm2 - 1) < 1e-3)) {
    throw new Refusal('bad-argument', 'expected T_map_base to be finite, with a unit quaternion x y z w');
  }
  const { kernelStart, kernelEnd, maxIterations, translationEpsilon, rotationEpsilon } = options;
  for (const [name, value] of Object.entries({
    kernelStart,
    kernelEnd,
    maxIterations,
    translationEpsilon,
    rotationEpsilon,
  })) {
    if (!(value > 0 && Number.isFinite(value)))
      throw new Refusal('bad-argument', `expected ${name} to be positive`);
  }
  if (kernelStart < kernelEnd)
    throw new Refusal('bad-argument', 'expected kernelStart to be at least kernelEnd');
}
