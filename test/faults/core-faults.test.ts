import { describe, expect, it } from 'vitest';
import type { Alignment, AlignOptions, Cloud, CloudArrays, DecodedCloud } from '../../src/core.ts';
import { type Registration, register, registrationConfig } from '../../src/localization/registration.ts';
import { Random } from '../../src/math/random.ts';
import { IDENTITY } from '../../src/math/se3.ts';
import { quatFromRpy } from '../../src/math/so3.ts';
import { loadCore } from '../../src/native.ts';
import type { PointCloud2, Pose } from '../../src/types.ts';
import { corner, pointCloud2, scatter, seenFrom } from '../native/clouds.ts';
import { reasonOf } from '../native/core-contract.ts';

/** What bad input does to the core in use, from bytes to pose: refused with a reason, or an answer that is clean. */
const core = loadCore('auto');
if (core.kind !== 'native')
  console.warn('the native addon is not built: these faults go to the portable core');

const LIMITS = { minRange: 0.3, maxRange: 100 };
const CONFIG = registrationConfig.parse({});
const OPTIONS: AlignOptions = CONFIG;
const T_map_base: Pose = { position: [7, 5, 0.8], orientation: quatFromRpy(0.01, -0.02, 0.7) };
const OFF: Pose = { position: [7.2, 4.9, 0.85], orientation: quatFromRpy(0, 0, 0.73) };
const XYZ = ['x', 'y', 'z'].map((name, axis) => ({ name, offset: 4 * axis, datatype: 7 as const }));

/** Points of a room's corner, as a map of one tile. */
const room = (async () => {
  const { positions, normals } = corner(new Random(1), 1500);
  const map = core.tileMap(20);
  const arrays = { positions: Float32Array.from(positions), normals: Float32Array.from(normals) };
  map.add('0_0', await core.tile(core.cloud(arrays), [0, 0, 0]));
  return map;
})();
/** What the robot sees there, x y z by row. */
const seen = rowsOf(seenFrom(core, corner(new Random(2), 700, 0.8).positions, T_map_base).arrays().positions);

function rowsOf(positions: Float32Array): number[][] {
  return Array.from({ length: positions.length / 3 }, (_, i) => [...positions.subarray(3 * i, 3 * i + 3)]);
}

const message = (rows: readonly (readonly number[])[]) => pointCloud2({ fields: XYZ, pointStep: 12 }, rows);

/** The way of a scan through the core. */
async function localise(
  scan: PointCloud2,
): Promise<{ decoded: DecodedCloud; found: Alignment; judged: Registration }> {
  const decoded = await core.decodePointCloud2(scan, LIMITS);
  const deskewed = await core.deskew(decoded.cloud, IDENTITY, { kind: 'still' });
  const thinned = await core.downsample(deskewed, 0.1);
  const map = await room;
  const found = await map.align(thinned, OFF, OPTIONS);
  const judged = await register(map, thinned, OFF, CONFIG);
  expectFinite(thinned.arrays());
  expectCleanPose(found);
  if (judged.ok) expect([...judged.covariance].every(Number.isFinite)).toBe(true);
  return { decoded, found, judged };
}

function expectFinite(arrays: CloudArrays): void {
  for (const [name, values] of Object.entries(arrays))
    expect([name, (values as Float32Array).findIndex((v) => !Number.isFinite(v))]).toEqual([name, -1]);
}

/** Whatever the geometry: a pose of numbers with a unit quaternion, counts that fit, evidence without NaN. */
function expectCleanPose(found: Alignment): void {
  const { T_map_base: pose, hessian, eigenvalues, eigenvectors, residual, range } = found;
  const numbers = [
    ...pose.position,
    ...pose.orientation,
    ...hessian,
    ...eigenvalues,
    ...eigenvectors,
    residual,
    range,
  ];
  expect(numbers.every(Number.isFinite)).toBe(true);
  expect(Math.hypot(...pose.orientation)).toBeCloseTo(1, 6);
  expect(found.inliers).toBeLessThanOrEqual(found.points + 3);
}

