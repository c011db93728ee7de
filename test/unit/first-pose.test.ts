import { describe, expect, it } from 'vitest';
import type { Cloud, Place, TileMap } from '../../src/core.ts';
import {
  findFirstPose,
  initializationConfig,
  type Prior,
  priorFrom,
  priorFromFix,
  reachOf,
} from '../../src/localization/initialization.ts';
import { PoseSearch } from '../../src/localization/pose-search.ts';
import { registrationConfig } from '../../src/localization/registration.ts';
import { quatFromRpy } from '../../src/math/so3.ts';
import { loadCore } from '../../src/native.ts';
import type { Pose } from '../../src/types.ts';
import { anyWalls, scanOf, yard, yardMap } from '../native/yard.ts';
import { aligned } from './aligned.ts';

const config = initializationConfig.parse({});
const registration = registrationConfig.parse({});
const scan = { size: 5000 } as Cloud;
const at = (x: number, yaw = 0): Pose => ({ position: [x, 0, 0], orientation: quatFromRpy(0, 0, yaw) });
const place = (score: number, x: number, yaw = 0): Place => ({
  T_map_base: at(x, yaw),
  coarse: score,
  score,
  surfaces: score,
});
const prior: Prior = { T_map_base: at(0), sigmaPosition: 10, sigmaYaw: 3 };

/** A map that knows these places, and says to what `align` was asked. */
function mapWith(found: readonly Place[], complete = true) {
  const starts: Pose[] = [];
  const map = {
    points: 1000,
    places: async () => ({ found, nodes: 1, complete }),
    align: async (_: Cloud, start: Pose) => {
      starts.push(start);
      throw new Error('aligned');
    },
  } as unknown as TileMap;
  return { map, starts };
}

async function answer(found: readonly Place[], complete = true): Promise<string> {
  const { map } = mapWith(found, complete);
  try {
    const result = await findFirstPose(map, scan, prior, registration, config);
    return result.ok ? 'ok' : result.reason;
  } catch (error) {
    return (error as Error).message;
  }
}

