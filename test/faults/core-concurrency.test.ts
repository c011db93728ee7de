import { setMaxListeners } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import type { AlignOptions, Cloud, CloudArrays, Tile, TileMap } from '../../src/core.ts';
import { Random } from '../../src/math/random.ts';
import { quatFromRpy } from '../../src/math/so3.ts';
import { loadCore } from '../../src/native.ts';
import { encodePcd } from '../../src/pointcloud/pcd.ts';
import type { PointCloud2, Pose } from '../../src/types.ts';
import { corner, pointCloud2, scatter, seenFrom } from '../native/clouds.ts';
import { reasonOf } from '../native/core-contract.ts';

/** What happens around long jobs: the event loop, cancellation, garbage collection, a map that changes meanwhile. */
const core = loadCore('auto');
const native = core.kind === 'native';
if (!native)
  console.warn('skipped: work off the event loop needs the native addon; run: make -C native addon');

const OPTIONS: AlignOptions = {
  kernelStart: 1,
  kernelEnd: 0.2,
  maxIterations: 30,
  translationEpsilon: 1e-4,
  rotationEpsilon: 1e-5,
};
const ENDLESS: AlignOptions = {
  ...OPTIONS,
  maxIterations: 1000,
  translationEpsilon: 1e-300,
  rotationEpsilon: 1e-300,
  reach: 10,
  turn: 3,
};
const T_map_base: Pose = { position: [7, 5, 0.8], orientation: quatFromRpy(0.01, -0.02, 0.7) };
const OFF: Pose = { position: [7.2, 4.9, 0.85], orientation: quatFromRpy(0, 0, 0.73) };

const XYZ = ['x', 'y', 'z'];

/** Tiles of 10 m: the room's wall x = 12 is in the second. */
const [SIZE, NEAR, FAR] = [10, '0_0', '1_0'];

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

const random = new Random(31);
/** About a second of work for normals. */
const many = scatter(200_000, () => [random.uniform(-40, 40), random.uniform(-40, 40), random.uniform(0, 9)]);
const roomPoints = corner(new Random(32), 2000);
const scan = seenFrom(core, corner(new Random(33), 700, 0.8).positions, T_map_base);

/** The room as its two tiles of 10 m, 0_0 and 1_0. */
async function halves(): Promise<{ near: Tile; far: Tile }> {
  const tile = (left: number) => {
    const rows = Array.from({ length: roomPoints.positions.length / 3 }, (_, i) => 3 * i).filter((at) => {
      const x = roomPoints.positions[at]! - left;
      return x >= 0 && x < SIZE;
    });
    const column = (values: readonly number[], offset: number) =>
      Float32Array.from(rows.flatMap((at) => [values[at]! - offset, values[at + 1]!, values[at + 2]!]));
    const [positions, normals] = [column(roomPoints.positions, left), column(roomPoints.normals, 0)];
    return core.tile(core.cloud({ positions, normals }), [left, 0, 0]);
  };
  return { near: await tile(0), far: await tile(SIZE) };
}

async function wholeRoom(): Promise<TileMap> {
  const map = core.tileMap(SIZE);
  const { near, far } = await halves();
  map.add(NEAR, near);
  map.add(FAR, far);
  return map;
}

