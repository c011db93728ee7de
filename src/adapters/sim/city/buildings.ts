import type { Random } from '../../../math/random.ts';
import { block, type CitySolid } from './solid.ts';

/** A facade has depth up to here, m; above it a plain tower stands a little behind. */
const DETAILED = 13;
const FLOOR = 3.6;
const RECESS = 0.3;

/**
 * A tower between (u0, v0) and (u1, v1), its street side at v0 or v1 (`face`: −1 looks south, +1 north): piers, recessed
 * glass, bands under the windows, a doorway, above all that a plain shaft of `height` metres.
 */
export function tower(
  part: string,
  [u0, u1]: readonly [number, number],
  [v0, v1]: readonly [number, number],
  face: -1 | 1,
  height: number,
  random: Random,
): CitySolid[] {
  const front = (face < 0 ? v0 : v1) - face * random.uniform(0, 0.5);
  const behind = (depth: number) => front - face * depth;
  const back = face < 0 ? v1 : v0;
  const width = u1 - u0;
  const bays = Math.max(2, Math.round(width / random.uniform(3, 4.5)));
  const pier = random.uniform(0.5, 1);
  const pitch = (width - pier) / bays;
  const door = Math.floor(random.uniform(0, bays));
  const top = Math.min(height, DETAILED);
  const solids = [
    block(part, 'stone', [u0, behind(1.2), 0], [u1, back, top]),
    block(part, 'glass', [u0, behind(RECESS), 3.2], [u1, behind(1.2), top]),
    block(part, 'stone', [u0 + 0.6, behind(0.8), top], [u1 - 0.6, back, height]),
  ];
  for (let bay = 0; bay <= bays; bay++) {
    const from = u0 + bay * pitch;
    solids.push(block(part, 'stone', [from, front, 0], [from + pier, behind(1.2), top]));
    if (bay < bays && bay !== door) {
      solids.push(block(part, 'glass', [from + pier, behind(RECESS), 0.6], [from + pitch, behind(1.2), 3.2]));
      solids.push(block(part, 'stone', [from + pier, front, 0], [from + pitch, behind(1.2), 0.6]));
    }
  }
  for (let floor = 0; 3.2 + floor * FLOOR < top; floor++) {
    const bottom = 3.2 + floor * FLOOR;
    solids.push(block(part, 'stone', [u0, front, bottom], [u1, behind(1.2), Math.min(top, bottom + 1)]));
  }
  return solids;
}

/** Towers side by side from u0 to u1; returns their solids, numbered on in `part`. */
export function towerRow(
  name: string,
  [u0, u1]: readonly [number, number],
  [v0, v1]: readonly [number, number],
  face: -1 | 1,
  random: Random,
): CitySolid[] {
  const solids: CitySolid[] = [];
  for (let u = u0, n = 1; u1 - u > 5; n++) {
    const left = u1 - u;
    const width = left < 30 ? left : random.uniform(14, 24);
    const gap = left < 30 ? 0 : random.uniform(0, 1.5);
    solids.push(
      ...tower(`${name}-${n}`, [u, u + width - gap], [v0, v1], face, random.uniform(25, 95), random),
    );
    u += width;
  }
  return solids;
}
