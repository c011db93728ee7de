import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { align } from '../../src/commands/map-align.ts';
import { verifyMap } from '../../src/commands/map-verify.ts';
import { alignMap } from '../../src/map-service/align-map.ts';
import { type ControlPoint, parseControlPoints } from '../../src/map-service/control-points.ts';
import { moveGraph } from '../../src/map-service/move-graph.ts';
import { projectionOf } from '../../src/map-service/projection.ts';
import { applySimilarity, fitRobust, umeyama } from '../../src/map-service/umeyama.ts';
import { enuFrame } from '../../src/math/geodesy.ts';
import { Random } from '../../src/math/random.ts';
import { quatFromRpy } from '../../src/math/so3.ts';
import { norm, sub } from '../../src/math/vec3.ts';
import { Refusal, type Vec3 } from '../../src/types.ts';
import { sampleMap } from './sample-map.ts';
import { temporaryFolder } from './scene.ts';

const root = temporaryFolder();
afterAll(() => rm(root, { recursive: true }));
const ORIGIN = { lat: 37.49794, lon: 127.02762, ellipsoidalHeight: 45 };
const COMMON = { set: [], json: true, tolerance: '1', seed: '1' };
const reason = (work: () => unknown) => {
  try {
    work();
  } catch (error) {
    return error instanceof Refusal ? error.reason : error;
  }
};

/** Points of a local map that lies turned and shifted on the Earth; every `wrongEvery`th is 20 m off. */
function controlPoints(count: number, noise: number, wrongEvery = 0, seed = 1) {
  const random = new Random(seed);
  const frame = enuFrame(ORIGIN);
  const T = { position: [12, -7, 3] as Vec3, orientation: quatFromRpy(0.01, -0.02, 1.1), scale: 1 };
  const points = Array.from({ length: count }, (_, k): ControlPoint => {
    const local: Vec3 = [random.uniform(-100, 100), random.uniform(-100, 100), random.uniform(-3, 10)];
    const exact = applySimilarity(T, local);
    const wrong = wrongEvery > 0 && k % wrongEvery === 0 ? 20 : 0;
    const g = frame.toGeodetic([
      exact[0] + random.gaussian(0, noise) + wrong,
      exact[1] + random.gaussian(0, noise),
      exact[2] + random.gaussian(0, noise),
    ]);
    return { name: `p${k}`, local, global: g };
  });
  return { points, T, frame };
}

describe('umeyama', () => {
  const coordinate = fc.double({ min: -1000, max: 1000, noNaN: true });
  const turn = fc.double({ min: -3, max: 3, noNaN: true });
  it('finds the transform that made the points, with the scale where asked', () => {
    fc.assert(
      fc.property(
        fc.tuple(coordinate, coordinate, coordinate),
        fc.tuple(turn, turn, turn),
        fc.double({ min: 0.5, max: 2, noNaN: true }),
        fc.integer({ min: 1, max: 1e6 }),
        (position, rpy, scale, seed) => {
          const random = new Random(seed);
          const from = Array.from({ length: 6 }, (): Vec3 => {
            return [random.uniform(-50, 50), random.uniform(-50, 50), random.uniform(-50, 50)];
          });
          const T = { position, orientation: quatFromRpy(...rpy), scale };
          const to = from.map((p) => applySimilarity(T, p));
          const found = umeyama(from, to, true)!;
          expect(found.scale).toBeCloseTo(scale, 9);
          from.forEach((p, k) => {
            expect(norm(sub(applySimilarity(found, p), to[k]!))).toBeLessThan(1e-8);
          });
          expect(umeyama(from, to, false)!.scale).toBe(1);
        },
      ),
      { seed: 2, numRuns: 60 },
    );
  });

  it('says that points on a line leave a turn open', () => {
    const line = [0, 1, 2, 3].map((k): Vec3 => [k, 2 * k, 0]);
    expect(umeyama(line, line, false)).toBeUndefined();
    const options = { withScale: false, tolerance: 1, random: new Random(1) };
    expect(reason(() => fitRobust(line, line, options))).toBe('alignment-undetermined');
  });
});

describe('alignMap', () => {
  it('lays the local map where it belongs though a third of the points is wrong', () => {
    const { points, T, frame } = controlPoints(30, 0.02, 3);
    const found = alignMap(points, { withScale: false, tolerance: 0.5, seed: 1 });
    expect(found.residuals.filter(({ inlier }) => inlier)).toHaveLength(20);
    const there = enuFrame(found.origin);
    for (const local of [
      [0, 0, 0],
      [80, -60, 5],
    ] as Vec3[]) {
      const g = there.toGeodetic(applySimilarity(found.T_map_local, local));
      const place = frame.toEnu(g.lat, g.lon, g.ellipsoidalHeight);
      expect(norm(sub(place, applySimilarity(T, local)))).toBeLessThan(0.05);
    }
    // The local zero is the new origin, to rounding.
    expect(norm(applySimilarity(found.T_map_local, [0, 0, 0]))).toBeLessThan(1e-3);
  });

  it('refuses two points', () => {
    const { points } = controlPoints(2, 0);
    expect(reason(() => alignMap(points, { withScale: false, tolerance: 1, seed: 1 }))).toBe(
      'alignment-undetermined',
    );
  });
});