describe('the first pose', () => {
  it('is registered at the best place only where no other comes near', async () => {
    expect(await answer([place(0.9, 0), place(0.5, 30)])).toBe('aligned');
    expect(await answer([place(0.9, 0), place(0.85, 30)])).toBe('ambiguous-first-pose');
    expect(await answer([place(0.9, 0), place(0.85, 0.2, 1)])).toBe('ambiguous-first-pose');
    // What is nearly the same place is the registration's to decide.
    expect(await answer([place(0.9, 0), place(0.89, 1)])).toBe('aligned');
    expect(await answer([place(0.3, 0)])).toBe('improbable-first-pose');
    expect(await answer([place(0.9, 0)], false)).toBe('first-pose-search-too-wide');
    expect(await answer([])).toBe('no-place');
  });

  it('is right whichever of the ends that look alike is, or none', async () => {
    const inliersAt = { left: 950, right: 950 };
    const between = (half: number) => {
      const { map } = mapWith([place(0.9, 0)]);
      const align = async (_: Cloud, { position: [x] }: Pose) =>
        x > 0 ? aligned(half, true, inliersAt.right) : aligned(-half, true, inliersAt.left);
      return findFirstPose({ ...map, align }, scan, prior, registration, config);
    };
    // The one is 0.3 m from the other: either will do.
    expect(await between(0.14)).toMatchObject({ ok: true, T_map_base: at(-0.14) });
    const found = await between(0.19);
    if (!found.ok) throw new Error(found.reason);
    expect(found.T_map_base.position[0]).toBeCloseTo(0, 12);
    expect(Math.sqrt(found.covariance[0]!)).toBeGreaterThan(0.19);
    expect(Math.sqrt(found.covariance[7]!)).toBeLessThan(0.05);
    expect(await between(0.35)).toMatchObject({ ok: false, reason: 'ambiguous-first-pose' });
    // More of the scan lies on the map at the one.
    inliersAt.right = 960;
    expect(await between(0.19)).toMatchObject({ ok: true, T_map_base: at(0.19) });
  });

  it('is none in a hall that looks the same from both ends', async () => {
    const core = loadCore();
    const wall = (x: number, y: number, along: 'x' | 'y', length: number) =>
      ({ x, y, along, length, height: 3 }) as const;
    const hall = yard(
      [wall(-9, -5, 'x', 18), wall(-9, 5, 'x', 18), wall(-9, -5, 'y', 10), wall(9, -5, 'y', 10)],
      9,
      0.15,
    );
    const truth: Pose = { position: [3, 1, 0.5], orientation: quatFromRpy(0, 0, 0.3) };
    const found = await findFirstPose(
      await yardMap(core, hall),
      scanOf(core, hall, truth, 30),
      { T_map_base: at(0), sigmaPosition: 4, sigmaYaw: Math.PI },
      registration,
      config,
    );
    expect(found).toMatchObject({ ok: false, reason: 'ambiguous-first-pose' });
  });

  it('looks as far as the prior is unsure, within limits', () => {
    expect(reachOf(prior, config)).toBe(20);
    expect(reachOf({ ...prior, sigmaPosition: 0.1 }, config)).toBe(config.minReach);
    expect(reachOf({ ...prior, sigmaPosition: 500 }, config)).toBe(config.maxReach);
    // A fix in a canyon says 2 m and is 50 m off.
    expect(reachOf(priorFromFix([0, 0, 0], 2, config), config)).toBeGreaterThanOrEqual(50);
    const covariance = new Float64Array(225);
    covariance[0] = 4;
    const estimate = { pose: at(3), covariance };
    expect(priorFrom(estimate, false, config)).toMatchObject({ sigmaPosition: 2, sigmaYaw: 0 });
    expect(reachOf(priorFrom(estimate, true, config), config)).toBeGreaterThanOrEqual(50);
    expect(priorFrom(estimate, true, config).sigmaYaw).toBe(Math.PI);
  });

  it('waits for the tiles, and pauses after a search that found nothing', async () => {
    const search = new PoseSearch(registration, config);
    let asked = 0;
    const { map } = mapWith([]);
    const around = (tiles: TileMap | undefined) => async () => {
      asked++;
      return tiles;
    };
    const reason = async (stamp: bigint, tiles: TileMap | undefined, from = prior) => {
      const found = await search.find(stamp, scan, [from], around(tiles));
      return found.ok ? 'ok' : found.reason;
    };
    const second = 1_000_000_000n;
    const nowhere = await search.find(0n, scan, [], around(map));
    expect(nowhere).toMatchObject({ ok: false, reason: 'no-start' });
    expect([await reason(0n, undefined), asked]).toEqual(['tiles-missing', 1]);
    expect([await reason(1n, map), asked]).toEqual(['no-place', 2]);
    expect([await reason(second / 2n, map), asked]).toEqual(['no-place', 2]);
    expect([await reason(2n * second, map), asked]).toEqual(['no-place', 3]);
  });

  it('asks for the same tiles while it gets less sure of its place', async () => {
    const search = new PoseSearch(registration, config);
    const reaches = new Set<number>();
    for (let k = 0; k < 20; k++) {
      const from = { ...prior, sigmaPosition: 5.2 + 0.1 * k };
      await search.find(BigInt(k), scan, [from], async (_, reach) => {
        reaches.add(reach);
        return undefined;
      });
    }
    expect([...reaches]).toEqual([20]);
  });

  it('is found in a yard from 10 m off without a heading', async () => {
    const core = loadCore();
    const walls = anyWalls(5, 16, 28);
    const truth: Pose = { position: [1, -2, 0.6], orientation: quatFromRpy(0, 0, 0.4) };
    const found = await findFirstPose(
      await yardMap(core, yard(walls, 30, 0.2)),
      scanOf(core, yard(walls, 30, 0.25, 0.5), truth, 18),
      {
        T_map_base: { position: [-6, 5, 1], orientation: quatFromRpy(0, 0, 3) },
        sigmaPosition: 6,
        sigmaYaw: Math.PI,
      },
      registration,
      config,
    );
    expect(found.ok).toBe(true);
    if (found.ok)
      expect(Math.hypot(...found.T_map_base.position.map((v, a) => v - truth.position[a]!))).toBeLessThan(
        0.05,
      );
  });
});
