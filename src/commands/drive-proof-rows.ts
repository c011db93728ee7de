import type { CitySolid } from '../adapters/sim/city/solid.ts';
import type { Proposed } from '../drive/proposal.ts';
import type { SilverDrive } from '../drive/silver.ts';
import { openMap as openTiles } from '../map-service/source-tiles.ts';
import { HOARDING, TRUCK } from './drive-proof-world.ts';
import { openCore, openSession } from './shared.ts';

/** Points this near to a solid are its, m: half a cube, and the sensor's noise. */
const NEAR = 0.2;
/** Scans nearer than this to a change show what it costs, m. */
export const AROUND = 12;

export interface ObjectRow {
  readonly object: string;
  readonly change: 'appeared' | 'gone';
  readonly found: boolean;
  /** of the points that are removed or added for it, and of those that should be */
  readonly precision: number;
  readonly recall: number;
}

export interface Around {
  readonly scans: number;
  readonly residual: number;
  readonly moved: number;
  readonly inlierRatio: number;
}

export function solidsOf(kind: Proposed['kind']): readonly CitySolid[] {
  return kind === 'gone' ? [HOARDING] : TRUCK;
}

/** Of the map's points: those of the hoarding, and those that the proposal removes. */
export async function goneRow(map: string, objects: readonly Proposed[], voxel: number): Promise<ObjectRow> {
  const session = await openSession({ set: [] });
  const cubes = new Set(
    objects.filter(({ kind }) => kind === 'gone').flatMap((one) => one.cubes.map((cube) => cube.join(' '))),
  );
  let [both, removed, should] = [0, 0, 0];
  for await (const { corner, arrays } of (await openTiles(openCore(session), map)).tiles(0))
    for (let p = 0; p < arrays.positions.length; p += 3) {
      const at = [0, 1, 2].map((a) => arrays.positions[p + a]! + corner[a]!);
      const isIts = distanceTo(HOARDING, at) <= NEAR;
      const isRemoved = cubes.has(at.map((value) => Math.floor(value / voxel)).join(' '));
      // Where the pavement touches it a point may be either's.
      const isFoot = at[2]! < HOARDING.bottom + NEAR;
      if (isIts && !isFoot) should++;
      if (isRemoved && !(isIts && isFoot)) removed++;
      if (isIts && !isFoot && isRemoved) both++;
    }
  const found = objects.some((object) => object.kind === 'gone' && overlaps(object, HOARDING));
  return {
    object: 'hoarding',
    change: 'gone',
    found,
    precision: ratio(both, removed),
    recall: ratio(both, should),
  };
}

/** Of the truck's surface in cubes that the drives saw: those with a new point near. */
export function appearedRow(objects: readonly Proposed[], drives: readonly SilverDrive[]): ObjectRow {
  const mine = objects.filter(({ kind }) => kind === 'appeared');
  const points = mine.flatMap((object) => object.points);
  const isTruck = (at: readonly number[]) => TRUCK.some((solid) => distanceTo(solid, at) <= NEAR);
  const right = points.filter(isTruck).length;
  const size = 0.25;
  const cell = (at: readonly number[]) => [0, 1, 2].map((a) => Math.floor(at[a]! / size));
  const covered = new Set<string>();
  for (const point of points) {
    const [x, y, z] = cell(point);
    for (let c = -1; c <= 1; c++)
      for (let b = -1; b <= 1; b++)
        for (let a = -1; a <= 1; a++) covered.add(`${x! + a} ${y! + b} ${z! + c}`);
  }
  const days = new Map<string, Set<number>>();
  for (const drive of drives) {
    let p = 0;
    for (const { origin, points: count } of drive.scans)
      for (const end = p + 3 * count; p < end; p += 3) {
        if (Math.abs(drive.points[p]!) > 15 || Math.abs(drive.points[p + 1]!) > 15) continue;
        const at = [0, 1, 2].map((a) => origin[a]! + drive.points[p + a]!);
        if (!TRUCK.some((solid) => distanceTo(solid, at) <= 0.06)) continue;
        const key = cell(at).join(' ');
        days.set(key, (days.get(key) ?? new Set()).add(drive.day));
      }
  }
  const seen = [...days].filter(([, on]) => on.size >= Math.min(3, drives.length)).map(([key]) => key);
  const recall = ratio(seen.filter((key) => covered.has(key)).length, seen.length);
  const found = mine.some((object) => TRUCK.some((solid) => overlaps(object, solid)));
  return { object: 'truck', change: 'appeared', found, precision: ratio(right, points.length), recall };
}

export function around(drives: readonly SilverDrive[]): Around {
  const changes = [HOARDING, ...TRUCK];
  const scans = drives
    .flatMap((drive) => drive.scans)
    .filter(({ origin }) => changes.some(({ x, y }) => Math.hypot(x - origin[0]!, y - origin[1]!) <= AROUND));
  const median = (key: 'residual' | 'moved' | 'inlierRatio') => {
    const sorted = scans.map((scan) => scan[key]).sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  };
  return {
    scans: scans.length,
    residual: median('residual'),
    moved: median('moved'),
    inlierRatio: median('inlierRatio'),
  };
}

/** Metres from a place to a box; 0 inside. */
function distanceTo(solid: CitySolid, [x, y, z]: readonly number[]): number {
  const [c, s] = [Math.cos(solid.yaw), Math.sin(solid.yaw)];
  const [dx, dy] = [x! - solid.x, y! - solid.y];
  const beyond = (value: number, half: number) => Math.max(0, Math.abs(value) - half);
  return Math.hypot(
    beyond(c * dx + s * dy, solid.a),
    beyond(c * dy - s * dx, solid.b),
    Math.max(0, solid.bottom - z!, z! - solid.top),
  );
}

export function overlaps({ cubes }: Proposed, solid: CitySolid): boolean {
  const size = 0.25;
  const inside = cubes.filter(
    (cube) =>
      distanceTo(
        solid,
        cube.map((n) => (n + 0.5) * size),
      ) <=
      2 * NEAR,
  );
  return inside.length > cubes.length / 2;
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