describe('points that are no scan', () => {
  const NAN = Number.NaN;
  const INF = Number.POSITIVE_INFINITY;

  it('localises the good points among NaN and infinite ones, and counts the bad', async () => {
    const bad = [NAN, INF, -INF, 3.4e38 * 10];
    const rows = seen.flatMap((row, i) => [row, row.map((v, axis) => (axis === i % 3 ? bad[i % 4]! : v))]);
    const { decoded, judged } = await localise(message(rows));
    expect([decoded.cloud.size, decoded.notFinite]).toEqual([seen.length, seen.length]);
    expect(judged.ok).toBe(true);
    if (judged.ok)
      expect(
        Math.hypot(...judged.T_map_base.position.map((v, a) => v - T_map_base.position[a]!)),
      ).toBeLessThan(0.01);
  });

  const plane = Array.from({ length: 900 }, (_, i) => [(i % 30) / 8 - 2, Math.floor(i / 30) / 8 - 2, -0.8]);
  const cases: [name: string, rows: number[][], reason: string][] = [
    ['all NaN', seen.map(() => [NAN, NAN, NAN]), 'too-few-points'],
    ['no point', [], 'too-few-points'],
    ['one point', [[4, 0, 0]], 'too-few-points'],
    ['the same point many times', Array.from({ length: 2000 }, () => [4, 1, 0.5]), 'too-few-points'],
    ['points on a line', Array.from({ length: 900 }, (_, i) => [i / 50 - 9, 2, 0.1]), 'too-few-points'],
    ['points nowhere near the map', seen.map(([x, y, z]) => [x! / 4 + 60, y! + 60, z!]), 'no-overlap'],
    ['points beyond any LiDAR', seen.map(() => [1e30, -1e30, 1e30]), 'too-few-points'],
  ];
  it.each(cases)('%s: no pose, with a reason', async (_, rows, reason) => {
    const { judged, decoded } = await localise(message(rows));
    expect(judged.ok ? 'ok' : judged.reason).toBe(reason);
    expect(decoded.cloud.size + decoded.notFinite + decoded.outOfRange).toBe(rows.length);
  });

  it('a plane: says which directions it leaves open', async () => {
    const { judged, found } = await localise(message(plane));
    expect(found.eigenvalues[2]! / found.eigenvalues[5]!).toBeLessThan(1e-3);
    expect(judged.ok ? judged.degenerate : judged.reason).toBe(3);
  });

  it('a line, straight through the map: never more than a degenerate answer', async () => {
    const { judged } = await localise(
      message(Array.from({ length: 4000 }, (_, i) => [i / 50 - 40, 2, -0.8])),
    );
    expect(judged.ok ? judged.degenerate : 6).toBeGreaterThanOrEqual(3);
  });

  it.each<[string, Float32Array]>([
    ['one place', new Float32Array(300).fill(2)],
    ['a line', scatter(300, () => [new Random(3).uniform(-9, 9), 1, 1])],
    ['a plane through the origin', Float32Array.from(plane.flatMap(([x, y]) => [x!, y!, 0]))],
    ['numbers near the end of float32', scatter(300, () => [3e38, -3e38, 3e38])],
    ['numbers near zero', scatter(300, () => [1e-42, 1e-40, -1e-44])],
  ])('surfaces of %s: unit normals or a refusal, never NaN', async (_, positions) => {
    const cloud = core.cloud({ positions });
    const reason = await reasonOf(async () => {
      const fitted = await core.estimateNormals(cloud, 10);
      const { normals } = fitted.arrays();
      expectFinite(fitted.arrays());
      for (const [x, y, z] of rowsOf(normals!)) expect(Math.hypot(x!, y!, z!)).toBeCloseTo(1, 4);
      await core.tile(fitted, [0, 0, 0]);
    });
    expect(reason ?? 'not-finite').toMatch(/^[a-z]+(-[a-z]+)+$/);
  });

  it.each([1e3, 1e30, 1e300])(
    'a twist of %d, which no robot has: no pose, or one of numbers',
    async (speed) => {
      const arrays = {
        positions: Float32Array.from(seen.flat()),
        times: Float32Array.from(seen, (_, i) => i / 1e5),
      };
      const linear = [speed, 0, 0] as const;
      for (const angular of [
        [0, 0, 0],
        [0, 0, speed],
      ] as const) {
        const deskewed = await core.deskew(core.cloud(arrays), IDENTITY, { kind: 'twist', linear, angular });
        expectCleanPose(await (await room).align(deskewed, OFF, OPTIONS));
        expect((await register(await room, deskewed, OFF, CONFIG)).ok).toBe(false);
        const reason = await reasonOf(() => core.downsample(deskewed, 0.1));
        expect(reason).toBe(speed > 1e6 ? 'point-out-of-range' : undefined);
      }
    },
  );

  it('a prediction far away, or turned over: still a pose of numbers', async () => {
    const cloud = core.cloud({ positions: Float32Array.from(seen.flat()) });
    const map = await room;
    for (const position of [
      [1000, 0, 0],
      [-1e9, 1e9, 0],
      [1e300, 0, 0],
    ] as const)
      expectCleanPose(await map.align(cloud, { ...OFF, position }, OPTIONS));
    expectCleanPose(await map.align(cloud, { ...OFF, orientation: quatFromRpy(Math.PI, 0, 0) }, OPTIONS));
    expect(await reasonOf(() => map.align(cloud, { ...OFF, position: [NAN, 0, 0] }, OPTIONS))).toBe(
      'bad-argument',
    );
  });
});

