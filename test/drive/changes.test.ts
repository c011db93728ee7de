import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { changedTile } from '../../src/commands/map-apply.ts';
import type { VoxelBlock } from '../../src/core.ts';
import { changedCubes, changeOptions, votesOf } from '../../src/drive/evidence.ts';
import { findChanges } from '../../src/drive/gold.ts';
import { type LayerDraft, openLayer, sealLayer } from '../../src/drive/layer.ts';
import { cubeOf, grown, objectsOf } from '../../src/drive/objects.ts';
import type { Proposed } from '../../src/drive/proposal.ts';
import { openSilver, type SilverDrive } from '../../src/drive/silver.ts';
import { Random } from '../../src/math/random.ts';
import { loadCore } from '../../src/native.ts';
import { createPortableCore } from '../../src/portable/core.ts';

const root = mkdtempSync(join(tmpdir(), 'layers-'));
afterAll(() => rmSync(root, { recursive: true }));
const portable = createPortableCore();
const core = loadCore();
const scansOf = (origin: number[], ...points: number[][]) => ({
  origins: Float64Array.from(origin),
  lengths: Int32Array.of(points.length),
  points: Float32Array.from(points.flat()),
});

describe('rays through cubes', () => {
  const line: VoxelBlock = { origin: [0, 0, 0], size: 1, counts: [10, 1, 1] };

  it('pass what lies before the point, not its surroundings, and hit where it is', async () => {
    // From x = −2 along x to 6.5: cubes 0 … 5 are passed, but for the last 0.6 m before the point.
    const { hits, passes } = await core.traceVoxels(line, scansOf([-2, 0.5, 0.5], [8.5, 0, 0]), 0.6);
    expect([...passes]).toEqual([1, 1, 1, 1, 1, 1, 0, 0, 0, 0]);
    expect([...hits]).toEqual([0, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
    const beside = await core.traceVoxels(line, scansOf([-2, 1.5, 0.5], [8.5, 0, 0]), 0.6);
    expect(beside.passes.some((n) => n > 0)).toBe(false);
  });

  it('are counted once a scan, and a hit wins over a pass of the same scan', async () => {
    const scan = scansOf([-2, 0.5, 0.5], [8.5, 0, 0], [4.5, 0, 0], [8.6, 0, 0]);
    const { hits, passes } = await core.traceVoxels(line, scan, 0.6);
    expect([...hits]).toEqual([0, 0, 1, 0, 0, 0, 1, 0, 0, 0]);
    expect([...passes]).toEqual([1, 1, 0, 1, 1, 1, 0, 0, 0, 0]);
  });

  it('are the same in both cores, and never pass more cubes than their length allows', async () => {
    const block: VoxelBlock = { origin: [-3.3, 1, -0.5], size: 0.5, counts: [14, 9, 7] };
    await fc.assert(
      fc.asyncProperty(fc.nat(1e6), async (seed) => {
        const random = new Random(seed);
        const origin = [random.uniform(-6, 6), random.uniform(-3, 8), random.uniform(-2, 4)];
        const points = Array.from({ length: 30 }, () => [0, 1, 2].map(() => random.uniform(-9, 9)));
        const scans = scansOf(origin, ...points, [0, 0, 0], [3, 0, 0]);
        const [a, b] = [
          await core.traceVoxels(block, scans, 0.3),
          await portable.traceVoxels(block, scans, 0.3),
        ];
        expect(a).toEqual(b);
        const most = points.reduce((sum, point) => sum + 3 + 3 * (Math.hypot(...point) / block.size), 40);
        expect(a.passes.reduce((sum, n) => sum + n, 0)).toBeLessThan(most);
      }),
      { seed: 3, numRuns: 40 },
    );
  });

  it('refuse arrays that do not fit, in both cores', async () => {
    for (const one of [core, portable]) {
      const bad = { reason: 'bad-argument' };
      const scan = scansOf([0, 0, 0], [1, 0, 0]);
      const lengths = Int32Array.of(2);
      await expect(one.traceVoxels(line, { ...scan, lengths }, 0)).rejects.toMatchObject(bad);
      await expect(one.traceVoxels({ ...line, size: 0 }, scan, 0)).rejects.toMatchObject(bad);
      await expect(one.traceVoxels({ ...line, counts: [1, 0, 1] }, scan, 0)).rejects.toMatchObject(bad);
      await expect(one.traceVoxels({ ...line, counts: [1e5, 1e5, 1] }, scan, 0)).rejects.toMatchObject(bad);
      await expect(one.traceVoxels(line, scan, Number.NaN)).rejects.toMatchObject(bad);
    }
  });
});

const options = changeOptions.parse({});
const view = (day: number, hits: number[], passes: number[]) => ({
  day,
  evidence: { hits: Uint16Array.from(hits), passes: Uint16Array.from(passes) },
});

it('a day has one voice, and drives that saw too little have none', () => {
  const views = [view(1, [9, 0, 2], [0, 9, 0]), view(1, [9, 0, 0], [0, 9, 0]), view(2, [1, 0, 5], [9, 2, 5])];
  const { full, free } = votesOf(views, options);
  // Cube 0: full on day 1, free on day 2. Cube 1: on day 2 seen twice only. Cube 2: day 1 too seldom, day 2 full.
  expect([[...full], [...free]]).toEqual([
    [1, 0, 1],
    [1, 1, 0],
  ]);
});

it('what the map has near is not new; what some days saw full is not gone', () => {
  const block: VoxelBlock = { origin: [0, 0, 0], size: 0.25, counts: [5, 1, 1] };
  const votes = { full: Uint8Array.of(5, 5, 5, 2, 5), free: Uint8Array.of(0, 0, 0, 5, 0) };
  expect(changedCubes(block, votes, Uint8Array.of(0, 0, 0, 1, 0), options)).toEqual({
    appeared: [0, 1],
    gone: [],
    perhaps: [],
  });
  // Seen through along x means free on both sides of it, too.
  const open = { full: new Uint8Array(5), free: Uint8Array.of(5, 5, 5, 5, 5) };
  const gone = (axis: number) => changedCubes(block, open, Uint8Array.of(0, 0, 0, axis, 0), options).gone;
  expect([gone(1), gone(3)]).toEqual([[3], []]);
  open.free[2] = 0;
  expect(gone(1)).toEqual([]);
  // It is free itself, and goes with what it is part of.
  expect(changedCubes(block, open, Uint8Array.of(0, 0, 0, 1, 0), options).perhaps).toEqual([3]);
  expect(cubeOf({ ...block, origin: [1, -0.5, 0.25] }, 3)).toEqual([7, -2, 1]);
});

it('objects are groups with an extent: a thin row or few cubes are none', () => {
  const wall = Array.from({ length: 40 }, (_, k) => [k % 8, 0, Math.floor(k / 8)] as const);
  const row = Array.from({ length: 40 }, (_, k) => [k, 50, 0] as const);
  const few = Array.from({ length: 9 }, (_, k) => [100 + (k % 3), 0, Math.floor(k / 3)] as const);
  const [object, ...more] = objectsOf([...row, ...few, ...wall], 0.25, 30);
  expect(more).toEqual([]);
  expect([object!.low, object!.high]).toEqual([
    [0, 0, 0],
    [2, 0.25, 1.25],
  ]);
});

it('an object takes what touches it and may have gone, no further than half a metre', () => {
  const wall = Array.from({ length: 40 }, (_, k) => [k % 8, 0, Math.floor(k / 8)] as const);
  const [object] = objectsOf(wall, 0.25, 30);
  // A row that begins beside the wall, and a cube far away.
  const perhaps = [8, 9, 10, 11].map((x) => [x, 0, 0] as const);
  const more = new Map([...perhaps, [30, 0, 0] as const].map((cube) => [cube.join(' '), cube]));
  const all = grown(object!, more, 0.25);
  expect(all.cubes.slice(40)).toEqual([
    [8, 0, 0],
    [9, 0, 0],
  ]);
  expect([all.low, all.high]).toEqual([
    [0, 0, 0],
    [2.5, 0.25, 1.25],
  ]);
  expect(grown(object!, new Map(), 0.25)).toEqual(object);
});

/** A drive past a wall at y = 3 (x from 0 to 4) that stands or not; behind it, at y = 6, a long one. */
function driveBy(day: number, stands: boolean): SilverDrive {
  const scans: SilverDrive['scans'][number][] = [];
  const points: number[] = [];
  for (let k = 0; k < 12; k++) {
    const origin = [k * 0.5 - 1, 0, 1];
    let count = 0;
    for (let x = -4; x <= 8; x += 0.15)
      for (let z = 0.1; z < 2.5; z += 0.2) {
        // The ray to (x, 6, z) meets y = 3 half way.
        const half = [(x + origin[0]!) / 2, 3, (z + 1) / 2];
        const at = stands && half[0]! >= 0 && half[0]! <= 4 && half[2]! <= 2 ? half : [x, 6, z];
        points.push(at[0]! - origin[0]!, at[1]!, at[2]! - 1);
        count++;
      }
    const quality = { inliers: 1, inlierRatio: 1, residual: 0, probability: 1, overlap: 1, moved: 0 };
    const pose = [...origin, 0, 0, 0, 1];
    scans.push({ stamp: `${k}`, origin, pose, covariance: [], ...quality, points: count });
  }
  return { layer: {} as SilverDrive['layer'], scans, points: Float32Array.from(points), day };
}

describe('what changed', () => {
  const wallPoints = (y: number, from: number, to: number) => {
    const all: number[] = [];
    for (let x = from; x <= to; x += 0.2) for (let z = 0.1; z < 2.5; z += 0.2) all.push(x, y + 0.01, z);
    return all;
  };
  const find = (drives: SilverDrive[], mapped: number[]) =>
    findChanges(
      core,
      drives,
      (async function* () {
        const normals = Float32Array.from(mapped, (_, k) => (k % 3 === 1 ? -1 : 0));
        yield { id: '0_0', positions: Float64Array.from(mapped), normals };
      })(),
      20,
      options,
    );
  const far = wallPoints(6, -1, 9);

  it('is a wall that came, with its points and normals towards the road', async () => {
    const days = [1, 2, 3, 4].map((day) => driveBy(day, true));
    const { objects, evidence } = await find(days, far);
    expect(objects.map(({ id, kind }) => [id, kind])).toEqual([['appeared-1', 'appeared']]);
    const [wall] = objects;
    expect(wall!.low[1]).toBeCloseTo(3, 6);
    expect(wall!.tiles).toEqual(['0_0']);
    for (const [x, y, , nx, ny, nz] of wall!.points) {
      expect(Math.abs(y! - 3)).toBeLessThan(0.01);
      expect(x! > -0.01 && x! < 4.01).toBe(true);
      expect(Math.hypot(nx!, ny!, nz!)).toBeCloseTo(1, 3);
      expect(ny!).toBeLessThan(-0.9);
    }
    expect(evidence[0]).toMatchObject({ tile: '0_0', gone: 0 });
    // The same drives in another order are the same proposal; too few days, or days of no accord, are none.
    const again = await find([...days].reverse(), far);
    expect(again.objects.map(({ cubes }) => cubes.length)).toEqual(objects.map(({ cubes }) => cubes.length));
    expect((await find(days.slice(0, 2), far)).objects).toEqual([]);
    expect(
      (
        await find(
          days.map((drive) => ({ ...drive, day: 1 })),
          far,
        )
      ).objects,
    ).toEqual([]);
    const mixed = [1, 2, 3, 4, 5, 6].map((day) => driveBy(day, day % 2 === 0));
    expect((await find(mixed, far)).objects).toEqual([]);
  });

  it('is a wall that went: its points are removed, no others', async () => {
    // Rays from 1 m to 0.1 … 2.5 m at y = 6 are at 0.55 … 1.75 m at y = 3.
    const near = wallPoints(3, 0.1, 3.9).filter((_, k, all) => {
      const z = all[k - (k % 3) + 2]!;
      return z > 0.6 && z < 1.6;
    });
    const days = [1, 2, 3].map((day) => driveBy(day, false));
    const { objects } = await find(days, [...near, ...far]);
    expect(objects.map(({ kind }) => kind)).toEqual(['gone']);
    const arrays = {
      positions: Float32Array.from([...near, ...far]),
      intensity: new Float32Array((near.length + far.length) / 3),
      normals: Float32Array.from({ length: near.length + far.length }, (_, k) => (k % 3 === 1 ? -1 : 0)),
      curvature: new Float32Array((near.length + far.length) / 3),
    };
    const { arrays: left, removed, added } = changedTile('0_0', arrays, objects, options.voxel, 20);
    expect(added).toBe(0);
    expect(removed).toBeGreaterThan(0.6 * (near.length / 3));
    const ys = left.positions.filter((_, k) => k % 3 === 1);
    expect(ys.filter((y) => y > 5)).toHaveLength(far.length / 3);
    expect(left.normals).toHaveLength(left.positions.length);
  });

  it('is added to a tile that had nothing', () => {
    const object: Proposed = {
      id: 'appeared-1',
      kind: 'appeared',
      low: [25, 1, 0],
      high: [26, 2, 1],
      tiles: ['1_0'],
      cubes: [],
      votes: [],
      agree: 3,
      disagree: 0,
      points: [
        [25.5, 1.5, 0.5, 0, 0, 2],
        [19, 1, 0, 1, 0, 0],
      ],
    };
    const none = new Float32Array();
    const empty = { positions: none, intensity: none, normals: none, curvature: none };
    const { arrays, added } = changedTile('1_0', empty, [object], 0.25, 20);
    expect([added, [...arrays.positions], [...arrays.normals!]]).toEqual([1, [5.5, 1.5, 0.5], [0, 0, 1]]);
  });
});

describe('layers', () => {
  const draft: LayerDraft = { layer: 'silver', from: [], options: { every: 1 }, facts: {} };

  it('have an id of their content, and are refused when a file is another', async () => {
    for (const name of ['a', 'b']) writeFileSync(join(root, name), name);
    const first = await sealLayer(root, draft, ['a', 'b']);
    expect((await sealLayer(root, { ...draft, facts: { n: 1 } }, ['b', 'a'])).id).toBe(first.id);
    expect((await openLayer(root, 'silver')).id).toBe(first.id);
    await expect(openLayer(root, 'gold')).rejects.toMatchObject({ reason: 'not-a-layer' });
    await expect(openLayer(join(root, 'none'), 'gold')).rejects.toMatchObject({ reason: 'not-a-layer' });
    writeFileSync(join(root, 'a'), 'other');
    await expect(openLayer(root, 'silver')).rejects.toMatchObject({ reason: 'bad-layer' });
    expect((await sealLayer(root, draft, ['a', 'b'])).id).not.toBe(first.id);
    await sealLayer(root, draft, [`../${basename(root)}/a`]);
    await expect(openLayer(root, 'silver')).rejects.toMatchObject({ reason: 'bad-layer' });
  });

  it('of silver are refused where points and scans do not fit', async () => {
    writeFileSync(join(root, 'scans.jsonl'), '');
    writeFileSync(join(root, 'points.f32'), new Uint8Array(12));
    await sealLayer(root, draft, ['scans.jsonl', 'points.f32']);
    await expect(openSilver(root)).rejects.toMatchObject({ reason: 'bad-layer' });
  });
});
