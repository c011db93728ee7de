import { readFileSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseFrameRange } from '../../src/adapters/replay/frames.ts';
import { kittiReference, referenceOrigin, referencePoses } from '../../src/adapters/replay/kitti.ts';
import { openSource } from '../../src/adapters/replay/open.ts';
import { transformPoint } from '../../src/math/se3.ts';
import { quatRotate } from '../../src/math/so3.ts';
import type { PointCloud2 } from '../../src/types.ts';
import { plain, readAll, refusals, temporaryFolder, write, writeMcap } from './fixtures.ts';

const folder = temporaryFolder();
const PERIOD_MS = 100;
// The IMU's origin in the LiDAR is (−0.8, 0.3, −0.8), turned by 90° about z.
const CALIB = 'P0: 1 0 0 0\nTr_imu_velo 0 -1 0 -0.8 1 0 0 0.3 0 0 1 -0.8\n';

function makeDrive(name: string, frames = 5): string {
  const drive = join(folder, name);
  const stamps: string[] = [];
  for (let i = 0; i < frames; i++) {
    const file = String(i).padStart(10, '0');
    // Points ahead, to the left, behind (from the left) and to the right.
    const points = [10, 0, 1, 0.5, 0, 10, 1, 0.25, -10, 1e-9, 1, 0, 0, -10, i, 1];
    const bytes = new Uint8Array(Float32Array.from(points).buffer);
    write(join(drive, 'velodyne_points', 'data', `${file}.bin`), bytes);
    const heading = `0.01 -0.02 ${0.5 + 0.1 * i}`;
    const motion = '1 2 3 0 0 0.11 0.22 9.81 0.7 0.8 9.82 0.01 0.02 0.03 0.04 0.05 0.06';
    write(
      join(drive, 'oxts', 'data', `${file}.txt`),
      `${49 + 1e-5 * i} 8.4 112.8 ${heading} ${motion} 0.5 0.1 4 10 5 5 0`,
    );
    stamps.push(`2011-09-26 13:02:25.${String(i * PERIOD_MS).padStart(3, '0')}000001`);
  }
  write(join(drive, 'velodyne_points', 'timestamps.txt'), `${stamps.join('\n')}\n`);
  write(join(drive, 'oxts', 'timestamps.txt'), `${stamps.join('\n')}\n`);
  write(join(drive, 'calib.txt'), CALIB);
  return drive;
}

function column({ data, width, pointStep }: PointCloud2, offset: number): number[] {
  const view = new DataView(data.buffer, data.byteOffset);
  return Array.from({ length: width }, (_, i) => view.getFloat32(i * pointStep + offset, true));
}

