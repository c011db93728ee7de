import { expect, it } from 'vitest';
import type { AlignOptions, Cloud, Core, TileMap } from '../../src/core.ts';
import { Random } from '../../src/math/random.ts';
import { IDENTITY, relative } from '../../src/math/se3.ts';
import { logSo3, quatFromRpy } from '../../src/math/so3.ts';
import { norm } from '../../src/math/vec3.ts';
import type { Pose, Vec3 } from '../../src/types.ts';
import { corner, seenFrom } from './clouds.ts';
import { reasonOf } from './core-contract.ts';

const OPTIONS: AlignOptions = {
  kernelStart: 1,
  kernelEnd: 0.2,
  maxIterations: 30,
  translationEpsilon: 1e-4,
  rotationEpsilon: 1e-5,
};

/** Tiles, the map of them, and registration to it. */
export function tileContract(core: Core): void {
  const random = new Random(13);
  const room = corner(random, 900);
  const T_map_base: Pose = { position: [7, 5, 0.8], orientation: quatFromRpy(0.01, -0.02, 0.7) };
  const scan = () => seenFrom(core, corner(new Random(14), 400, 0.8).positions, T_map_base);
  const off: Pose = { position: [7.3, 4.8, 0.9], orientation: quatFromRpy(0.02, 0, 0.74) };

  it('adds and removes tiles, in order of column and row', async () => {
    const map = core.tileMap(10);
    const tile = await core.tile(flatCloud(core, [0, 0, 0]), [0, 0, 0]);
    expect([tile.size, tile.origin]).toEqual([1, [0, 0, 0]]);
    for (const id of ['1_-2', '-1_5', '1_10', '1_9']) map.add(id, tile);
    expect([map.tileSize, map.points, map.tileIds]).toEqual([10, 4, ['-1_5', '1_-2', '1_9', '1_10']]);
    map.add('1_9', tile);
    expect([map.remove('1_9'), map.remove('1_9'), map.remove('nonsense')]).toEqual([true, false, false]);
    expect(map.tileIds).toEqual(['-1_5', '1_-2', '1_10']);
  });

  it('finds the nearest point across tiles, in float64 far from the origin', async () => {
    const map = core.tileMap(10);
    map.add('100000_0', await core.tile(flatCloud(core, [9.5, 5, 0]), [1e6, 0, 0]));
    map.add('100001_0', await core.tile(flatCloud(core, [3, 5, 0]), [1e6 + 10, 0, 0]));
    const queries = Float64Array.of(1e6 + 10.25, 5, 0, 1e6 + 12, 5, 0.5, 1e6 + 15, 5, 50);
    const { positions, distances } = map.nearest(queries, 4);
    expect([...positions.subarray(0, 6)]).toEqual([1e6 + 9.5, 5, 0, 1e6 + 13, 5, 0]);
    expect(distances[0]).toBeCloseTo(0.75, 6);
    expect(distances[1]).toBeCloseTo(Math.hypot(1, 0.5), 6);
    expect([positions[6], distances[2]]).toEqual([Number.NaN, Number.NaN]);
  });

  it('recovers a known motion to under a millimetre', async () => {
    const map = await mapOf(core, room);
    const found = await map.align(scan(), off, OPTIONS);
    expect(found.converged).toBe(true);
    expectNear(found.T_map_base, T_map_base, 1e-3, 1e-4);
    expect(found.points).toBe(1200);
    expect(found.inliers).toBe(1200);
    expect(found.residual).toBeLessThan(1e-4);
  });

  it('gives evidence that holds together', async () => {
    const map = await mapOf(core, room);
    const { hessian, eigenvalues, eigenvectors, range, iterations } = await map.align(scan(), off, OPTIONS);
    expect(iterations).toBeLessThan(2 * OPTIONS.maxIterations);
    const scaled = hessian.map((v, at) => v / ((at % 6 < 3 ? 1 : range) * (at < 18 ? 1 : range)));
    const largest = eigenvalues[5]!;
    for (let e = 0; e < 6; e++) {
      const v = eigenvectors.subarray(6 * e, 6 * e + 6);
      expect(Math.hypot(...v)).toBeCloseTo(1, 9);
      // H v = λ v, row by row.
      for (let a = 0; a < 6; a++) {
        const along = v.reduce((sum, vb, b) => sum + scaled[6 * a + b]! * vb, 0);
        expect(Math.abs(along - eigenvalues[e]! * v[a]!)).toBeLessThan(1e-6 * largest);
      }
      if (e > 0) expect(eigenvalues[e]!).toBeGreaterThanOrEqual(eigenvalues[e - 1]!);
    }
    expect(eigenvalues[0]! / largest).toBeGreaterThan(0.005);
  });

  it('does not move along what a lone plane leaves free', async () => {
    const floor = { positions: [] as number[], normals: [] as number[] };
    for (let i = 0; i < 900; i++) {
      floor.positions.push(random.uniform(0, 14), random.uniform(0, 10), 0);
      floor.normals.push(0, 0, 1);
    }
    const map = await mapOf(core, floor);
    const truth: Pose = { position: [7, 5, 1], orientation: IDENTITY.orientation };
    const start: Pose = { position: [7.2, 5.1, 1.1], orientation: quatFromRpy(0, 0, 0.1) };
    const seen = seenFrom(core, floor.positions, truth);
    const { T_map_base: found, eigenvalues } = await map.align(seen, start, OPTIONS);
    expect(found.position[2]).toBeCloseTo(1, 4);
    expect(Math.hypot(found.position[0] - 7.2, found.position[1] - 5.1)).toBeLessThan(1e-3);
    expect(eigenvalues[2]! / eigenvalues[5]!).toBeLessThan(1e-6);
    expect(eigenvalues[3]! / eigenvalues[5]!).toBeGreaterThan(0.01);
  });

  it('says in the evidence that there is nothing to align to', async () => {
    const cloud = core.cloud({ positions: Float32Array.of(1, 2, 3) });
    const nowhere = await core.tileMap(20).align(cloud, off, OPTIONS);
    expect([nowhere.converged, nowhere.inliers, nowhere.points]).toEqual([false, 0, 1]);
    const far: Pose = { ...off, position: [500, 500, 0] };
    const apart = await (await mapOf(core, room)).align(cloud, far, OPTIONS);
    expect([apart.converged, apart.inliers]).toEqual([false, 0]);
    expectNear(apart.T_map_base, far, 0, 1e-12);
  });

  it('gives the same bits whatever the number of threads', async () => {
    const map = await mapOf(core, room);
    const one = await map.align(scan(), off, OPTIONS);
    core.setThreads(3);
    const three = await map.align(scan(), off, OPTIONS);
    core.setThreads(1);
    expect(three).toEqual(one);
  });

  it('keeps aligning to the map that it began with', async () => {
    const map = await mapOf(core, room);
    const expected = await map.align(scan(), off, OPTIONS);
    const underway = map.align(scan(), off, OPTIONS);
    for (const id of map.tileIds) map.remove(id);
    expect(await underway).toEqual(expected);
  });

  it('refuses tiles and options that make no sense', async () => {
    const bare = core.cloud({ positions: Float32Array.of(1, 2, 3) });
    const long = core.cloud({ positions: Float32Array.of(1, 2, 3), normals: Float32Array.of(0, 0, 2) });
    expect(await reasonOf(() => core.tile(bare, [0, 0, 0]))).toBe('no-normals');
    expect(await reasonOf(() => core.tile(long, [0, 0, 0]))).toBe('bad-normal');
    expect(await reasonOf(() => core.tile(flatCloud(core, [1, 2, 3]), [0, 0, Number.NaN]))).toBe(
      'bad-argument',
    );
    expect(await reasonOf(() => core.tileMap(0))).toBe('bad-argument');
    const map = await mapOf(core, room);
    const tile = await core.tile(flatCloud(core, [1, 2, 3]), [0, 0, 0]);
    expect(await reasonOf(() => map.add('1_2_3', tile))).toBe('bad-argument');
    expect(await reasonOf(() => map.nearest(Float64Array.of(0, 0, 0), 21))).toBe('bad-argument');
    const skewed: Pose = { position: [0, 0, 0], orientation: [0, 0, 0, 2] };
    expect(await reasonOf(() => map.align(bare, skewed, OPTIONS))).toBe('bad-argument');
    expect(await reasonOf(() => map.align(bare, off, { ...OPTIONS, kernelEnd: 2 }))).toBe('bad-argument');
    expect(await reasonOf(() => map.align(bare, off, { ...OPTIONS, maxIterations: Number.NaN }))).toBe(
      'bad-argument',
    );
  });
}

