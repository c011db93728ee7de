import type { Random } from '../../math/random.ts';
import type { Row, Solid } from './solids.ts';

/** Pavement above the road, metres. */
export const KERB_HEIGHT = 0.15;
/** Glass and frame lie this far behind the wall's face, metres: what gives a facade its depth to a LiDAR. */
const WINDOW_RECESS = 0.25;
const DOOR_RECESS = 1.1;
const BUILDING_DEPTH = 8;
const FLOOR = 3.2;
const SILL = 0.9;
const LINTEL = 2.4;

/** One building on a row, from u to u + width, its face towards +v: a core, piers between bays, bands under windows. */
export function facade(row: Row, u: number, width: number, random: Random): Solid[] {
  const setback = random.uniform(0, 0.6);
  const floors = 2 + Math.floor(random.uniform(0, 5));
  const bays = Math.max(2, Math.round(width / random.uniform(2.4, 3.6)));
  const reflectivity = Math.round(random.uniform(50, 130));
  const door = Math.floor(random.uniform(0, bays));
  const pier = random.uniform(0.5, 1);
  const pitch = (width - pier) / bays;
  const height = KERB_HEIGHT + floors * FLOOR + 0.4;

  const block = (
    u0: number,
    u1: number,
    v0: number,
    v1: number,
    bottom: number,
    top: number,
    shine: number,
  ) =>
    row(u + (u0 + u1) / 2, (v0 + v1) / 2 - setback, {
      kind: 'box',
      yaw: 0,
      halfLength: (u1 - u0) / 2,
      halfWidth: (v1 - v0) / 2,
      bottom,
      top,
      reflectivity: shine,
    });
  const front = (u0: number, u1: number, bottom: number, top: number) =>
    block(u0, u1, -DOOR_RECESS, 0, bottom, top, reflectivity);

  const doorFrom = door * pitch + pier;
  const doorTo = (door + 1) * pitch;
  const lintel = KERB_HEIGHT + LINTEL;
  return [
    block(0, width, -BUILDING_DEPTH, -DOOR_RECESS, 0, height, 35),
    // The glass stands in front of the core everywhere but in the doorway.
    block(0, doorFrom, -DOOR_RECESS, -WINDOW_RECESS, 0, lintel, 20),
    block(doorTo, width, -DOOR_RECESS, -WINDOW_RECESS, 0, lintel, 20),
    block(0, width, -DOOR_RECESS, -WINDOW_RECESS, lintel, height, 20),
    ...Array.from({ length: bays + 1 }, (_, bay) => front(bay * pitch, bay * pitch + pier, 0, height)),
    front(0, doorFrom, 0, KERB_HEIGHT + SILL),
    front(doorTo, width, 0, KERB_HEIGHT + SILL),
    ...Array.from({ length: floors }, (_, floor) => {
      const bottom = lintel + floor * FLOOR;
      return front(0, width, bottom, Math.min(height, bottom + FLOOR - LINTEL + SILL));
    }),
  ];
}

/** A trunk and a crown. The crown is solid: a LiDAR's returns from leaves are what downstream must not trust anyway. */
export function tree(row: Row, u: number, v: number, random: Random): Solid[] {
  const crown = random.uniform(0.9, 1.6);
  const fork = random.uniform(2.6, 3.4);
  return [
    row(u, v, {
      kind: 'cylinder',
      radius: random.uniform(0.1, 0.2),
      bottom: 0,
      top: fork,
      reflectivity: 60,
    }),
    row(u, v, {
      kind: 'cylinder',
      radius: crown,
      bottom: fork,
      top: fork + 2.5 * crown,
      reflectivity: 90,
    }),
  ];
}
