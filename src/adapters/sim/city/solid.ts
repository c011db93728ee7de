import type { Vec3 } from '../../../types.ts';
import type { MaterialName } from './materials.ts';

/** An upright solid of the city, map frame, metres and radians. */
export interface CitySolid {
  readonly kind: 'box' | 'cylinder' | 'ellipsoid' | 'wedge';
  readonly x: number;
  readonly y: number;
  readonly bottom: number;
  readonly top: number;
  readonly yaw: number;
  /** half length along its own x, or radius */
  readonly a: number;
  /** half width along its own y */
  readonly b: number;
  readonly material: MaterialName;
  /** what it belongs to, for people and for the camera: `tower-3`, `truck`, `tree` */
  readonly part: string;
  /** m/s */
  readonly vx?: number;
  readonly vy?: number;
}

const KINDS = ['box', 'cylinder', 'ellipsoid', 'wedge'] as const;

/** As the core's ray scene takes them. */
export function solidNumbers(solids: readonly CitySolid[]): Float64Array {
  return Float64Array.from(
    solids.flatMap(({ kind, x, y, bottom, top, yaw, a, b, vx = 0, vy = 0 }) => [
      KINDS.indexOf(kind),
      x,
      y,
      bottom,
      top,
      yaw,
      a,
      kind === 'box' || kind === 'wedge' ? b : 0,
      vx,
      vy,
    ]),
  );
}

/** Along the city's axes: u along the main road, v across it to the north; map x, y are turned and moved. */
export const CITY = { x: 6, y: -9, yaw: 0.21 } as const;

export function toMap(u: number, v: number): readonly [x: number, y: number] {
  const [c, s] = [Math.cos(CITY.yaw), Math.sin(CITY.yaw)];
  return [CITY.x + c * u - s * v, CITY.y + s * u + c * v];
}

export function toCity(x: number, y: number): readonly [u: number, v: number] {
  const [c, s] = [Math.cos(CITY.yaw), Math.sin(CITY.yaw)];
  const [dx, dy] = [x - CITY.x, y - CITY.y];
  return [c * dx + s * dy, c * dy - s * dx];
}

/** A box between corners of the city's axes. */
export function block(
  part: string,
  material: MaterialName,
  [u0, v0, bottom]: Vec3,
  [u1, v1, top]: Vec3,
): CitySolid {
  const [x, y] = toMap((u0 + u1) / 2, (v0 + v1) / 2);
  const [a, b] = [Math.abs(u1 - u0) / 2, Math.abs(v1 - v0) / 2];
  return { kind: 'box', x, y, bottom, top, yaw: CITY.yaw, a, b, material, part };
}

export function pillar(
  part: string,
  material: MaterialName,
  [u, v, bottom]: Vec3,
  top: number,
  radius: number,
): CitySolid {
  const [x, y] = toMap(u, v);
  return { kind: 'cylinder', x, y, bottom, top, yaw: 0, a: radius, b: 0, material, part };
}

/** A vehicle: body and cabin; `yaw` relative to the city's axes. */
export function vehicle(kind: VehicleKind, u: number, v: number, yaw: number, speed = 0): CitySolid[] {
  const [x, y] = toMap(u, v);
  const heading = CITY.yaw + yaw;
  const [c, s] = [Math.cos(heading), Math.sin(heading)];
  return VEHICLES[kind].map(({ at, a, b, bottom, top, material }) => ({
    kind: 'box' as const,
    x: x + c * at,
    y: y + s * at,
    yaw: heading,
    a,
    b,
    bottom,
    top,
    material,
    part: kind,
    vx: c * speed,
    vy: s * speed,
  }));
}

/** Lengths and heights as of a mid-size car, a 3.5 t van, a 5 t truck and a city bus; `at`: ahead of the middle, m. */
const VEHICLES = {
  car: [
    { at: 0, a: 2.25, b: 0.9, bottom: 0.25, top: 0.95, material: 'paint' },
    { at: -0.2, a: 1.2, b: 0.8, bottom: 0.95, top: 1.45, material: 'glass' },
  ],
  van: [{ at: 0, a: 2.7, b: 1, bottom: 0.3, top: 2.3, material: 'paint' }],
  truck: [
    { at: -1, a: 2.8, b: 1.15, bottom: 0.6, top: 3.2, material: 'metal' },
    { at: 2.8, a: 0.9, b: 1.1, bottom: 0.4, top: 2.5, material: 'paint' },
  ],
  bus: [{ at: 0, a: 5.5, b: 1.25, bottom: 0.3, top: 3.2, material: 'paint' }],
} as const;
export type VehicleKind = keyof typeof VEHICLES;