describe('a KITTI drive', () => {
  const drive = makeDrive('drive');

  it('gives clouds whose point times follow the azimuth', async () => {
    const clouds = (await readAll(drive)).filter((message) => message.kind === 'points');
    expect(clouds).toHaveLength(5);
    const [first] = clouds;
    expect(first!.value.stamp).toBe(1317042145_000000001n);
    // The turn is clockwise: left a quarter turn before the stamp, right a quarter after it.
    expect(column(first!.value, 16).map((time) => Math.round(time * 1e6) / 1e6)).toEqual([
      0, -0.025, -0.05, 0.025,
    ]);
    expect(column(first!.value, 12)).toEqual([0.5, 0.25, 0, 1]);
    expect(first!.arrival - first!.value.stamp).toBe(50_000_000n);
  });

  it('gives fix, IMU and mount', async () => {
    const read = await readAll(drive);
    expect(read[0]).toMatchObject({ kind: 'mount', value: { parent: 'base_link', child: 'velodyne' } });
    const imu = read.find((message) => message.kind === 'imu')!;
    expect(imu.value).toMatchObject({
      linearAcceleration: [0.11, 0.22, 9.81],
      angularVelocity: [0.01, 0.02, 0.03],
    });
    const fix = read.find((message) => message.kind === 'gnss')!;
    expect(fix.value).toMatchObject({ latitude: 49, longitude: 8.4, altitude: 112.8, status: 2 });
    expect(fix.value.covariance[0]).toBeCloseTo(0.25);
    const mount = read.find((message) => message.kind === 'mount')!;
    // T_velodyne_base takes base's origin to (−0.8, 0.3, −0.8), so its inverse takes that point back to zero.
    const origin = transformPoint(mount.value.T_parent_child, [-0.8, 0.3, -0.8]);
    expect(Math.hypot(...origin)).toBeLessThan(1e-12);
    const turned = quatRotate(mount.value.T_parent_child.orientation, [0, 1, 0]);
    expect(Math.hypot(turned[0] - 1, turned[1], turned[2])).toBeLessThan(1e-12);
  });

  it('gives reference poses in the frame at the first fix', async () => {
    const reference = await kittiReference(drive);
    const poses = referencePoses(reference, referenceOrigin(reference)!);
    const read = (await readAll(drive)).filter((message) => message.kind === 'pose');
    expect(read.map(({ value }) => value)).toEqual(poses);
    expect(poses[0]!.pose.position).toEqual([0, 0, 0]);
    // 1e-5° of latitude at 49° north is 1.112 m.
    expect(poses[4]!.pose.position[1]).toBeCloseTo(4 * 1.1121, 2);
    const forward = quatRotate(poses[0]!.pose.orientation, [1, 0, 0]);
    expect(Math.atan2(forward[1], forward[0])).toBeCloseTo(0.5, 2);
    // KITTI: a negative pitch is nose up.
    expect(forward[2]).toBeCloseTo(0.02, 3);
  });

  it('leaves out clouds only, and keeps the periods of the whole drive', async () => {
    const [all, odd] = [await readAll(drive), await readAll(drive, { frames: parseFrameRange('1::2') })];
    const expected = all.filter(({ kind, sequence }) => kind !== 'points' || sequence % 2 === 1);
    expect(odd.map(plain)).toEqual(expected.map(plain));
  });

  it('is the same after a round trip through an MCAP', async () => {
    const all = await readAll(drive);
    const bag = await writeMcap(join(folder, 'converted'), all);
    expect((await readAll(bag)).map(plain)).toEqual(all.map(plain));
  });

  it('is the same twice', async () => {
    const paths = [join(folder, 'one.mcap'), join(folder, 'two.mcap')];
    for (const path of paths) await writeMcap(path, await readAll(drive));
    expect(readFileSync(paths[0]!).equals(readFileSync(paths[1]!))).toBe(true);
  });

  it('reads the raw layout of the calibration', async () => {
    const raw = makeDrive('raw');
    rmSync(join(raw, 'calib.txt'));
    write(join(raw, 'calib_imu_to_velo.txt'), 'calib_time: now\nR: 0 -1 0 1 0 0 0 0 1\nT: -0.8 0.3 -0.8\n');
    expect((await readAll(raw))[0]).toEqual((await readAll(drive))[0]);
  });
});

describe('a KITTI drive with faults', () => {
  it('refuses what it cannot use and goes on', async () => {
    const drive = makeDrive('faulty');
    truncateSync(join(drive, 'velodyne_points', 'data', '0000000001.bin'), 40);
    write(join(drive, 'oxts', 'data', '0000000000.txt'), 'nan nan');
    write(join(drive, 'oxts', 'data', '0000000003.txt'), `NaN ${'1 '.repeat(29)}`);
    const read = await readAll(drive);
    expect(refusals(read).sort()).toEqual([
      ...Array(1).fill('bad-length'),
      ...Array(3).fill('bad-message'),
      ...Array(3).fill('not-finite'),
    ]);
    expect(read.filter(({ kind }) => kind === 'points')).toHaveLength(4);
    expect(read.filter(({ kind }) => kind === 'pose')).toHaveLength(3);
  });

  it('takes the turn as whole where a neighbour is missing', async () => {
    const drive = makeDrive('gap');
    rmSync(join(drive, 'velodyne_points', 'data', '0000000002.bin'));
    const arrivals = (await readAll(drive)).flatMap((m) =>
      m.kind === 'points' ? [m.arrival - m.value.stamp] : [],
    );
    expect(arrivals).toEqual(Array(4).fill(50_000_000n));
  });

  it.each([
    ['calibration', 'calib.txt', undefined, 'no-calibration'],
    ['a rotation', 'calib.txt', 'Tr_imu_velo 2 0 0 0 0 1 0 0 0 0 1 0\n', 'bad-calibration'],
    ['times', join('oxts', 'timestamps.txt'), undefined, 'missing-file'],
    ['readable times', join('velodyne_points', 'timestamps.txt'), 'yesterday\n', 'bad-timestamps'],
    ['enough times', join('velodyne_points', 'timestamps.txt'), '2011-09-26 13:02:25.1\n', 'bad-timestamps'],
  ])('is refused without %s', async (_, file, content, reason) => {
    const drive = makeDrive('bad');
    if (content === undefined) rmSync(join(drive, file));
    else write(join(drive, file), content);
    await expect(openSource(drive)).rejects.toMatchObject({ reason });
  });
});
