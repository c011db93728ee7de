import type { VoxelScans } from '../core.ts';
import type { ChangeOptions } from './evidence.ts';
import type { SilverDrive } from './silver.ts';

/** The scans of a drive: points within the range, and the way as far as it of rays to points beyond. */
export interface UsedScans {
  readonly day: number;
  readonly near: Rays;
  readonly far: Rays;
}

export interface Rays {
  readonly origins: Float64Array;
  readonly lengths: Int32Array;
  /** index of each scan's first point */
  readonly first: Int32Array;
  readonly points: Float32Array;
}

export function usedScans(drive: SilverDrive, { maxRange, gap }: ChangeOptions): UsedScans {
  const { day } = drive;
  return {
    day,
    near: rays(drive, (range) => (range <= maxRange ? 1 : 0)),
    far: rays(drive, (range) => (range > maxRange ? Math.min(1, (maxRange + gap) / range) : 0)),
  };
}

/** @param share of a ray of this length, m, that is used; 0 leaves it out */
function rays({ scans, points }: SilverDrive, share: (range: number) => number): Rays {
  const kept = new Float32Array(points.length);
  const lengths = new Int32Array(scans.length);
  const first = new Int32Array(scans.length);
  let [from, to] = [0, 0];
  scans.forEach((scan, s) => {
    first[s] = to / 3;
    for (const end = from + 3 * scan.points; from < end; from += 3) {
      const [x, y, z] = [points[from]!, points[from + 1]!, points[from + 2]!];
      const used = share(Math.sqrt(x * x + y * y + z * z));
      if (used === 0) continue;
      kept[to] = used * x;
      kept[to + 1] = used * y;
      kept[to + 2] = used * z;
      to += 3;
    }
    lengths[s] = to / 3 - first[s]!;
  });
  const origins = Float64Array.from(scans.flatMap(({ origin }) => origin));
  return { origins, lengths, first, points: kept.slice(0, to) };
}

/** The scans whose rays can reach a tile. */
export function scansNear(drive: Rays, [cx, cy]: readonly number[], reach: number): VoxelScans {
  const near = [...drive.lengths.keys()].filter(
    (s) => Math.hypot(drive.origins[3 * s]! - cx!, drive.origins[3 * s + 1]! - cy!) <= reach,
  );
  const lengths = Int32Array.from(near, (s) => drive.lengths[s]!);
  const points = new Float32Array(3 * lengths.reduce((sum, length) => sum + length, 0));
  let at = 0;
  for (const s of near) {
    const from = 3 * drive.first[s]!;
    points.set(drive.points.subarray(from, from + 3 * drive.lengths[s]!), at);
    at += 3 * drive.lengths[s]!;
  }
  const origins = Float64Array.from(near.flatMap((s) => [...drive.origins.subarray(3 * s, 3 * s + 3)]));
  return { origins, lengths, points };
}