describe('messages that lie', () => {
  const good = message(seen);

  it.each([1, 2, 3, 4, 5, 6])(
    'coordinates of datatype %i, which no LiDAR writes: no pose',
    async (datatype) => {
      const { judged } = await localise({
        ...good,
        fields: good.fields.map((field) => ({ ...field, datatype })),
      });
      expect(judged.ok).toBe(false);
    },
  );

  it('float64 declared over float32: refused, or no pose', async () => {
    const fields = good.fields.map((field) => ({ ...field, datatype: 8 }));
    expect(await reasonOf(() => localise({ ...good, fields }))).toBe('bad-layout');
    const wide = {
      ...good,
      fields: fields.map((f, i) => ({ ...f, offset: 8 * i })),
      pointStep: 24,
      width: good.width / 2,
    };
    expect((await localise(wide)).judged.ok).toBe(false);
  });

  it('a buffer cut at any byte of its last points: truncated', async () => {
    for (let cut = 1; cut <= 40; cut++) {
      const data = good.data.subarray(0, good.data.length - cut);
      expect(await reasonOf(() => core.decodePointCloud2({ ...good, data }, LIMITS))).toBe('truncated');
    }
    expect(await reasonOf(() => core.decodePointCloud2({ ...good, data: new Uint8Array() }, LIMITS))).toBe(
      'truncated',
    );
  });

  it('sizes up to 2³² − 1: refused at once, without the memory', async () => {
    const [before, from] = [process.memoryUsage().rss, performance.now()];
    const most = 2 ** 32 - 1;
    for (const change of [
      { width: most },
      { height: most },
      { height: most, rowStep: most },
      { width: most, height: most },
      { width: most, height: most, pointStep: most, rowStep: most },
      { pointStep: most },
      { width: 2 ** 31, height: 2, pointStep: 2 ** 31, rowStep: 0 },
    ]) {
      const reason = await reasonOf(() => core.decodePointCloud2({ ...good, ...change }, LIMITS));
      expect(reason).toMatch(/^(truncated|bad-layout)$/);
    }
    expect(performance.now() - from).toBeLessThan(1000);
    expect(process.memoryUsage().rss - before).toBeLessThan(100e6);
  });

  // The portable core trusts the types that TypeScript checked; the native one cannot afford to.
  it.skipIf(core.kind !== 'native')(
    'values of other types than the contract says: bad-argument',
    async () => {
      const field = (change: object) => ({ fields: good.fields.map((one) => ({ ...one, ...change })) });
      const changes: object[] = [
        ...[-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 32, '1', null, undefined, 1n].flatMap((value) => [
          { width: value },
          { height: value },
          { pointStep: value },
          { rowStep: value },
          field({ offset: value }),
          field({ datatype: value }),
          field({ count: value }),
        ]),
        ...[
          null,
          undefined,
          'bytes',
          [1],
          new Float32Array(99),
          new ArrayBuffer(9),
          new DataView(new ArrayBuffer(9)),
          {},
        ].map((data) => ({ data })),
        ...[null, 'xyz', [null], new Array(3), [{}]].map((fields) => ({ fields })),
        ...[0, null, '0', undefined].map((stamp) => ({ stamp })),
      ];
      for (const change of changes) {
        const lie = { ...good, ...change } as PointCloud2;
        const reason = await reasonOf(() => core.decodePointCloud2(lie, LIMITS));
        expect([change, reason]).toEqual([change, 'bad-argument']);
      }
    },
  );

  it('random layouts over random bytes: a refusal or finite points in range', async () => {
    const random = new Random(4);
    const pick = (...values: number[]) => values[random.uint32() % values.length]!;
    /** Mostly what is right, sometimes what is not. */
    const mostly = (right: number[], ...wrong: number[]) =>
      random.uint32() % 12 === 0 ? pick(...wrong) : pick(...right);
    const most = 2 ** 32 - 1;
    let decoded = 0;
    for (let n = 0; n < 3000; n++) {
      const lie: PointCloud2 = {
        ...good,
        data: randomBytes(random, mostly([500, 4000], 0, 1, 11, 12)),
        isBigEndian: n % 2 === 0,
        height: mostly([1, 2, 7], 0, most),
        width: mostly([1, 2, 9, 40], 0, most),
        pointStep: mostly([12, 13, 24], 0, 1, most),
        rowStep: mostly([480, 481], 0, 12, most),
        fields: ['x', 'y', 'z', 'intensity', 'time'].map((name) => ({
          name,
          offset: mostly([0, 1, 4, 5, 8], most),
          datatype: mostly([1, 2, 3, 7], 0, 4, 5, 6, 8, 9, 255),
          count: mostly([0, 1], 2),
        })),
      };
      const reason = await reasonOf(async () => {
        const { cloud, notFinite, outOfRange } = await core.decodePointCloud2(lie, LIMITS);
        if (cloud.size > 0) decoded++;
        expect(cloud.size + notFinite + outOfRange).toBe(lie.width * lie.height);
        expectInRange(cloud);
      });
      expect(reason ?? 'no-reason').toMatch(
        /^(no-reason|truncated|bad-layout|unsupported-field|missing-field)$/,
      );
    }
    expect(decoded).toBeGreaterThan(50);
  });
});