describe.skipIf(!native)('a long job', () => {
  it('leaves the event loop free', async () => {
    const job = core.estimateNormals(core.cloud({ positions: many }), 30).then(() => 'done');
    let ticks = 0;
    let longest = 0;
    let last = performance.now();
    const from = last;
    while ((await Promise.race([job, sleep(2)])) !== 'done') {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
      ticks++;
    }
    // A hundred ticks or so on a free machine; a busy one may pause us, but a blocked loop ticks once.
    expect(ticks).toBeGreaterThan((last - from) / 25);
    expect(ticks).toBeGreaterThan(10);
    expect(longest).toBeLessThan(0.5 * (last - from));
  });

  it.each<[string, (cloud: Cloud, signal?: AbortSignal) => Promise<unknown>]>([
    ['estimateNormals', (cloud, signal) => core.estimateNormals(cloud, 30, signal)],
    ['align', async (cloud, signal) => (await wholeRoom()).align(cloud, OFF, ENDLESS, signal)],
  ])('%s ends soon after its signal, with the reason cancelled', async (_, work) => {
    const cloud = core.cloud({ positions: many });
    const controller = new AbortController();
    let asked = 0;
    setTimeout(() => {
      asked = performance.now();
      controller.abort();
    }, 60);
    expect(await reasonOf(() => work(cloud, controller.signal))).toBe('cancelled');
    expect(asked).toBeGreaterThan(0);
    expect(performance.now() - asked).toBeLessThan(200);
  });

  it('that waits for a thread when its signal comes is not done', async () => {
    const cloud = core.cloud({ positions: many, normals: many.map((_, i) => (i % 3 === 2 ? 1 : 0)) });
    const bytes = encodePcd(cloud.arrays());
    const fields = XYZ.map((name, axis) => ({ name, offset: 4 * axis, datatype: 7, count: 1 }));
    const message: PointCloud2 = {
      ...pointCloud2({ fields: [], pointStep: 12 }, []),
      fields,
      width: many.length / 3,
      rowStep: 4 * many.length,
      data: new Uint8Array(many.buffer),
    };
    const limits = {
      origin: [0, 0, 0],
      box: [0, 0, 0, 9, 9, 9],
      boxTolerance: 0,
      normalTolerance: 0,
    } as const;
    const works = {
      decodePointCloud2: (signal: AbortSignal) =>
        core.decodePointCloud2(message, { minRange: 0, maxRange: 100 }, signal),
      decodePcd: (signal: AbortSignal) => core.decodePcd(bytes, signal),
      deskew: (signal: AbortSignal) => core.deskew(cloud, OFF, { kind: 'still' }, signal),
      downsample: (signal: AbortSignal) => core.downsample(cloud, 0.1, signal),
      estimateNormals: (signal: AbortSignal) => core.estimateNormals(cloud, 30, signal),
      firstFault: (signal: AbortSignal) => core.firstFault(cloud, limits, signal),
      kdTree: (signal: AbortSignal) => core.kdTree(cloud, signal),
      tile: (signal: AbortSignal) => core.tile(cloud, [0, 0, 0], signal),
    };
    const controller = new AbortController();
    setMaxListeners(0, controller.signal);
    // libuv's four threads are taken for a while: what is asked next waits.
    const busy = Promise.all(Array.from({ length: 4 }, () => core.estimateNormals(cloud, 8)));
    const waiting = Object.entries(works).flatMap(([name, work]) =>
      Array.from({ length: 8 }, async () => [name, await reasonOf(() => work(controller.signal))] as const),
    );
    controller.abort();
    const from = performance.now();
    await busy;
    const begun = performance.now();
    for (const [name, reason] of await Promise.all(waiting))
      expect([name, reason]).toEqual([name, 'cancelled']);
    // 64 jobs, of which the normals alone would take as long as the busy ones.
    expect(performance.now() - begun).toBeLessThan(0.2 * (begun - from));
  });

  it('is not touched by the signal of another, nor by its own when it is done', async () => {
    const cloud = core.cloud({ positions: many.subarray(0, 3 * 20_000) });
    const [mine, other] = [new AbortController(), new AbortController()];
    const expected = await core.estimateNormals(cloud, 20);
    const works = [
      core.estimateNormals(cloud, 20, mine.signal),
      core.estimateNormals(cloud, 20, other.signal),
    ];
    const cancelled = reasonOf(() => works[1]);
    other.abort();
    expect((await works[0]!).arrays()).toEqual(expected.arrays());
    expect(await cancelled).toBe('cancelled');
    mine.abort();
    expect((await core.estimateNormals(cloud, 20)).size).toBe(20_000);
  });

  it('gives the same bits when the threads are changed under it', async () => {
    const cloud = core.cloud({ positions: many.subarray(0, 3 * 30_000) });
    const expected = (await core.estimateNormals(cloud, 20)).arrays();
    const works = [1, 2, 3, 1].map((threads) => {
      const work = core.estimateNormals(cloud, 20);
      core.setThreads(threads);
      return work;
    });
    for (const work of works) expect((await work).arrays()).toEqual(expected);
    core.setThreads(1);
  });
});

