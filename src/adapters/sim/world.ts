import { Random } from '../../math/random.ts';
import type { Footprint, Row, Solid, World } from './solids.ts';
import { facade, KERB_HEIGHT, tree } from './street-parts.ts';

/** Distance from the street's start to its corner, along the walked line, metres. */
export const CORNER = 45;
/** Where the street lies in the map: start of the walked line (x, y) and its first direction; no axis is special. */
export const STREET = { x: -38, y: -27, yaw: 0.35 } as const;

/** Distances to the right of the walked line, metres; the facade of the own block is on its left. */
const FACADE = -3;
const KERB = 3;
const FAR_KERB = 11;
const FAR_FACADE = 14;
const BEHIND = 30;

/**
 * A seeded street block: two streets 8 m wide that meet at a right angle, pavements with kerbs, rows of facades with
 * recessed windows and doors, trees, lamp posts, parked cars. The walked line goes 45 m along the first pavement,
 * turns left round the corner and goes on; `length` (metres) says how far the second street must reach.
 */
export function buildStreet(seed: number, length: number): World {
  const random = new Random(seed);
  const end = Math.max(40, length - CORNER + BEHIND);
  const street = rowAt(0, 0, 0);
  const corner = rowAt(CORNER, 0, Math.PI / 2);
  const rows: [row: Row, length: number][] = [
    [rowAt(-BEHIND, -FACADE, 0), BEHIND + CORNER + FACADE],
    [rowAt(CORNER + FACADE, -FACADE, Math.PI / 2), end],
    [rowAt(CORNER, -FAR_FACADE, Math.PI), BEHIND + CORNER],
    [rowAt(CORNER, -FAR_FACADE - 36, Math.PI / 2), 36],
    [rowAt(CORNER + FAR_FACADE, end, -Math.PI / 2), end],
    [rowAt(CORNER + FAR_FACADE, 0, 0), 30],
    [rowAt(CORNER + FAR_FACADE + 30, -FAR_FACADE, Math.PI), 30],
    [rowAt(CORNER + FAR_FACADE, -FAR_FACADE, -Math.PI / 2), 36],
  ];
  return {
    solids: [
      ...pavements(end),
      ...rows.flatMap(([row, reach]) => facadeRow(row, reach, random)),
      ...furniture(street, -BEHIND + 4, CORNER - 5, random),
      ...furniture(corner, 6, end, random),
    ],
  };
}

function rowAt(x0: number, y0: number, angle: number): Row {
  return (u, v, part) => {
    const along = x0 + u * Math.cos(angle) + v * Math.sin(angle);
    const left = y0 + u * Math.sin(angle) - v * Math.cos(angle);
    const x = STREET.x + along * Math.cos(STREET.yaw) - left * Math.sin(STREET.yaw);
    const y = STREET.y + along * Math.sin(STREET.yaw) + left * Math.cos(STREET.yaw);
    return part.kind === 'box' ? { ...part, x, y, yaw: STREET.yaw + angle + part.yaw } : { ...part, x, y };
  };
}

function pavements(end: number): Solid[] {
  const row = rowAt(0, 0, 0);
  const far = 60;
  const spans: [west: number, east: number, south: number, north: number][] = [
    [-BEHIND - 10, CORNER + KERB, -KERB, end + 10],
    [-BEHIND - 10, CORNER + KERB, -far, -FAR_KERB],
    [CORNER + FAR_KERB, CORNER + far, -KERB, end + 10],
    [CORNER + FAR_KERB, CORNER + far, -far, -FAR_KERB],
  ];
  return spans.map(([west, east, south, north]) =>
    row((west + east) / 2, -(south + north) / 2, {
      kind: 'box',
      yaw: 0,
      halfLength: (east - west) / 2,
      halfWidth: (north - south) / 2,
      bottom: 0,
      top: KERB_HEIGHT,
      reflectivity: 40,
    }),
  );
}

function facadeRow(row: Row, length: number, random: Random): Solid[] {
  const solids: Solid[] = [];
  for (let u = 0; length - u > 6; ) {
    const left = length - u;
    const width = left < 24 ? left : random.uniform(9, 15);
    solids.push(...facade(row, u, width, random));
    u += width;
  }
  return solids;
}

/** Trees, lamp posts and bins along the kerbs, cars parked on both sides of the road. */
function furniture(row: Row, from: number, to: number, random: Random): Solid[] {
  const solids: Solid[] = [];
  for (let u = from; u < to; u += random.uniform(5, 8)) {
    for (const v of [KERB - 0.7, FAR_KERB + 0.7]) {
      const jitter = random.uniform(-0.8, 0.8);
      const pick = random.uniform();
      if (pick < 0.45) solids.push(...tree(row, u + jitter, v, random));
      else if (pick < 0.75) solids.push(row(u + jitter, v, post(0.09, 5.5)));
      else solids.push(row(u + jitter, v, box(0.4, 0.3, KERB_HEIGHT, 1.2, random.uniform(-0.3, 0.3), 90)));
    }
    for (const v of [KERB + 1.3, FAR_KERB - 1.3]) {
      if (random.uniform() < 0.6) continue;
      const yaw = random.uniform(-0.05, 0.05);
      solids.push(
        row(u, v, box(2.2, 0.9, 0.25, 0.9, yaw, 120)),
        row(u, v, box(1.2, 0.8, 0.9, 1.45, yaw, 30)),
      );
    }
  }
  return solids;
}

function post(radius: number, height: number): Footprint {
  return { kind: 'cylinder', radius, bottom: 0, top: height, reflectivity: 150 };
}

function box(
  halfLength: number,
  halfWidth: number,
  bottom: number,
  top: number,
  yaw: number,
  reflectivity: number,
): Footprint {
  return { kind: 'box', yaw, halfLength, halfWidth, bottom, top, reflectivity };
}
