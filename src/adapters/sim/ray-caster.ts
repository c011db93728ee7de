import type { Vec3 } from '../../types.ts';
import type { Solid, World } from './solids.ts';

/** Directions are sorted into this many bins about the vertical; half a degree each. */
const BINS = 720;
const ROAD_REFLECTIVITY = 25;

interface Candidate {
  readonly solid: Solid;
  readonly cos: number;
  readonly sin: number;
  /** no point of the solid is nearer than this, metres in the plane */
  readonly near: number;
}

/**
 * Casts rays that all start within `reach` metres of `centre` (map frame). Solids are sorted once into bins of azimuth,
 * nearest first, so that a ray meets a handful of them and stops at the first that lies behind its hit.
 */
export class RayCaster {
  readonly #bins: Candidate[][] = Array.from({ length: BINS }, () => []);
  /** of the last ray that hit */
  reflectivity = 0;

  constructor(world: World, centre: Vec3, reach: number, maxRange: number) {
    const candidates = world.solids
      .map((solid) => candidate(solid, centre, reach))
      .filter(({ near }) => near < maxRange)
      .sort((a, b) => a.near - b.near);
    for (const found of candidates) {
      const [from, to] = azimuths(found.solid, centre, reach);
      for (let bin = Math.floor(from); bin <= Math.floor(to); bin++) {
        this.#bins[((bin % BINS) + BINS) % BINS]!.push(found);
      }
    }
  }

  /** Distance to the first surface along a unit direction, metres; Infinity where there is none. */
  cast(ox: number, oy: number, oz: number, dx: number, dy: number, dz: number): number {
    let best = Number.POSITIVE_INFINITY;
    if (dz < 0) {
      best = -oz / dz;
      this.reflectivity = ROAD_REFLECTIVITY;
    }
    const bin = Math.floor((Math.atan2(dy, dx) / (2 * Math.PI)) * BINS);
    for (const { solid, cos, sin, near } of this.#bins[(bin + BINS) % BINS]!) {
      if (near >= best) break;
      const distance = enter(solid, cos, sin, ox - solid.x, oy - solid.y, oz, dx, dy, dz);
      if (distance < best) {
        best = distance;
        this.reflectivity = solid.reflectivity;
      }
    }
    return best;
  }
}

/** Where a ray from outside enters a convex solid: the largest of its slabs' entries, if no slab is left before. */
function enter(
  solid: Solid,
  cos: number,
  sin: number,
  px: number,
  py: number,
  oz: number,
  dx: number,
  dy: number,
  dz: number,
): number {
  const zBottom = (solid.bottom - oz) / dz;
  const zTop = (solid.top - oz) / dz;
  let first = Math.min(zBottom, zTop);
  let last = Math.max(zBottom, zTop);
  if (solid.kind === 'box') {
    const x = cos * px + sin * py;
    const y = cos * py - sin * px;
    const ix = 1 / (cos * dx + sin * dy);
    const iy = 1 / (cos * dy - sin * dx);
    // Subtract before dividing: along a face 1/0 must give ±∞, and ∞ − ∞ would be NaN.
    const [x0, x1] = [(-solid.halfLength - x) * ix, (solid.halfLength - x) * ix];
    const [y0, y1] = [(-solid.halfWidth - y) * iy, (solid.halfWidth - y) * iy];
    first = Math.max(first, Math.min(x0, x1), Math.min(y0, y1));
    last = Math.min(last, Math.max(x0, x1), Math.max(y0, y1));
  } else {
    // |p + t d|² = r² in the plane.
    const a = dx * dx + dy * dy;
    const b = px * dx + py * dy;
    const discriminant = b * b - a * (px * px + py * py - solid.radius * solid.radius);
    if (discriminant < 0) return Number.POSITIVE_INFINITY;
    const root = Math.sqrt(discriminant);
    first = Math.max(first, (-b - root) / a);
    last = Math.min(last, (-b + root) / a);
  }
  return first > 0 && first <= last ? first : Number.POSITIVE_INFINITY;
}

function candidate(solid: Solid, centre: Vec3, reach: number): Candidate {
  const yaw = solid.kind === 'box' ? solid.yaw : 0;
  const [cos, sin] = [Math.cos(yaw), Math.sin(yaw)];
  const [px, py] = [centre[0] - solid.x, centre[1] - solid.y];
  const distance =
    solid.kind === 'cylinder'
      ? Math.hypot(px, py) - solid.radius
      : Math.hypot(
          Math.max(0, Math.abs(cos * px + sin * py) - solid.halfLength),
          Math.max(0, Math.abs(cos * py - sin * px) - solid.halfWidth),
        );
  return { solid, cos, sin, near: Math.max(0, distance - reach) };
}

/** The bins [from, to] in which a solid, grown by `reach`, is seen from the centre; may run over either end. */
function azimuths(solid: Solid, centre: Vec3, reach: number): [from: number, to: number] {
  const [px, py] = [solid.x - centre[0], solid.y - centre[1]];
  const distance = Math.hypot(px, py);
  const middle = Math.atan2(py, px);
  const toBins = BINS / (2 * Math.PI);
  if (solid.kind === 'cylinder') {
    const radius = solid.radius + reach;
    if (distance <= radius) return [0, BINS - 1];
    const half = Math.asin(radius / distance);
    return [(middle - half) * toBins, (middle + half) * toBins];
  }
  const [cos, sin] = [Math.cos(solid.yaw), Math.sin(solid.yaw)];
  const [hx, hy] = [solid.halfLength + reach, solid.halfWidth + reach];
  if (Math.abs(cos * px + sin * py) <= hx && Math.abs(cos * py - sin * px) <= hy) return [0, BINS - 1];
  // A convex shape seen from outside spans less than π about its centre, so angles relative to that do not wrap.
  const offsets = [-1, 1].flatMap((i) =>
    [-1, 1].map((j) => {
      const [x, y] = [px + i * cos * hx - j * sin * hy, py + i * sin * hx + j * cos * hy];
      return Math.atan2(px * y - py * x, px * x + py * y);
    }),
  );
  return [(middle + Math.min(...offsets)) * toBins, (middle + Math.max(...offsets)) * toBins];
}
