import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mapDiff, mapInfo } from '../../src/commands/map-info.ts';
import { Thickness } from '../../src/map-service/describe-map.ts';
import { Random } from '../../src/math/random.ts';
import { loadCore } from '../../src/native.ts';
import { SAMPLE_ORIGIN, sampleMap } from './sample-map.ts';
import { temporaryFolder } from './scene.ts';

const core = loadCore();
const root = temporaryFolder();
const [a, b] = [join(root, 'a'), join(root, 'b')];
const COMMON = { set: [], json: true };
const feature = (id: string, lon: number) => ({
  type: 'Feature',
  geometry: { type: 'Point', coordinates: [lon, 37.5] },
  properties: { kind: 'node', id },
});
const graph = (...features: object[]) => JSON.stringify({ type: 'FeatureCollection', features });

beforeAll(async () => {
  await sampleMap(a, 2, graph(feature('n1', 127), feature('n2', 127.1)));
  await sampleMap(b, 6, graph(feature('n1', 127.2), feature('n3', 127)));
});
afterAll(() => rm(root, { recursive: true }));

describe('map info', () => {
  it('tells place, points and features, and draws the map', async () => {
    const picture = join(root, 'map.png');
    const info = await mapInfo(a, { ...COMMON, epsg: '5186', picture });
    expect(info).toMatchObject({ mapId: 'sample', version: 1, origin: SAMPLE_ORIGIN, features: { node: 2 } });
    // The map's corner lies 20 m west and south of its origin: EPSG:5186 differs from ENU by its convergence only.
    const { southWest, northEast } = info.corners;
    expect(Math.hypot(northEast[0] - southWest[0], northEast[1] - southWest[1])).toBeCloseTo(
      Math.hypot(info.bbox[3]! - info.bbox[0]!, info.bbox[4]! - info.bbox[1]!),
      1,
    );
    const png = PNG.sync.read(await readFile(picture));
    expect(png.data.filter((value, k) => k % 4 === 0 && value !== 255).length).toBeGreaterThan(500);
  });

  it('refuses a folder without a map and a system that is none', async () => {
    const empty = join(root, 'empty');
    await mkdir(empty);
    await expect(mapInfo(empty, COMMON)).rejects.toMatchObject({ reason: 'not-a-map' });
    await expect(mapInfo(a, { ...COMMON, epsg: '12' })).rejects.toMatchObject({ reason: 'unknown-epsg' });
  });
});

describe('Thickness', () => {
  it('is the noise of a plane', async () => {
    for (const sigma of [0.005, 0.03]) {
      const random = new Random(1);
      const positions = Float32Array.from({ length: 3 * 4000 }, (_, n) =>
        n % 3 === 2 ? random.gaussian(0, sigma) : random.uniform(0, 10),
      );
      const normals = Float32Array.from({ length: 3 * 4000 }, (_, n) => (n % 3 === 2 ? 1 : 0));
      const thickness = new Thickness(core, 4000);
      await thickness.add({ positions, normals });
      expect(thickness.median()! / sigma).toBeGreaterThan(0.9);
      expect(thickness.median()! / sigma).toBeLessThan(1.1);
    }
    expect(new Thickness(core, 0).median()).toBeNull();
  });
});

describe('map diff', () => {
  it('of a map with itself is nothing', async () => {
    expect(await mapDiff(a, a, COMMON)).toMatchObject({
      added: [],
      removed: [],
      changed: [],
      points: 0,
      features: { added: [], removed: [], changed: [] },
    });
  });

  it('names tiles and features, both ways round', async () => {
    const picture = join(root, 'diff.png');
    const there = await mapDiff(a, b, { ...COMMON, picture });
    const back = await mapDiff(b, a, COMMON);
    expect(there.features).toEqual({ added: ['node/n3'], removed: ['node/n2'], changed: ['node/n1'] });
    expect(there.changed.length + there.added.length).toBeGreaterThan(0);
    expect(there.points).toBeGreaterThan(0);
    expect(there.notes).toEqual(['version 1 does not rise above 1']);
    expect(back.added).toEqual(there.removed);
    expect(back.removed).toEqual(there.added);
    expect([...back.changed].sort()).toEqual([...there.changed].sort());
    expect(back.points).toBe(-there.points);
    expect((await readFile(picture)).subarray(1, 4).toString()).toBe('PNG');
  });

  it('refuses what is no map', async () => {
    await expect(mapDiff(a, root, COMMON)).rejects.toMatchObject({ reason: 'not-a-map' });
  });
});