function expectInRange(cloud: Cloud): void {
  const { positions, times } = cloud.arrays();
  for (const [x, y, z] of rowsOf(positions)) {
    const range = Math.hypot(x!, y!, z!);
    expect(range >= LIMITS.minRange * 0.999 && range <= LIMITS.maxRange * 1.001).toBe(true);
  }
  if (times) expect([...times].every(Number.isFinite)).toBe(true);
}

function randomBytes(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.uint32());
}

describe('PCD files that are none', () => {
  const encode = (text: string) => new TextEncoder().encode(text);

  it('garbage, alone or behind a good header: always a reason', async () => {
    const random = new Random(5);
    const headers = ['', '# .PCD v0.7\n', 'FIELDS x y z\n', 'FIELDS x y z\nPOINTS 9\nDATA ascii\n'];
    for (let n = 0; n < 2000; n++) {
      const file = Buffer.concat([encode(headers[n % 4]!), randomBytes(random, random.uint32() % 400)]);
      expect(await reasonOf(() => core.decodePcd(file))).toMatch(/^[a-z]+(-[a-z]+)+$|^truncated$/);
    }
  });

  it('headers put together at random: a reason, or as many points as were declared', async () => {
    const random = new Random(6);
    const pick = <T>(values: readonly T[]) => values[random.uint32() % values.length]!;
    const numbers = [
      '0',
      '1',
      '3',
      '4',
      '8',
      '-1',
      '65536',
      '4294967295',
      '18446744073709551616',
      '1e9',
      'nan',
      '',
    ];
    const line = () =>
      pick([
        () => 'FIELDS x y z',
        () => `FIELDS x y z ${pick(['intensity', 'x', '_', 'normal_x'])}`,
        () =>
          `${pick(['SIZE', 'COUNT', 'WIDTH', 'HEIGHT', 'POINTS'])} ${[0, 0, 0].map(() => pick(numbers)).join(' ')}`,
        () => `${pick(['WIDTH', 'HEIGHT', 'POINTS'])} ${pick(numbers)}`,
        () => `TYPE ${[0, 0, 0].map(() => pick(['F', 'U', 'I', 'X'])).join(' ')}`,
        () => `VERSION ${pick(['0.7', '.5', '9'])}`,
      ])();
    for (let n = 0; n < 3000; n++) {
      const lines = Array.from({ length: 1 + (random.uint32() % 7) }, line);
      const data = pick(['ascii', 'binary', 'binary_compressed', 'zip']);
      const file = Buffer.concat([
        encode(`${lines.join('\n')}\nDATA ${data}\n`),
        randomBytes(random, random.uint32() % 99),
      ]);
      const reason = await reasonOf(async () => expectFinite((await core.decodePcd(file)).cloud.arrays()));
      expect(reason ?? 'no-reason').toMatch(/^[a-z]+(-[a-z]+)+$|^truncated$/);
    }
  });

  it.each([
    'FIELDS x y z\nPOINTS 4000000000\nDATA binary\n',
    'FIELDS x y z\nPOINTS 4000000000\nDATA ascii\n1 2 3\n',
    'FIELDS x y z\nWIDTH 4294967295\nHEIGHT 4294967295\nDATA binary\n',
    'FIELDS x y z p\nSIZE 4 4 4 8\nTYPE F F F F\nCOUNT 1 1 1 65536\nPOINTS 4294967295\nDATA binary\n',
    'FIELDS x y z\nPOINTS 357913941\nDATA binary_compressed\n\x09\0\0\0\x7f\x7f\x7f\x7f\0',
    'FIELDS x y z\nPOINTS 1\nDATA ascii\n1e999 0 0\n',
  ])('%j: refused at once, without the memory', async (text) => {
    const [before, from] = [process.memoryUsage().rss, performance.now()];
    expect(await reasonOf(() => core.decodePcd(encode(text)))).toMatch(
      /^(truncated|count-mismatch|bad-header|bad-number|bad-compression)$/,
    );
    expect(performance.now() - from).toBeLessThan(1000);
    expect(process.memoryUsage().rss - before).toBeLessThan(100e6);
  });
});
