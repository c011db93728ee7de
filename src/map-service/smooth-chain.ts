import { expSo3, logSo3, quatConjugate, quatMultiply } from '../math/so3.ts';
import { add, sub } from '../math/vec3.ts';
import type { Pose, Vec3 } from '../types.ts';

/** How far given poses and the steps of a chain may be trusted. */
export interface ChainNoise {
  /** of a given pose: m, rad */
  readonly givenPosition: number;
  readonly givenAngle: number;
  /** of a step of the chain: m, rad */
  readonly stepPosition: number;
  readonly stepAngle: number;
}

/**
 * The poses that fit both: steps as the chain has them, places as given. The correction of each chain pose is a random
 * walk that is measured with the noise of the given poses; its most likely course solves a tridiagonal system for each
 * of the six coordinates (Rauch, Tung & Striebel 1965; Thomas's algorithm).
 * @param chain T_chain_base and given T_map_base, of the same scans in order
 */
export function smoothChain(chain: readonly Pose[], given: readonly Pose[], noise: ChainNoise): Pose[] {
  const places = chain.map((pose, k) => sub(given[k]!.position, pose.position));
  const turns = chain.map((pose, k) => {
    return logSo3(quatMultiply(given[k]!.orientation, quatConjugate(pose.orientation)));
  });
  const placeShift = smooth(places, (noise.givenPosition / noise.stepPosition) ** 2);
  const turnShift = smooth(turns, (noise.givenAngle / noise.stepAngle) ** 2);
  return chain.map((pose, k) => ({
    position: add(pose.position, placeShift[k]!),
    orientation: quatMultiply(expSo3(turnShift[k]!), pose.orientation),
  }));
}

/** Minimises Σ|x_k − m_k|² + ratio Σ|x_{k+1} − x_k|². */
function smooth(measured: readonly Vec3[], ratio: number): Vec3[] {
  const n = measured.length;
  const diagonal = new Float64Array(n);
  const out = measured.map((m): [number, number, number] => [...m]);
  for (let k = 0; k < n; k++) {
    const neighbours = (k > 0 ? 1 : 0) + (k < n - 1 ? 1 : 0);
    diagonal[k] = 1 + ratio * neighbours;
    if (k === 0) continue;
    const factor = ratio / diagonal[k - 1]!;
    diagonal[k]! -= factor * ratio;
    for (let a = 0; a < 3; a++) out[k]![a]! += factor * out[k - 1]![a]!;
  }
  for (let k = n - 1; k >= 0; k--) {
    for (let a = 0; a < 3; a++) {
      const next = k < n - 1 ? ratio * out[k + 1]![a]! : 0;
      out[k]![a] = (out[k]![a]! + next) / diagonal[k]!;
    }
  }
  return out;
}
