import { describe, expect, it } from 'vitest';
import type { MapIndex } from '../../src/map/map-index.ts';
import { type NearestAnswer, NearestTiles, type TileFinder } from '../../src/map/nearest-tiles.ts';

const index = {
  version: 7,
  origin: { lat: 37.5, lon: 127, ellipsoidalHeight: 45 },
  file: (id: string) => ({ path: id, sha256: `sha of ${id}`, bytes: 1 }),
} as unknown as MapIndex;
const add = (...ids: string[]) => ids.map((id) => ({ id, sha256: `sha of ${id}` }));

function make(answer: () => Promise<NearestAnswer>) {
  const asked: Parameters<TileFinder['nearest']>[] = [];
  const newer: number[] = [];
  const finder: TileFinder = {
    nearest: (...question) => {
      asked.push(question);
      return answer();
    },
  };
  return { asked, newer, nearest: new NearestTiles(finder, 300, (version) => newer.push(version)) };
}

describe('the nearest tiles by the service', () => {
  it('come in its order; the others of the plan follow, and nothing is added or lost', async () => {
    const { nearest, asked } = make(async () => ({ mapVersion: 7, add: add('2_0', '9_9', '0_0') }));
    expect(await nearest.ask(index, [30, 40], ['held'])).toBe(true);
    expect(nearest.inOrder(['0_0', '1_0', '2_0'])).toEqual(['2_0', '0_0', '1_0']);
    const [{ lat, lon, radius }, held] = asked[0]!;
    // 40 m north are 40 / 111 km of a degree there, 30 m east 30 / 88 km.
    expect(lat).toBeCloseTo(37.5 + 40 / 110_990, 5);
    expect(lon).toBeCloseTo(127 + 30 / 88_440, 5);
    expect([radius, held]).toEqual([300, ['held']]);
  });

  it('leave the order as it is where the service means other bytes, or cannot be asked', async () => {
    const other = make(async () => ({ mapVersion: 7, add: [{ id: '2_0', sha256: 'of another map' }] }));
    await other.nearest.ask(index, [0, 0], []);
    expect(other.nearest.inOrder(['0_0', '2_0'])).toEqual(['0_0', '2_0']);
    const silent = make(() => Promise.reject(new Error('no network')));
    expect(await silent.nearest.ask(index, [0, 0], [])).toBe(false);
    expect(silent.nearest.inOrder(['0_0', '2_0'])).toEqual(['0_0', '2_0']);
  });

  it('are asked for once at a time, and tell of a newer version', async () => {
    let answer: (found: NearestAnswer) => void = () => {};
    const { nearest, asked, newer } = make(
      () =>
        new Promise((done) => {
          answer = done;
        }),
    );
    const first = nearest.ask(index, [0, 0], []);
    expect(await nearest.ask(index, [5, 0], [])).toBe(false);
    answer({ mapVersion: 8, add: [] });
    await first;
    expect(asked.length).toBe(1);
    expect(newer).toEqual([8]);
  });
});
