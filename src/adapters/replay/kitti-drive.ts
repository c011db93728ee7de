import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { inverse } from '../../math/se3.ts';
import { type Mat3, quatFromMatrix } from '../../math/so3.ts';
import { type Pose, Refusal, type Stamp } from '../../types.ts';

/** A frame of a KITTI drive that has a file: its number, its stamp, and where its data is. */
export interface KittiFrame {
  readonly index: number;
  readonly stamp: Stamp;
  readonly path: string;
}

/** Lists `FOLDER/data/*.EXT` with the lines of `FOLDER/timestamps.txt`. Drives may lack files in between. */
export async function readFrames(folder: string, extension: string): Promise<KittiFrame[]> {
  const stamps = await readTimestamps(join(folder, 'timestamps.txt'));
  const data = join(folder, 'data');
  const names = (await readdir(data).catch(() => missing(data)))
    .filter((name) => name.endsWith(extension))
    .sort();
  return names.map((name) => {
    const index = Number(name.slice(0, -extension.length));
    const stamp = stamps[index];
    if (stamp === undefined) {
      const expected = `a time for every file, found none for ${name}`;
      throw new Refusal(
        'bad-timestamps',
        `${folder}/timestamps.txt: expected ${expected} in ${stamps.length} lines`,
      );
    }
    return { index, stamp, path: join(folder, 'data', name) };
  });
}

/** Lines `2011-09-26 13:02:25.964389445`. They name no zone: they are read as UTC, so that no machine's zone counts. */
export async function readTimestamps(path: string): Promise<Stamp[]> {
  const lines = (await readFile(path, 'utf8').catch(() => missing(path)))
    .split('\n')
    .map((line) => line.trim());
  return lines.filter(Boolean).map((line, i) => {
    const [, date, time, fraction = ''] =
      /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?$/.exec(line) ?? [];
    const milliseconds = Date.parse(`${date}T${time}Z`);
    if (Number.isNaN(milliseconds)) {
      throw new Refusal(
        'bad-timestamps',
        `${path}:${i + 1}: expected YYYY-MM-DD HH:MM:SS.nnnnnnnnn, found "${line}"`,
      );
    }
    return BigInt(milliseconds) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
  });
}

/**
 * T_base_velodyne, from `calib.txt` of the drive (tracking and odometry layouts: `Tr_imu_velo`, `Tr_imu_to_velo`) or
 * `calib_imu_to_velo.txt` of the drive or of its day. KITTI gives T_velodyne_imu, and base_link is the IMU's box.
 */
export async function readMount(drive: string): Promise<Pose> {
  const day = dirname(drive);
  for (const path of [join(drive, 'calib_imu_to_velo.txt'), join(day, 'calib_imu_to_velo.txt')]) {
    const text = await readFile(path, 'utf8').catch(() => undefined);
    if (text === undefined) continue;
    const [rotation, translation] = [row(text, /^R:/m), row(text, /^T:/m)];
    return mountOf(path, rotation, translation);
  }
  const path = join(drive, 'calib.txt');
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) {
    throw new Refusal(
      'no-calibration',
      `expected calib.txt or calib_imu_to_velo.txt in ${drive}, found neither`,
    );
  }
  const matrix = row(text, /^Tr_imu(_to)?_velo\b:?/m);
  return mountOf(
    path,
    matrix.filter((_, i) => i % 4 !== 3),
    matrix.filter((_, i) => i % 4 === 3),
  );
}

/** The numbers behind a key. */
function row(text: string, key: RegExp): number[] {
  const match = key.exec(text);
  if (!match) return [];
  const line = text.slice(match.index + match[0].length).split('\n', 1)[0]!;
  return line.trim().split(/\s+/).map(Number);
}

function mountOf(path: string, rotation: number[], translation: number[]): Pose {
  const values = [...rotation, ...translation];
  const m = rotation as Mat3;
  const determinant =
    m[0] * (m[4] * m[8] - m[5] * m[7]) -
    m[1] * (m[3] * m[8] - m[5] * m[6]) +
    m[2] * (m[3] * m[7] - m[4] * m[6]);
  if (values.length !== 12 || !values.every(Number.isFinite) || Math.abs(determinant - 1) > 1e-3) {
    throw new Refusal(
      'bad-calibration',
      `${path}: expected a rotation and a translation, found ${values.join(' ')}`,
    );
  }
  const T_velodyne_base: Pose = {
    position: translation as [number, number, number],
    orientation: quatFromMatrix(m),
  };
  return inverse(T_velodyne_base);
}

function missing(path: string): never {
  throw new Refusal(
    'missing-file',
    `expected ${path} of a KITTI raw drive, found nothing; unpack the whole drive`,
  );
}

/** Whether a folder is a KITTI raw drive. */
export async function isKittiDrive(path: string): Promise<boolean> {
  const scans = await stat(join(path, 'velodyne_points', 'data')).catch(() => undefined);
  return scans?.isDirectory() ?? false;
}