describe('what nobody holds any more', () => {
  const rows = Array.from({ length: 3000 }, (_, i) => [1 + (i % 97), 2, 3 + (i % 11)]);
  const arrays: CloudArrays = { positions: Float32Array.from(rows.flat()) };
  const fields = XYZ.map((name, axis) => ({ name, offset: 4 * axis, datatype: 7 as const }));
  const points = core.cloud({ positions: many.subarray(0, 3 * (native ? 20_000 : 1000)) });
  /** Keeps the four threads of libuv busy for about a tenth of a second: what is asked next must wait. */
  const occupy = () => Promise.all(Array.from({ length: 4 }, () => core.estimateNormals(points, 20)));
  /** Frees what nobody holds, takes that memory and fills it. */
  const churn = async () => {
    collectGarbage();
    await sleep(5);
    return Array.from({ length: 200 }, () => new Uint8Array(36_000).fill(0xff)).length;
  };

  it('buffers of jobs that wait are kept, and read whole', async () => {
    for (let n = 0; n < 6; n++) {
      const busy = occupy();
      const works: Promise<{ cloud: Cloud }>[] = [];
      for (let k = 0; k < 20; k++) {
        works.push(core.decodePcd(encodePcd(arrays)));
        works.push(
          core.decodePointCloud2(pointCloud2({ fields, pointStep: 12 }, rows), {
            minRange: 0,
            maxRange: 1e3,
          }),
        );
      }
      await churn();
      await busy;
      for (const { cloud } of await Promise.all(works))
        expect(
          Buffer.from(cloud.arrays().positions.buffer).equals(Buffer.from(arrays.positions.buffer)),
        ).toBe(true);
    }
  });

  it('handles of jobs that wait are kept', async () => {
    const expected = await (await wholeRoom()).align(scan, OFF, OPTIONS);
    const normals = (await core.estimateNormals(core.cloud(arrays), 8)).arrays();
    for (let n = 0; n < 6; n++) {
      const map = new WeakRef(await wholeRoom());
      const busy = occupy();
      const alignment = map.deref()!.align(core.cloud(scan.arrays()), OFF, OPTIONS);
      const surface = core.estimateNormals(core.cloud(arrays), 8);
      const tree = core.kdTree(core.cloud(arrays));
      await churn();
      await busy;
      expect(await alignment).toEqual(expected);
      expect((await surface).arrays()).toEqual(normals);
      const found = await tree;
      await churn();
      expect(found.knn(Float32Array.of(1, 2, 3), 1).squaredDistances[0]).toBe(0);
    }
  });

  it('clouds and tiles that are dropped give their memory back', async () => {
    const positions = many.subarray(0, 3 * 20_000);
    const once = async (rounds: number) => {
      for (let n = 0; n < rounds; n++) {
        const cloud = await core.downsample(core.cloud({ positions }), 0.05);
        const upright = new Float32Array(3 * cloud.size).fill(0).map((_, i) => (i % 3 === 2 ? 1 : 0));
        const map = core.tileMap(200);
        map.add('0_0', await core.tile(core.cloud({ ...cloud.arrays(), normals: upright }), [0, 0, 0]));
      }
      collectGarbage();
      await sleep(1);
      collectGarbage();
      return process.memoryUsage().rss;
    };
    const [rounds, before] = native ? [300, await once(50)] : [20, await once(5)];
    // 300 rounds make about 900 MB of clouds, tiles and arrays.
    expect((await once(rounds)) - before).toBeLessThan(200e6);
  });
});

describe('a map that changes while it is in use', () => {
  it('answers each alignment from the tiles that it had when it was asked', async () => {
    const { near, far } = await halves();
    const map = core.tileMap(SIZE);
    const expected = new Map<string, unknown>();
    for (const ids of [[NEAR], [FAR], [NEAR, FAR]]) {
      const fixed = core.tileMap(SIZE);
      for (const id of ids) fixed.add(id, id === NEAR ? near : far);
      expected.set(ids.join(), await fixed.align(scan, OFF, OPTIONS));
    }
    const order = new Random(34);
    map.add(NEAR, near);
    const asked: [held: string, answer: Promise<unknown>][] = [];
    for (let n = 0; n < (native ? 300 : 12); n++) {
      const id = order.uint32() % 2 === 0 ? NEAR : FAR;
      if (!map.remove(id)) map.add(id, id === NEAR ? near : far);
      if (map.tileIds.length === 0) map.add(id, id === NEAR ? near : far);
      asked.push([map.tileIds.join(), map.align(scan, OFF, OPTIONS)]);
      if (n % 16 === 0) await Promise.all(asked.map(([, answer]) => answer));
    }
    expect(new Set(asked.map(([held]) => held)).size).toBe(3);
    for (const [held, answer] of asked) expect(await answer).toEqual(expected.get(held));
  });

  it('lets go of one tile without a word of the others', async () => {
    const { near, far } = await halves();
    const map = core.tileMap(SIZE);
    map.add(NEAR, near);
    const before = await map.align(scan, OFF, OPTIONS);
    map.add(FAR, far);
    map.remove(FAR);
    expect(await map.align(scan, OFF, OPTIONS)).toEqual(before);
    expect(map.points).toBe(near.size);
  });

  it('a tile that was removed can still be asked, and be added elsewhere', async () => {
    const map = await wholeRoom();
    const { near } = await halves();
    map.add('5_5', near);
    expect(map.remove('5_5')).toBe(true);
    collectGarbage();
    expect([near.size > 0, near.origin]).toEqual([true, [0, 0, 0]]);
    const other = core.tileMap(SIZE);
    other.add(NEAR, near);
    collectGarbage();
    const at = roomPoints.positions.findIndex((x, i) => i % 3 === 0 && x < SIZE);
    const query = Float64Array.from(roomPoints.positions.slice(at, at + 3));
    const { distances } = other.nearest(query, SIZE);
    expect(distances[0]).toBeLessThan(1e-5);
  });

  it('a map emptied under a cancelled alignment stays usable', async () => {
    const map = await wholeRoom();
    const controller = new AbortController();
    const answer = map.align(scan, OFF, ENDLESS, controller.signal);
    for (const id of map.tileIds) map.remove(id);
    controller.abort();
    expect(await reasonOf(() => answer)).toBe('cancelled');
    expect((await map.align(scan, OFF, OPTIONS)).inliers).toBe(0);
  });
});

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
