import { MATERIALS, type Material, type MaterialName } from './materials.ts';

/**
 * The block in the city's axes, metres. A main road of four lanes along u, pavements on both sides, an alley of brick
 * to the north at the crossing, and a lobby on its east side. Ground is at 0, pavements and the lobby at `KERB`.
 */
export const KERB = 0.15;
export const ROAD = { half: 7, from: -150, to: 150 } as const;
export const PAVEMENT = 5;
/** the crossing, and the alley that goes on from it */
export const CROSSING = { u: 44, half: 2.5 } as const;
export const ALLEY = { from: 40.5, to: 47.5, end: 75 } as const;
/** length of a dropped kerb's ramp: 0.15 m over 2 m is 1:13 */
export const RAMP = 2;
export const LOBBY = {
  west: 49,
  east: 61,
  south: 33,
  north: 43,
  door: 38,
  doorHalf: 0.9,
  height: 3.5,
} as const;
/** ramp of the lobby's step, from the alley's rim to the door */
export const DOORSTEP = { from: ALLEY.to - 0.5, to: LOBBY.west } as const;
export const LIFT = { from: 58.8, to: 61, half: 1.1 } as const;
/** bumps across the alley: from … to, and height */
export const BUMPS = [
  { v: 18, half: 0.25, height: 0.03 },
  { v: 25, half: 0.25, height: 0.03 },
] as const;

const along = (from: number, to: number, at: number) => Math.min(1, Math.max(0, (at - from) / (to - from)));

/** Height of the ground and what it is made of. */
export function groundAt(u: number, v: number): { height: number; material: Material } {
  const at = (height: number, material: MaterialName) => ({ height, material: MATERIALS[material] });
  const across = Math.abs(v);
  if (u >= LOBBY.west && u <= LOBBY.east && v >= LOBBY.south && v <= LOBBY.north) return at(KERB, 'stone');
  if (u > DOORSTEP.from && u < DOORSTEP.to && Math.abs(v - LOBBY.door) <= LOBBY.doorHalf + 0.3)
    return at(KERB * along(DOORSTEP.from, DOORSTEP.to, u), 'paving');
  if (v > ROAD.half + PAVEMENT || (v > ROAD.half && u >= ALLEY.from && u <= ALLEY.to)) {
    const bump = BUMPS.find(({ v: middle, half }) => Math.abs(v - middle) <= half);
    const rise = bump ? bump.height * Math.cos(((v - bump.v) / bump.half) * (Math.PI / 2)) : 0;
    return at(rise, 'brick');
  }
  if (across <= ROAD.half) return at(0, 'asphalt');
  if (v < 0 && Math.abs(u - CROSSING.u) <= CROSSING.half)
    return at(KERB * along(ROAD.half, ROAD.half + RAMP, across), 'paving');
  return at(KERB, 'paving');
}

/** The robot's way, in order of travel: [u, v] of the graph's nodes. */
export const WAY = {
  hub: [-30, -9.5],
  corner: [CROSSING.u, -9.5],
  south: [CROSSING.u, -7.3],
  north: [CROSSING.u, 7.3],
  turn: [CROSSING.u, LOBBY.door],
  door: [LOBBY.west, LOBBY.door],
  lift: [56.5, LOBBY.door],
} as const satisfies Record<string, readonly [number, number]>;
export type WayName = keyof typeof WAY;

/** Where the light of the crossing hangs, for those who come from the south: beyond the road. */
export const HEAD = { u: CROSSING.u + 3.2, v: 7.8, height: 2.6 } as const;
/** Where vehicles stop for it, before and behind the crossing. */
export const CAR_STOP = 4.5;
