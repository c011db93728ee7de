import { SOLID_NUMBERS } from '../core.ts';
import { Refusal } from '../types.ts';

/** A solid as `rays.hpp` has it. */
export interface RaySolid {
  readonly kind: number;
  readonly x: number;
  readonly y: number;
  readonly bottom: number;
  readonly top: number;
  readonly cos: number;
  readonly sin: number;
  readonly a: number;
  readonly b: number;
  readonly vx: number;
  readonly vy: number;
}

export interface WorldRay {
  readonly o: readonly [number, number, number];
  readonly d: readonly [number, number, number];
}

/** Throws a Refusal `bad-argument`. */
export function raySolids(numbers: Float64Array): RaySolid[] {
  const whole = numbers instanceof Float64Array && numbers.length % SOLID_NUMBERS === 0;
  const solids: RaySolid[] = [];
  for (let i = 0; whole && i < numbers.length; i += SOLID_NUMBERS) {
    const [kind = -1, x = 0, y = 0, bottom = 0, top = 0, yaw = 0, a = 0, b = 0, vx = 0, vy = 0] =
      numbers.subarray(i, i + SOLID_NUMBERS);
    solids.push({
      kind: Math.trunc(kind),
      x,
      y,
      bottom,
      top,
      cos: Math.cos(yaw),
      sin: Math.sin(yaw),
      a,
      b,
      vx,
      vy,
    });
  }
  if (whole && numbers.every(Number.isFinite) && solids.every(({ kind }) => kind >= 0 && kind <= 3))
    return solids;
  throw new Refusal(
    'bad-argument',
    'expected a Float64Array of 10 finite numbers per solid, the kind from 0 to 3',
  );
}

/** Where a ray meets a solid before `nearest`, and the cosine to its normal; undefined where it does not. */
export function meet(
  s: RaySolid,
  { o, d }: WorldRay,
  nearest: number,
): { range: number; cosine: number } | undefined {
  const [px, py, half] = [o[0] - s.x, o[1] - s.y, (s.top - s.bottom) / 2];
  const pz = o[2] - (s.bottom + s.top) / 2;
  const clip = new Clip();
  if (s.kind === 1 || s.kind === 2) {
    const k = s.kind === 2 ? s.a ** 2 / half ** 2 : 0;
    clip.round([px, py, pz], d, s.a, k);
    if (s.kind === 1) clip.slab(pz, d[2], half);
  } else {
    const [lx, ly] = [s.cos * px + s.sin * py, s.cos * py - s.sin * px];
    const [dx, dy] = [s.cos * d[0] + s.sin * d[1], s.cos * d[1] - s.sin * d[0]];
    clip.slab(lx, dx, s.a);
    clip.slab(ly, dy, s.b);
    clip.slab(pz, d[2], half);
    if (s.kind === 3) {
      const rise = (s.top - s.bottom) / (2 * s.a);
      clip.halfSpace(o[2] - s.bottom - rise * (lx + s.a), d[2] - rise * dx, Math.sqrt(1 + rise ** 2));
    }
  }
  const hit = clip.near <= clip.far && clip.near > 0 && clip.near < nearest;
  return hit ? { range: clip.near, cosine: clip.cosine } : undefined;
}

/** The part of a ray that lies within a convex solid, cut by one surface after the other. */
class Clip {
  near = Number.NEGATIVE_INFINITY;
  far = Number.POSITIVE_INFINITY;
  cosine = 0;

  slab(o: number, d: number, half: number): void {
    if (d === 0) {
      if (Math.abs(o) > half) this.far = Number.NEGATIVE_INFINITY;
      return;
    }
    const [a, b] = [(-half - o) / d, (half - o) / d];
    this.#enter(Math.min(a, b), Math.abs(d));
    this.far = Math.min(this.far, Math.max(a, b));
  }

  halfSpace(value: number, slope: number, length: number): void {
    if (slope < 0) this.#enter(-value / slope, -slope / length);
    else if (slope > 0) this.far = Math.min(this.far, -value / slope);
    else if (value > 0) this.far = Number.NEGATIVE_INFINITY;
  }

  round(p: readonly [number, number, number], d: WorldRay['d'], radius: number, k: number): void {
    const qa = d[0] ** 2 + d[1] ** 2 + k * d[2] ** 2;
    const qb = p[0] * d[0] + p[1] * d[1] + k * p[2] * d[2];
    const qc = p[0] ** 2 + p[1] ** 2 + k * p[2] ** 2 - radius ** 2;
    const root = qb ** 2 - qa * qc;
    if (qa === 0 ? qc > 0 : root < 0) this.far = Number.NEGATIVE_INFINITY;
    if (qa === 0 || root < 0) return;
    const t = (-qb - Math.sqrt(root)) / qa;
    const n = [p[0] + t * d[0], p[1] + t * d[1], k * (p[2] + t * d[2])] as const;
    this.#enter(t, Math.abs(n[0] * d[0] + n[1] * d[1] + n[2] * d[2]) / Math.hypot(...n));
    this.far = Math.min(this.far, (-qb + Math.sqrt(root)) / qa);
  }

  #enter(t: number, cosine: number): void {
    if (t <= this.near) return;
    this.near = t;
    this.cosine = cosine;
  }
}
