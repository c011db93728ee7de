import { readFile } from 'node:fs/promises';
import { type PointCloud2, Refusal, type Stamp } from '../../types.ts';
import type { KittiFrame } from './kitti-drive.ts';

const FLOAT32 = 7;
const NAMES = ['x', 'y', 'z', 'intensity', 'time'];
const POINT_STEP = 4 * NAMES.length;
/** A turn of the HDL-64E at 10 Hz, for a drive with one scan. */
const NOMINAL_PERIOD = 100_000_000n;

/**
 * Reads `data/*.bin` (float32 x, y, z, reflectance) and adds each point's time in seconds from the stamp. The stamp is
 * when the laser faces forward; it turns clockwise from backwards to backwards (Geiger et al., "Vision meets robotics:
 * the KITTI dataset", IJRR 2013), so the azimuth gives the time. KISS-ICP uses the same rule.
 * Throws a Refusal `bad-length`.
 */
export async function readScan({ path, stamp }: KittiFrame, period: Stamp): Promise<PointCloud2> {
  const file = await readFile(path);
  if (file.length === 0 || file.length % 16 !== 0) {
    throw new Refusal('bad-length', `${path}: expected rows of 16 bytes, found ${file.length} bytes`);
  }
  const points = file.length / 16;
  const seconds = Number(period) * 1e-9;
  // Every platform of Node is little-endian, as the file is; slice() aligns to 4 bytes.
  const source = new Float32Array(file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength));
  const target = new Float32Array(points * NAMES.length);
  for (let from = 0, to = 0; from < source.length; from += 4, to += NAMES.length) {
    const x = source[from]!;
    const y = source[from + 1]!;
    target[to] = x;
    target[to + 1] = y;
    target[to + 2] = source[from + 2]!;
    target[to + 3] = source[from + 3]!;
    target[to + 4] = (0.5 * (1 - Math.atan2(y, x) / Math.PI) - 0.5) * seconds;
  }
  const data = new Uint8Array(target.buffer);
  return {
    stamp,
    frameId: 'velodyne',
    height: 1,
    width: points,
    fields: NAMES.map((name, i) => ({ name, offset: 4 * i, datatype: FLOAT32, count: 1 })),
    isBigEndian: false,
    pointStep: POINT_STEP,
    rowStep: data.length,
    data,
  };
}

/**
 * The duration of each turn, ns: half the time between the neighbours. Where a scan is missing on one side the shorter
 * step counts, because the laser turned on. Throws a Refusal `bad-timestamps` if the stamps do not rise.
 */
export function sweepPeriods(stamps: readonly Stamp[]): Stamp[] {
  return stamps.map((stamp, i) => {
    const before = i > 0 ? stamp - stamps[i - 1]! : undefined;
    const after = i + 1 < stamps.length ? stamps[i + 1]! - stamp : undefined;
    if ((before ?? 1n) <= 0n) {
      throw new Refusal('bad-timestamps', `expected rising stamps, found ${stamps[i - 1]} before ${stamp}`);
    }
    if (before === undefined || after === undefined) return before ?? after ?? NOMINAL_PERIOD;
    const [shorter, longer] = before < after ? [before, after] : [after, before];
    return 2n * longer > 3n * shorter ? shorter : (before + after) / 2n;
  });
}
