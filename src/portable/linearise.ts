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
  /** points looked at, and those of them with a match */
  points: number;
  matched: number;
  weight: number;
  /** Σ w |R p|² */
  range2: number;
}

export function emptySums(): Linearised {
  return {
    h: new Array(36).fill(0),
    g: new Array(6).fill(0),
    square: 0,
    inliers: 0,
    points: 0,
    matched: 0,
    weight: 0,
    range2: 0,
  };
}

/** This is that of native/include/dilly/aligner.hpp, where the reason is. */
const GATE = 3;

/** What the points of a scan are matched to: the nearest points of the map, or the surfels of a level. */
export type Target = 'points' | number;

/** Is told of each matched point: where it lies in the map frame, and its w Jᵀ r (metric plane). */
export type Gradient = (place: readonly number[], g: readonly number[]) => void;

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
  target: Target = 'points',
  onPoint?: Gradient,
): Linearised {
  const gate = Math.min(GATE * width, map.tileSize);
  const stride = Math.max(1, Math.floor(cloud.size / points));
  const sums = emptySums();
  const R = rotationMatrix(T_map_base.orientation);
  const { positions } = cloud.raw;
  const k2 = width * width;
  for (let i = 0; i < cloud.size; i += stride) {
    const [x, y, z] = [positions[3 * i]!, positions[3 * i + 1]!, positions[3 * i + 2]!];
    const px = R[0] * x + R[1] * y + R[2] * z;
    const py = R[3] * x + R[4] * y + R[5] * z;
    const pz = R[6] * x + R[7] * y + R[8] * z;
    sums.points++;
    const match = matchOf(map, [px, py, pz], T_map_base.position, gate, target);
    if (!match) continue;
    sums.matched++;
    const [dx, dy, dz] = match.way as [number, number, number];
    if (metric === 'point') {
      const closeness = k2 / (k2 + dx * dx + dy * dy + dz * dz);
      sums.square += closeness;
      add(sums, closeness * closeness, [1, 0, 0, 0, pz, -py], dx);
      add(sums, closeness * closeness, [0, 1, 0, -pz, 0, px], dy);
      add(sums, closeness * closeness, [0, 0, 1, py, -px, 0], dz);
      sums.weight += closeness * closeness;
      continue;
    }
    const [nx, ny, nz] = match.normal as [number, number, number];
    const r = nx * dx + ny * dy + nz * dz;
    const w = (k2 / (k2 + r * r)) ** 2;
    const J = [nx, ny, nz, py * nz - pz * ny, pz * nx - px * nz, px * ny - py * nx];
    add(sums, w, J, r);
    const [tx, ty, tz] = T_map_base.position;
    onPoint?.(
      [px + tx, py + ty, pz + tz],
      J.map((v) => w * v * r),
    );
    sums.weight += w;
    sums.range2 += w * (px * px + py * py + pz * pz);
    if (r * r > k2) continue;
    sums.square += r * r;
    sums.inliers++;
  }
  return sums;
}

/** The normal of what lies at R p + t, and the way from there to it. */
function matchOf(
  map: TileSet,
  p: readonly [number, number, number],
  t: Pose['position'],
  gate: number,
  target: Target,
): { way: readonly number[]; normal: readonly number[] } | undefined {
  const [x, y, z] = [p[0] + t[0], p[1] + t[1], p[2] + t[2]];
  if (target !== 'points') {
    const found = map.surfelAt(x, y, z, target);
    return found && { way: found.way, normal: found.surfel.normal };
  }
  const found = map.nearestPoint(x, y, z, gate * gate);
  if (!found) return undefined;
  const { positions, normals, origin } = found.level;
  const axis = (a: 0 | 1 | 2) => p[a] + (t[a] - origin[a]) - positions[3 * found.index + a]!;
  return {
    way: [axis(0), axis(1), axis(2)],
    normal: [0, 1, 2].map((a) => normals[3 * found.index + a]!),
  };
}

function add({ g, h }: Linearised, w: number, J: readonly number[], r: number): void {
  for (let a = 0; a < 6; a++) {
    g[a]! += w * J[a]! * r;
    for (let b = 0; b < 6; b++) h[6 * a + b]! += w * J[a]! * J[b]!;
  }
}
