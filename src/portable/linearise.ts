import { rotationMatrix } from '../math/so3.ts';
import type { Pose } from '../types.ts';
import type { PortableCloud } from './cloud.ts';
import type { TileSet } from './tile-set.ts';

/** The normal equations of one iteration: Σ w JᵀJ (6 × 6 row-major), Σ w Jᵀr, and the sums that make the evidence. */
export interface Linearised {
  readonly h: number[];
  readonly g: number[];
  /** of the residuals within the kernel (metric point: the closeness), and how many these are */
  square: number;
  inliers: number;
  weight: number;
  /** Σ w |R p|² */
  range2: number;
}

export function emptySums(): Linearised {
  return { h: new Array(36).fill(0), g: new Array(6).fill(0), square: 0, inliers: 0, weight: 0, range2: 0 };
}

/** These are those of native/include/dilly/aligner.hpp, where the reasons are. */
const COARSE_KERNEL = 0.35;
const GATE = 3;

/** Whether a kernel of this width (m) takes the map's surfels for its points. */
export function isCoarse(width: number): boolean {
  return width > COARSE_KERNEL;
}

/**
 * The normal equations over about `points` of the cloud's points, evenly picked: those that have a map point within
 * the gate of the kernel's width k. Metric `plane`: r = n·(R p + t − q), J = [n, (R p) × n], w = (k²/(k² + r²))². Metric `point`: the whole vector
 * d = R p + t − q, J = [I, −[R p]×], w = (k²/(k² + |d|²))²; `square` is then the closeness Σ k²/(k² + |d|²).
 */
export function linearise(
  map: TileSet,
  cloud: PortableCloud,
  T_map_base: Pose,
  width: number,
  metric: 'plane' | 'point' = 'plane',
  points = Number.POSITIVE_INFINITY,
): Linearised {
  const level = isCoarse(width) ? 'coarse' : 'fine';
  const gate = Math.min(GATE * width, map.tileSize);
  const stride = Math.max(1, Math.floor(cloud.size / points));
  const sums = emptySums();
  const R = rotationMatrix(T_map_base.orientation);
  const [tx, ty, tz] = T_map_base.position;
  const { positions } = cloud.raw;
  const k2 = width * width;
  for (let i = 0; i < cloud.size; i += stride) {
    const [x, y, z] = [positions[3 * i]!, positions[3 * i + 1]!, positions[3 * i + 2]!];
    const px = R[0] * x + R[1] * y + R[2] * z;
    const py = R[3] * x + R[4] * y + R[5] * z;
    const pz = R[6] * x + R[7] * y + R[8] * z;
    const match = map.nearestPoint(px + tx, py + ty, pz + tz, gate * gate, level);
    if (!match) continue;
    const { positions: q, normals, origin } = match.level;
    const at = 3 * match.index;
    const dx = px + (tx - origin[0]) - q[at]!;
    const dy = py + (ty - origin[1]) - q[at + 1]!;
    const dz = pz + (tz - origin[2]) - q[at + 2]!;
    if (metric === 'point') {
      const closeness = k2 / (k2 + dx * dx + dy * dy + dz * dz);
      sums.square += closeness;
      add(sums, closeness * closeness, [1, 0, 0, 0, pz, -py], dx);
      add(sums, closeness * closeness, [0, 1, 0, -pz, 0, px], dy);
      add(sums, closeness * closeness, [0, 0, 1, py, -px, 0], dz);
      sums.weight += closeness * closeness;
      continue;
    }
    const [nx, ny, nz] = [normals[at]!, normals[at + 1]!, normals[at + 2]!];
    const r = nx * dx + ny * dy + nz * dz;
    const w = (k2 / (k2 + r * r)) ** 2;
    add(sums, w, [nx, ny, nz, py * nz - pz * ny, pz * nx - px * nz, px * ny - py * nx], r);
    sums.weight += w;
    sums.range2 += w * (px * px + py * py + pz * pz);
    if (r * r > k2) continue;
    sums.square += r * r;
    sums.inliers++;
  }
  return sums;
}

function add({ g, h }: Linearised, w: number, J: readonly number[], r: number): void {
  for (let a = 0; a < 6; a++) {
    g[a]! += w * J[a]! * r;
    for (let b = 0; b < 6; b++) h[6 * a + b]! += w * J[a]! * J[b]!;
  }
}
