import type { Vec3 } from '../types.ts';
import type { ImageStore } from './image-store.ts';

/** Scans further than this from a point say nothing of it: their rays lie too far apart, metres. */
const REACH_M = 50;
/** A return this much further than a point has passed through it; more at a distance, where a pixel covers a slope. */
const MARGIN_M = 0.2;
const MARGIN_PER_METRE = 0.02;
/**
 * The ray must have passed this far behind the surface, across it: on ground seen at a flat angle a small error of a
 * pose moves the return by metres, metres.
 */
const CLEARANCE_M = 0.3;
/** Images that have a say on one scan; of more, evenly chosen ones, so that a robot that stood for long costs no more. */
const MAX_IMAGES = 100;
/** A point goes when at least so many scans looked through it, and for each that saw something there so many more. */
const MIN_FREE = 3;
const FREE_PER_SEEN = 2;
const BESIDE_FREE_PER_SEEN = 0.5;
/** Points of one thing lie within this of each other, metres. */
const BESIDE_M = 0.3;

/** How many scans looked through each point of a scan, clear of its surface or at all, and how many saw it. */
export interface Votes {
  readonly clear: Uint16Array;
  readonly through: Uint16Array;
  readonly seen: Uint16Array;
}

/**
 * 1 for each point (x y z) that moved, by the votes: those that scans looked through clear of the surface, and next to them
 * those that scans looked through at a flat angle (the roof of a car).
 */
export function findMoving(positions: Float32Array, { clear, through, seen }: Votes): Uint8Array {
  const wins = (votes: number, p: number, perSeen: number) => votes >= MIN_FREE && votes > perSeen * seen[p]!;
  const moved = Uint8Array.from(clear, (votes, p) => (wins(votes, p, FREE_PER_SEEN) ? 1 : 0));
  const cell = (p: number, k: number) => Math.floor(positions[3 * p + k]! / BESIDE_M) + 4096;
  const key = (x: number, y: number, z: number) => (x * 8192 + y) * 8192 + z;
  const around = new Set<number>();
  moved.forEach((one, p) => {
    if (!one) return;
    for (let n = 0; n < 27; n++) {
      const [dx, dy, dz] = [(n % 3) - 1, (Math.floor(n / 3) % 3) - 1, Math.floor(n / 9) - 1];
      around.add(key(cell(p, 0) + dx, cell(p, 1) + dy, cell(p, 2) + dz));
    }
  });
  return moved.map((one, p) =>
    one || (wins(through[p]!, p, BESIDE_FREE_PER_SEEN) && around.has(key(cell(p, 0), cell(p, 1), cell(p, 2))))
      ? 1
      : 0,
  );
}

/**
 * Asks the range images of other scans about each point of one scan (visibility,
 * as Kim & Kim 2020, "Remove, then Revert", and Pomerleau et al. 2014 use it; the votes are counted here).
 * @param place of the scan, in the frame of the images
 * @param positions x y z of each point, relative to `place`, axes of that frame, metres
 * @param normals x y z of each
 */
export async function vote(
  place: Vec3,
  positions: Float32Array,
  normals: Float32Array,
  images: ImageStore,
): Promise<Votes> {
  const points = positions.length / 3;
  const clear = new Uint16Array(points);
  const through = new Uint16Array(points);
  const seen = new Uint16Array(points);
  const [ox, oy, oz] = place;
  const near = [...images.places.keys()].filter((k) => {
    const [x, y] = images.places[k]!;
    return Math.hypot(x - ox, y - oy) < 2 * REACH_M;
  });
  const step = Math.max(1, near.length / MAX_IMAGES);
  for (let n = 0; n < near.length; n += step) {
    const image = await images.get(near[Math.floor(n)]!);
    const [px, py, pz] = image.place;
    for (let p = 0; p < points; p++) {
      const [x, y, z] = [positions[3 * p]! + ox, positions[3 * p + 1]! + oy, positions[3 * p + 2]! + oz];
      const [dx, dy, dz] = [x - px, y - py, z - pz];
      const distance = Math.sqrt(dx * dx + dy * dy);
      if (distance > REACH_M) continue;
      const gap = image.look(x, y, z, MARGIN_M + MARGIN_PER_METRE * distance);
      if (gap === 0) seen[p]!++;
      if (gap <= 0) continue;
      through[p]!++;
      const across = Math.abs(normals[3 * p]! * dx + normals[3 * p + 1]! * dy + normals[3 * p + 2]! * dz);
      if ((gap * across) / Math.sqrt(dx * dx + dy * dy + dz * dz) > CLEARANCE_M) clear[p]!++;
    }
  }
  return { clear, through, seen };
}
