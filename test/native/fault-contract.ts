import { expect, it } from 'vitest';
import type { Core, PointLimits } from '../../src/core.ts';
import { loadTile } from '../../src/map/load-tile.ts';
import type { TileEntry } from '../../src/map/manifest.ts';
import { sha256 } from '../../src/map-service/map-package.ts';
import { encodePcd } from '../../src/pointcloud/pcd.ts';
import { reasonOf } from './core-contract.ts';

const LIMITS: PointLimits = {
  origin: [20, -40, 0],
  box: [20, -40, -1, 40, -20, 5],
  boxTolerance: 0.01,
  normalTolerance: 0.01,
};

/** What a cloud from outside is looked through for, and what a tile is refused for. */
export function faultContract(core: Core): void {
  const good = {
    positions: Float32Array.of(0, 0, -1, 20, 20, 5, 20.009, -0.009, 5.009),
    normals: Float32Array.of(0, 0, 1, 0, 0.99, 0, 0.6, 0.8, 0),
  };
  /** `good`, with value `at` of an array changed. */
  const spoilt = (name: 'positions' | 'normals', at: number, value: number) => {
    const array = good[name].slice();
    array[at] = value;
    return { ...good, [name]: array };
  };

  it('finds no fault in points in the box, borders and tolerance included, with unit normals', async () => {
    expect(await core.firstFault(core.cloud(good), LIMITS)).toBeUndefined();
    expect(await core.firstFault(core.cloud({ positions: good.positions }), LIMITS)).toBeUndefined();
    expect(await core.firstFault(core.cloud({ positions: new Float32Array() }), LIMITS)).toBeUndefined();
  });

  it('names the first point outside the box, by axis and value in the map frame', async () => {
    for (let at = 0; at < 9; at++) {
      for (const far of [-1e6, 1e30]) {
        const cloud = core.cloud(spoilt('positions', at, far));
        const axis = at % 3;
        const value = Math.fround(far) + LIMITS.origin[axis]!;
        const expected = { kind: 'outside-box', point: Math.floor(at / 3), axis, value };
        expect(await core.firstFault(cloud, LIMITS)).toEqual(expected);
      }
    }
  });

  it("names the first normal that is not unit, after the point's place", async () => {
    // (0, 0.98, 0): 0.02 short of unit.
    const short = await core.firstFault(core.cloud(spoilt('normals', 4, 0.98)), LIMITS);
    expect(short).toEqual({ kind: 'bad-normal', point: 1, length: Math.fround(0.98) });
    const both = { positions: spoilt('positions', 3, 99).positions, normals: new Float32Array(9) };
    expect(await core.firstFault(core.cloud(both), LIMITS)).toMatchObject({ kind: 'bad-normal', point: 0 });
    both.normals = good.normals;
    expect(await core.firstFault(core.cloud(both), LIMITS)).toMatchObject({ kind: 'outside-box', point: 1 });
  });

  it('refuses limits that are none', async () => {
    const cloud = core.cloud(good);
    for (const change of [
      { origin: [0, 0] },
      { origin: [0, 0, Number.NaN] },
      { box: [0, 0, 0, 1, 1] },
      { box: undefined },
      { boxTolerance: Number.NaN },
      { normalTolerance: '0' },
    ])
      expect([
        change,
        await reasonOf(() => core.firstFault(cloud, { ...LIMITS, ...change } as unknown as PointLimits)),
      ]).toEqual([change, 'bad-argument']);
  });

  it('a tile is loaded, or refused with a reason and a text that says what to do', async () => {
    const load = (arrays: typeof good, change: Partial<TileEntry> = {}) => {
      const bytes = encodePcd(arrays);
      const entry = {
        sha256: sha256(bytes),
        bytes: bytes.length,
        points: 3,
        bbox: [...LIMITS.box] as TileEntry['bbox'],
        normals: { k: 10 },
        fields: [],
        ...change,
      };
      return loadTile(core, '1_-2', entry, 20, bytes).then(
        (tile) => tile.size,
        (error) => `${error.reason}: ${error.message}`,
      );
    };
    const refused = (what: string) => `${what}; it was set aside, fetch it again`;
    expect(await load(good)).toBe(3);
    expect(await load(spoilt('positions', 3, 21))).toBe(
      refused(
        'tile-outside-box: tile 1_-2: expected points within [20, -40, -1, 40, -20, 5], found x = 41.000 at point 1',
      ),
    );
    expect(await load(spoilt('normals', 2, 2))).toBe(
      refused('tile-normals: tile 1_-2: expected unit normals, found length 2.000 at point 0'),
    );
    expect(await load(spoilt('normals', 5, Number.NaN))).toBe(
      refused('tile-normals: tile 1_-2: expected unit normals, found length NaN at point 1'),
    );
    expect(await load(spoilt('positions', 4, Number.NaN))).toBe(
      refused('tile-not-finite: tile 1_-2: expected finite points, found 1 that are not'),
    );
    expect(await load({ positions: good.positions } as typeof good)).toBe(
      refused('tile-normals: tile 1_-2: expected normals, found none'),
    );
    expect(await load(good, { points: 4 })).toBe(
      refused('tile-points: tile 1_-2: expected 4 points, found 3'),
    );
    expect(await load(good, { bytes: 1 })).toMatch(/^tile-size: /);
    expect(await load(good, { sha256: 'ab' })).toMatch(/^tile-hash: tile 1_-2: expected sha256 ab, found /);
  });
}
