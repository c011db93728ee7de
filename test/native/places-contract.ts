import { expect, it } from 'vitest';
import type { Core, TileMap } from '../../src/core.ts';
import { relative } from '../../src/math/se3.ts';
import { logSo3, quatFromRpy } from '../../src/math/so3.ts';
import { norm } from '../../src/math/vec3.ts';
import type { Pose } from '../../src/types.ts';
import { reasonOf } from './core-contract.ts';
import { anyWalls, scanOf, yard, yardMap } from './yard.ts';

const AREA = { reach: 14, turn: Math.PI, rise: 5 };
const WALLS = anyWalls(5, 16, 28);
const TRUTHS: readonly Pose[] = [
  { position: [1, -2, 0.6], orientation: quatFromRpy(0, 0, 0.4) },
  { position: [-7, 5, 0.6], orientation: quatFromRpy(0, 0, -2.9) },
];

/** A prior some metres beside the truth, with a heading of its own. */
function beside({ position: [x, y, z] }: Pose, dx: number, dy: number, yaw: number): Pose {
  return { position: [x + dx, y + dy, z + 1.5], orientation: quatFromRpy(0, 0, yaw) };
}

/** The search for places from far off. */
export function placesContract(core: Core): void {
  let map: Promise<TileMap> | undefined;
  const theMap = () => {
    map ??= yardMap(core, yard(WALLS, 30, 0.2));
    return map;
  };
  const scanAt = (pose: Pose) => scanOf(core, yard(WALLS, 30, 0.25, 0.5), pose, 18);

  it('finds the place of a scan from 12 m off without a heading, and none nearly as good', async () => {
    for (const [k, truth] of TRUTHS.entries()) {
      const prior = beside(truth, 12 * Math.cos(k + 1), 12 * Math.sin(k + 1), 2 * k - 1);
      const { found, complete } = await (await theMap()).places(scanAt(truth), prior, AREA);
      expect(complete).toBe(true);
      const apart = relative(found[0]!.T_map_base, truth);
      expect(norm(apart.position)).toBeLessThan(0.1);
      expect(norm(logSo3(apart.orientation))).toBeLessThan(0.01);
      expect(found[0]!.score).toBeGreaterThan(0.8);
      for (const { T_map_base, score } of found.slice(1)) {
        expect(score).toBeLessThanOrEqual(found[0]!.score);
        if (norm(relative(T_map_base, truth).position) > 2) expect(score).toBeLessThan(0.7);
      }
    }
  });

  it('finds no better place than there is within reach', async () => {
    const [truth] = TRUTHS;
    const prior = beside(truth!, 12, 0, 0);
    const { found } = await (await theMap()).places(scanAt(truth!), prior, { ...AREA, reach: 3, rise: 5 });
    for (const { score } of found) expect(score).toBeLessThan(0.8);
  });

  it('says of a scan without anything that stands, and of an empty map, that there is no place', async () => {
    const [truth] = TRUTHS;
    const flat = scanOf(core, yard([], 30, 0.25), truth!, 18);
    expect((await (await theMap()).places(flat, truth!, AREA)).found).toEqual([]);
    expect((await core.tileMap(20).places(scanAt(truth!), truth!, AREA)).found).toEqual([]);
  });

  it('ends early when it is told to', async () => {
    const work = async () =>
      (await theMap()).places(scanAt(TRUTHS[0]!), TRUTHS[0]!, AREA, AbortSignal.abort());
    expect(await reasonOf(work)).toBe('cancelled');
  });
}

/** Both cores find the same places, with the same shares. */
export function placesAgree(native: Core, portable: Core): void {
  it('find the same places', async () => {
    const [truth] = TRUTHS;
    const prior = beside(truth!, -8, 7, 1);
    const each = [];
    for (const core of [native, portable]) {
      const map = await yardMap(core, yard(WALLS, 30, 0.2));
      each.push(await map.places(scanOf(core, yard(WALLS, 30, 0.25, 0.5), truth!, 18), prior, AREA));
    }
    const [a, b] = each as [(typeof each)[0], (typeof each)[0]];
    expect(a.complete).toBe(b.complete);
    expect(a.found[0]!.coarse).toBeCloseTo(b.found[0]!.coarse, 2);
    expect(a.found[0]!.score).toBeCloseTo(b.found[0]!.score, 2);
    expect(a.found[0]!.surfaces).toBeCloseTo(b.found[0]!.surfaces, 2);
    expect(norm(relative(a.found[0]!.T_map_base, b.found[0]!.T_map_base).position)).toBeLessThan(2e-3);
  });

  it('do not depend on the number of threads', async () => {
    const [truth] = TRUTHS;
    const map = await yardMap(native, yard(WALLS, 30, 0.2));
    const scan = scanOf(native, yard(WALLS, 30, 0.25, 0.5), truth!, 18);
    const each = [];
    for (const threads of [1, 3]) {
      native.setThreads(threads);
      each.push(await map.places(scan, beside(truth!, 9, 3, 2), AREA));
    }
    native.setThreads(1);
    expect(each[0]).toEqual(each[1]);
  });
}