describe('projectionOf', () => {
  it.each([
    // EPSG:5186, Korea 2000 / Central Belt 2010: its natural origin, 38 N 127 E, has false easting and northing.
    [5186, 38, 127, 200_000, 600_000],
    [5181, 38, 127, 200_000, 500_000],
    [5179, 38, 127.5, 1_000_000, 2_000_000],
    // UTM zone 52 N: the equator at 129 E.
    [32652, 0, 129, 500_000, 0],
  ])('EPSG:%i has its origin where the register says', (epsg, lat, lon, x, y) => {
    const found = projectionOf(epsg).fromGeodetic({ lat, lon, ellipsoidalHeight: 5 });
    expect(norm(sub(found, [x, y, 5]))).toBeLessThan(1e-3);
  });

  it('goes there and back to a tenth of a millimetre, in float64', () => {
    const lon = fc.double({ min: 126, max: 128, noNaN: true });
    const lat = fc.double({ min: 34, max: 38.5, noNaN: true });
    fc.assert(
      fc.property(fc.constantFrom(5179, 5181, 5186, 32652), lat, lon, (epsg, la, lo) => {
        const projection = projectionOf(epsg);
        const place = { lat: la, lon: lo, ellipsoidalHeight: 0 };
        const back = projection.toGeodetic(projection.fromGeodetic(place));
        expect(Math.abs(back.lat - la)).toBeLessThan(1e-9);
        expect(Math.abs(back.lon - lo)).toBeLessThan(1e-9);
      }),
      { seed: 3, numRuns: 100 },
    );
  });

  it.each([0, -5186, 1.5, 999_999, Number.NaN])('refuses %d', (epsg) => {
    expect(reason(() => projectionOf(epsg))).toBe('unknown-epsg');
  });
});

describe('parseControlPoints', () => {
  it('reads the same from CSV, JSON and a projected system', () => {
    const [x, y, h] = projectionOf(5186).fromGeodetic(ORIGIN);
    const csv = `name,x,y,z,lat,lon,height\na,1,2,3,${ORIGIN.lat},${ORIGIN.lon},45\n`;
    const [one] = parseControlPoints(csv, 'f', undefined);
    expect(one).toEqual({ name: 'a', local: [1, 2, 3], global: ORIGIN });
    const json = JSON.stringify([{ x: 1, y: 2, z: 3, east: x, north: y, height: h }]);
    const [other] = parseControlPoints(json, 'f', projectionOf(5186));
    expect(other!.global.lat).toBeCloseTo(ORIGIN.lat, 9);
    expect(other!.global.lon).toBeCloseTo(ORIGIN.lon, 9);
  });

  it.each([
    ['x,y,z,lat,lon,height\n1,2,3,37,,45\n'],
    ['x,y,z,lat,lon,height\n1,2,three,37,127,45\n'],
    ['x,y,z,east,north,height\n1,2,3,1,2,3\n'],
    ['[{"x":1}]'],
    ['[1'],
    [''],
  ])('refuses %j', (text) => {
    expect(reason(() => parseControlPoints(text, 'f', undefined))).toBe('bad-control-points');
  });
});

it('moveGraph moves every position and refuses what is no JSON', () => {
  const graph = { features: [{ geometry: { coordinates: [[[1, 2, 9]], [[3, 4]]] } }, { geometry: null }] };
  const moved = moveGraph(new TextEncoder().encode(JSON.stringify(graph)), ([a, b]) => [a + 10, b + 20]);
  expect(JSON.parse(new TextDecoder().decode(moved)).features[0].geometry.coordinates).toEqual([
    [[11, 22, 9]],
    [[13, 24]],
  ]);
  expect(reason(() => moveGraph(new TextEncoder().encode('{'), (p) => p))).toBe('bad-graph');
});

describe('map align', () => {
  it('makes a map at the right place, a table and a picture of the residuals', async () => {
    const map = join(root, 'local');
    await sampleMap(map);
    const { points } = controlPoints(12, 0.01, 6);
    const file = join(root, 'points.csv');
    const rows = points.map(({ name, local, global: g }) => [
      name,
      ...local,
      g.lat,
      g.lon,
      g.ellipsoidalHeight,
    ]);
    await writeFile(file, ['name,x,y,z,lat,lon,height', ...rows.map((row) => row.join(','))].join('\n'));
    const out = join(root, 'global');
    const result = await align(map, { ...COMMON, points: file, epsgOut: '5186', out });
    expect(result).toMatchObject({ controlPoints: 12, inliers: 10 });
    expect(result.rms).toBeLessThan(0.05);
    expect(await readFile(join(out, 'residuals.csv'), 'utf8')).toContain('epsg5186_x');
    expect((await readFile(join(out, 'residuals.png'))).subarray(1, 4).toString()).toBe('PNG');
    expect(await verifyMap(out, COMMON)).toEqual([]);
  });

  it('refuses to work without points, without a map, and in place', async () => {
    const empty = join(root, 'empty');
    await mkdir(empty, { recursive: true });
    const options = { ...COMMON, out: join(root, 'never') };
    await expect(align(empty, { ...options, points: 'x' })).rejects.toMatchObject({ reason: 'not-a-map' });
    const map = join(root, 'local');
    await expect(align(map, options)).rejects.toMatchObject({ reason: 'bad-argument' });
    await expect(align(map, { ...options, points: 'none.csv' })).rejects.toMatchObject({
      reason: 'no-control-points',
    });
    const points = join(root, 'points.csv');
    await expect(align(map, { ...options, points, out: map })).rejects.toMatchObject({
      reason: 'bad-argument',
    });
  });
});
