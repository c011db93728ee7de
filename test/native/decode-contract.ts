import { expect, it } from 'vitest';
import type { Core } from '../../src/core.ts';
import { encodePcd } from '../../src/pointcloud/pcd.ts';
import type { PointCloud2 } from '../../src/types.ts';
import { type Layout, pointCloud2 } from './clouds.ts';
import { reasonOf } from './core-contract.ts';

const ALL = { minRange: 0, maxRange: 1e6 };
const XYZ = [
  { name: 'x', offset: 0, datatype: 7 },
  { name: 'y', offset: 4, datatype: 7 },
  { name: 'z', offset: 8, datatype: 7 },
] as const;

/** From bytes to clouds: PointCloud2 and PCD. */
export function decodeContract(core: Core): void {
  const rows = Array.from({ length: 600 }, (_, i) => [
    i + 1,
    -2 * i,
    i % 50 === 7 ? Number.NaN : 0.5 * i,
    i % 256,
  ]);
  const finite = rows.filter((row) => row.every(Number.isFinite));

  const layouts: Record<string, Layout> = {
    'packed floats': { fields: [...XYZ, { name: 'i', offset: 12, datatype: 7 }], pointStep: 16 },
    'organised, padded rows': {
      fields: [...XYZ, { name: 'intensity', offset: 21, datatype: 2 }],
      pointStep: 23,
      height: 4,
      rowPadding: 5,
    },
    'big-endian doubles in another order': {
      fields: [
        { name: 'x', offset: 18, datatype: 8 },
        { name: 'y', offset: 1, datatype: 8 },
        { name: 'z', offset: 10, datatype: 8 },
        { name: 'reflectivity', offset: 26, datatype: 4 },
      ],
      pointStep: 29,
      height: 2,
      isBigEndian: true,
    },
    'one point a row': {
      fields: [...XYZ, { name: 'intensity', offset: 16, datatype: 7 }],
      pointStep: 32,
      height: 600,
      rowPadding: 8,
    },
  };
  it.each(Object.entries(layouts))('decodes a PointCloud2 of %s', async (_, layout) => {
    const message = pointCloud2(layout, rows);
    const before = message.data.slice();
    const { cloud, notFinite, outOfRange } = await core.decodePointCloud2(message, ALL);
    expect([cloud.size, notFinite, outOfRange]).toEqual([588, 12, 0]);
    const { positions, intensity, times } = cloud.arrays();
    expect([...positions]).toEqual(finite.flatMap((row) => row.slice(0, 3)));
    expect([...intensity!]).toEqual(finite.map((row) => row[3]));
    expect(times).toBeUndefined();
    expect(message.data).toEqual(before);
  });

  it('counts what is out of range, borders included, and what is not finite, apart', async () => {
    const message = pointCloud2({ fields: XYZ, pointStep: 12 }, [
      [0, 0, 0],
      [0.5, 0, 0],
      [0, 10, 0],
      [0, 0, 10.001],
      [Number.NaN, 0, 0],
      [0, 0, Number.POSITIVE_INFINITY],
    ]);
    const { cloud, notFinite, outOfRange } = await core.decodePointCloud2(message, {
      minRange: 0.5,
      maxRange: 10,
    });
    expect([cloud.size, notFinite, outOfRange]).toEqual([2, 2, 2]);
  });

  const stamp = 1_700_000_000_123_456_789n;
  const drivers: [string, string, 5 | 6 | 7 | 8, (offset: number) => number, number][] = [
    ['Ouster', 't', 6, (offset) => Math.round(offset * 1e9), 1e-8],
    ['Velodyne', 'time', 7, (offset) => offset, 1e-8],
    ['µs in float32', 'time', 7, (offset) => offset * 1e6, 1e-7],
    ['Hesai and RoboSense', 'timestamp', 8, (offset) => Number(stamp) / 1e9 + offset, 1e-6],
    ['Livox, absolute', 'timestamp', 8, (offset) => Number(stamp) + offset * 1e9, 1e-6],
    ['Livox, relative', 'offset_time', 6, (offset) => Math.round(offset * 1e9), 1e-8],
    ['µs since the epoch', 'time_stamp', 8, (offset) => Number(stamp) / 1e3 + offset * 1e6, 1e-6],
  ];
  it.each(drivers)('tells the time unit of %s (%s)', async (_, name, datatype, write, tolerance) => {
    const offsets = Array.from({ length: 101 }, (_value, i) => 0.001 * i);
    const layout: Layout = { fields: [...XYZ, { name, offset: 12, datatype }], pointStep: 20, stamp };
    const sweep = offsets.map((offset, i) => [i % 10 === 5 ? Number.NaN : 5, 0, 0, write(offset)]);
    const { cloud } = await core.decodePointCloud2(pointCloud2(layout, sweep), ALL);
    const expected = offsets.filter((_value, i) => i % 10 !== 5);
    const { times } = cloud.arrays();
    expect(times?.length).toBe(expected.length);
    expect(Math.max(...expected.map((offset, i) => Math.abs(times![i]! - offset)))).toBeLessThan(tolerance);
  });

  it.each<[string, 2 | 7 | 8, (i: number) => number]>([
    ['do not advance', 7, () => 0.05],
    ['span neither a sweep of s, µs nor ns', 7, (i) => 2 * i],
    ['are not finite', 7, (i) => (i === 50 ? Number.NaN : 0.001 * i)],
    ['are whole numbers of about a second', 2, (i) => i % 2],
    ['follow another clock than the stamp', 8, (i) => 5000 + 0.001 * i],
  ])('keeps no times that %s', async (_, datatype, write) => {
    const layout: Layout = { fields: [...XYZ, { name: 'time', offset: 12, datatype }], pointStep: 20, stamp };
    const sweep = Array.from({ length: 101 }, (_value, i) => [5, 0, 0, write(i)]);
    const { cloud } = await core.decodePointCloud2(pointCloud2(layout, sweep), ALL);
    expect([cloud.size, cloud.hasTimes]).toEqual([101, false]);
  });

  it('takes an empty message, and a single row whose rowStep is unset', async () => {
    const message = pointCloud2({ fields: XYZ, pointStep: 12 }, [[1, 2, 3]]);
    const empty = await core.decodePointCloud2({ ...message, width: 0, data: new Uint8Array() }, ALL);
    expect([empty.cloud.size, empty.notFinite, empty.outOfRange]).toEqual([0, 0, 0]);
    expect((await core.decodePointCloud2({ ...message, rowStep: 0 }, ALL)).cloud.size).toBe(1);
  });

  it('refuses messages that contradict themselves', async () => {
    const good = pointCloud2({ fields: XYZ, pointStep: 12, height: 2 }, [
      [1, 2, 3],
      [4, 5, 6],
    ]);
    const [x, y, z] = good.fields;
    const cases: [string, Partial<PointCloud2>][] = [
      ['truncated', { data: good.data.subarray(1) }],
      ['truncated', { height: 4294967295, rowStep: 4294967295 }],
      ['bad-layout', { rowStep: 11 }],
      ['bad-layout', { pointStep: 0 }],
      ['bad-layout', { fields: [x!, y!, { ...z!, offset: 9 }] }],
      ['unsupported-field', { fields: [x!, y!, { ...z!, datatype: 9 }] }],
      ['unsupported-field', { fields: [x!, y!, { ...z!, count: 2 }] }],
      ['missing-field', { fields: [x!, y!] }],
    ];
    for (const [reason, change] of cases) {
      expect(await reasonOf(() => core.decodePointCloud2({ ...good, ...change }, ALL))).toBe(reason);
    }
    expect(await reasonOf(() => core.decodePointCloud2(good, { minRange: 2, maxRange: 1 }))).toBe(
      'bad-range',
    );
  });

  it('reads what encodePcd writes, bit by bit', async () => {
    const n = 1000;
    const column = (perPoint: number, seed: number) =>
      Float32Array.from({ length: perPoint * n }, (_, i) => Math.sin(i * seed));
    const arrays = {
      positions: column(3, 1.1),
      intensity: column(1, 1.2),
      times: column(1, 1.3),
      normals: column(3, 1.4),
      curvature: column(1, 1.5),
    };
    const { cloud, notFinite } = await core.decodePcd(encodePcd(arrays));
    expect(notFinite).toBe(0);
    expect(cloud.arrays()).toEqual(arrays);
    const bare = { positions: arrays.positions };
    expect((await core.decodePcd(encodePcd(bare))).cloud.arrays()).toEqual(bare);
  });

  const text = (...lines: string[]) => new TextEncoder().encode(`${lines.join('\n')}\n`);
  it('reads ascii PCD of old versions and odd spacing', async () => {
    const file = text(
      'VERSION .5',
      'COLUMNS z y x',
      'WIDTH 3',
      'HEIGHT 1',
      'DATA ascii',
      ' 1 2\t+3\r',
      '',
      '4 nan 6',
      '-.5 1e1 7.',
    );
    const { cloud, notFinite } = await core.decodePcd(file);
    expect([...cloud.arrays().positions]).toEqual([3, 2, 1, 7, 10, -0.5]);
    expect(notFinite).toBe(1);
  });

  it('refuses PCD files that lie, with a reason', async () => {
    const body = ['FIELDS x y z', 'POINTS 1', 'DATA ascii'];
    const whole = encodePcd({ positions: Float32Array.of(1, 2, 3, 4, 5, 6) });
    const cases: [string, Uint8Array][] = [
      ['bad-header', new Uint8Array()],
      ['bad-header', text('VERSION 0.7', 'FIEL')],
      ['bad-header', text('FIELDS x y z', 'WIDTH 4294967296', 'HEIGHT 4294967296', 'DATA binary')],
      ['count-mismatch', text('FIELDS x y z', 'WIDTH 2', 'HEIGHT 2', 'POINTS 5', 'DATA ascii')],
      ['unsupported-version', text('VERSION .6', 'FIELDS x y z', 'POINTS 0', 'DATA binary_compressed')],
      ['missing-field', text('FIELDS x y', 'POINTS 0', 'DATA ascii')],
      ['unsupported-field', text('FIELDS x y z', 'SIZE 4 4 2', 'TYPE F F F', 'POINTS 0', 'DATA ascii')],
      ['bad-number', text(...body, '1,5 2 3')],
      ['count-mismatch', text(...body, '1 2')],
      ['count-mismatch', text(...body, '1 2 3', '4 5 6')],
      ['truncated', text(...body)],
      ['truncated', whole.subarray(0, -1)],
      ['count-mismatch', Uint8Array.of(...whole, 1)],
      [
        'bad-compression',
        Uint8Array.of(
          ...text('FIELDS x y z', 'POINTS 1', 'DATA binary_compressed'),
          1,
          0,
          0,
          0,
          12,
          0,
          0,
          0,
          0,
        ),
      ],
    ];
    for (const [reason, file] of cases) expect(await reasonOf(() => core.decodePcd(file))).toBe(reason);
  });
}
