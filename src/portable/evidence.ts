import type { Alignment } from '../core.ts';
import { rotationMatrix } from '../math/so3.ts';
import type { Pose } from '../types.ts';
import { eigenOf, moved } from './gauss-newton.ts';
import { type Gradient, linearise } from './linearise.ts';
import type { Problem } from './problem.ts';
import { SURFEL_SOLVABLE } from './surfel-steps.ts';

/** These are those of native/include/dilly/evidence.hpp, where the reasons are. */
const PROBE_STEP = 0.003;
const LEAST_PROBED = 0.3;
const CLUSTER_SIZE = 2;

/** What speaks for a result, over about `points` of the scan's points: see Alignment's scatter, clusters, covered. */
export function gatherEvidence(problem: Problem, found: Alignment, points: number): Alignment {
  const { map, cloud, options } = problem;
  const { T_map_base, range } = found;
  const clusters = new Map<string, number[]>();
  const onPoint: Gradient = (place, g) => {
    const key = place.map((v) => Math.floor(v / CLUSTER_SIZE)).join(' ');
    const sum = clusters.get(key) ?? [0, 0, 0, 0, 0, 0];
    clusters.set(key, sum);
    g.forEach((v, a) => {
      sum[a]! += v;
    });
  };
  linearise(map, cloud, T_map_base, options.kernelEnd, 'plane', points, 'points', onPoint);
  const seen = { ...found, clusters: clusters.size, covered: coveredAt(problem, T_map_base, points) };
  if (found.inliers === 0) return seen;
  const m = clusters.size;
  const unit = (a: number) => (a < 3 ? 1 : range);
  const flat = new Array<number>(36).fill(0);
  for (const g of clusters.values())
    for (let at = 0; at < 36; at++) {
      const [a, b] = [Math.floor(at / 6), at % 6];
      flat[at]! += ((g[a]! * g[b]!) / (unit(a) * unit(b))) * (m / Math.max(m - 1, 1));
    }
  const correction = curvatureCorrection(problem, found, points);
  const scatter = product(product(correction, flat), transposed(correction));
  return {
    ...seen,
    scatter: Float64Array.from(scatter, (v, at) => v * unit(Math.floor(at / 6)) * unit(at % 6)),
  };
}

/** H C⁻¹ of evidence.hpp: how much flatter the cost is than H says. */
function curvatureCorrection({ map, cloud, options }: Problem, found: Alignment, points: number): number[] {
  const { eigenvalues: values, eigenvectors: vectors, range } = found;
  const unit = (a: number) => (a < 3 ? 1 : range);
  const isOpen = (e: number) => values[e]! <= SURFEL_SOLVABLE * values[5]!;
  const gradient = (pose: Pose) => linearise(map, cloud, pose, options.kernelEnd, 'plane', points).g;
  const here = gradient(found.T_map_base);
  const k = new Array<number>(36).fill(0);
  for (let e = 0; e < 6; e++) {
    k[7 * e] = 1;
    if (isOpen(e)) continue;
    const v = vectors.subarray(6 * e, 6 * e + 6);
    const step = Array.from(v, (va, a) => (PROBE_STEP * va) / unit(a));
    const ahead = gradient(moved(found.T_map_base, step));
    for (let f = 0; f < 6; f++) {
      if (isOpen(f)) continue;
      let along = 0;
      for (let a = 0; a < 6; a++) along += (vectors[6 * f + a]! * (ahead[a]! - here[a]!)) / unit(a);
      k[6 * f + e] = along / PROBE_STEP / Math.sqrt(values[e]! * values[f]!);
    }
  }
  const felt = eigenOf(
    k.map((v, at) => (v + k[6 * (at % 6) + Math.floor(at / 6)]!) / 2),
    1,
  );
  const inverse = new Array<number>(36).fill(0);
  const [left, right] = [new Array<number>(36).fill(0), new Array<number>(36).fill(0)];
  for (let e = 0; e < 6; e++)
    for (let f = 0; f < 6; f++) {
      for (let i = 0; i < 6; i++)
        inverse[6 * e + f]! +=
          (felt.vectors[6 * i + e]! * felt.vectors[6 * i + f]!) / Math.max(felt.values[i]!, LEAST_PROBED);
      const root = isOpen(f) ? 1 : Math.sqrt(values[f]!);
      left[6 * e + f] = vectors[6 * f + e]! * root;
      right[6 * f + e] = vectors[6 * f + e]! / root;
    }
  return product(product(left, inverse), right);
}

/** Of about `points` points, those in a column of the map that holds surfels. */
function coveredAt({ map, cloud }: Problem, { position, orientation }: Pose, points: number): number {
  const stride = Math.max(1, Math.floor(cloud.size / points));
  const R = rotationMatrix(orientation);
  const { positions } = cloud.raw;
  let covered = 0;
  for (let i = 0; i < 3 * cloud.size; i += 3 * stride) {
    const [x, y, z] = [positions[i]!, positions[i + 1]!, positions[i + 2]!];
    const at = (a: 0 | 1) => R[3 * a]! * x + R[3 * a + 1]! * y + R[3 * a + 2]! * z + position[a];
    if (map.covers(at(0), at(1))) covered++;
  }
  return covered;
}

function product(a: readonly number[], b: readonly number[]): number[] {
  const out = new Array<number>(36).fill(0);
  for (let i = 0; i < 6; i++)
    for (let k = 0; k < 6; k++) for (let j = 0; j < 6; j++) out[6 * i + j]! += a[6 * i + k]! * b[6 * k + j]!;
  return out;
}

function transposed(a: readonly number[]): number[] {
  return a.map((_, at) => a[6 * (at % 6) + Math.floor(at / 6)]!);
}