function flatCloud(core: Core, at: Vec3): Cloud {
  return core.cloud({ positions: Float32Array.from(at), normals: Float32Array.of(0, 0, 1) });
}

/** Tiles of 10 m, so that the room's corner lies in two of them. */
async function mapOf(core: Core, points: { positions: number[]; normals: number[] }): Promise<TileMap> {
  const size = 10;
  const map = core.tileMap(size);
  const members = new Map<string, number[]>();
  for (let at = 0; at < points.positions.length; at += 3) {
    const id = `${Math.floor(points.positions[at]! / size)}_${Math.floor(points.positions[at + 1]! / size)}`;
    members.set(id, [...(members.get(id) ?? []), at]);
  }
  for (const [id, ats] of members) {
    const [i, j] = id.split('_').map(Number);
    const origin: Vec3 = [i! * size, j! * size, 0];
    const positions = Float32Array.from(
      ats.flatMap((at) => origin.map((o, a) => points.positions[at + a]! - o)),
    );
    const normals = Float32Array.from(ats.flatMap((at) => points.normals.slice(at, at + 3)));
    map.add(id, await core.tile(core.cloud({ positions, normals }), origin));
  }
  return map;
}

function expectNear(found: Pose, expected: Pose, metres: number, radians: number): void {
  const error = relative(expected, found);
  expect(norm(error.position)).toBeLessThanOrEqual(metres);
  expect(norm(logSo3(error.orientation))).toBeLessThanOrEqual(radians);
}
