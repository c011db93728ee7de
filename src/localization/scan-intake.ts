import type { Cloud, Core, DecodedScan, Sweep } from '../core.ts';
import { compose } from '../math/se3.ts';
import type { LidarPoints, PointCloud2, Pose, ScanPoints, Stamp } from '../types.ts';
import { mountHelp } from './mounts.ts';
import { type LidarConfig, scanProblem, shapeProblem } from './scan-check.ts';
import type { StageTimes } from './stage-times.ts';

export interface ScanParts {
  readonly core: Core;
  readonly lidar: LidarConfig;
  readonly minPoints: number;
  readonly base: string;
  /** T_base_frame */
  readonly mount: (frame: string) => Pose | undefined;
  /** T_base(stamp)_base(stamp + offset) for each offset in seconds, as far as it is known */
  readonly motion: (stamp: Stamp, offsets: readonly number[]) => Pose[] | undefined;
  /** says once what is not as it should be, though the run goes on */
  readonly notice: (reason: string, detail: string) => void;
}

export type PreparedScan =
  /** thinned, in the base frame at the stamp */
  | { readonly ok: true; readonly scan: Cloud; readonly points: ScanPoints }
  | {
      readonly ok: false;
      readonly reason: string;
      readonly detail: string;
      readonly points?: ScanPoints | undefined;
    };

/**
 * One scan out of the clouds of one or several LiDARs: decoded, each point moved to where it was seen from by the base at
 * `stamp`, put together, thinned. Clouds that cannot be used are left out where others can.
 */
export async function prepareScan(
  clouds: readonly PointCloud2[],
  missing: readonly string[],
  stamp: Stamp,
  parts: ScanParts,
  time: StageTimes,
): Promise<PreparedScan> {
  const sweeps: Sweep[] = [];
  try {
    return await putTogether(sweeps, clouds, missing, stamp, parts, time);
  } finally {
    for (const { cloud } of sweeps) cloud.release();
  }
}

/** Fills `sweeps` with what it decodes. */
async function putTogether(
  sweeps: Sweep[],
  clouds: readonly PointCloud2[],
  missing: readonly string[],
  stamp: Stamp,
  parts: ScanParts,
  time: StageTimes,
): Promise<PreparedScan> {
  const { core, lidar } = parts;
  const seen: LidarPoints[] = [];
  const untimed: string[] = [];
  let unmounted: string | undefined;
  for (const cloud of clouds) {
    const T_base_sensor = parts.mount(cloud.frameId);
    if (!T_base_sensor) {
      unmounted = mountHelp(cloud.frameId, parts.base);
      if (clouds.length > 1) parts.notice('unknown-mount', unmounted);
      continue;
    }
    const decoded = await time.stage('decode', () => core.decodePointCloud2(cloud, lidar));
    seen.push(pointsOf(cloud, decoded));
    if (decoded.times === 'none' && lidar.turn.told !== 'none') untimed.push(cloud.frameId);
    sweeps.push(sweepOf(cloud, decoded, T_base_sensor, stamp, parts));
  }
  if (seen.length === 0 && unmounted) return { ok: false, reason: 'unknown-mount', detail: unmounted };
  const points = sumOf(seen, missing);
  const few = scanProblem(points, parts.minPoints);
  if (few) return { ok: false, ...few, points };
  for (const frame of untimed) parts.notice('points-untimed', untimedHelp(frame));
  const scan = await time.stage('thin', () => core.thin(sweeps, lidar.voxelSize));
  const shape = shapeProblem(scan);
  return shape ? { ok: false, ...shape, points } : { ok: true, scan, points };
}

/** The latest stamp: to which the clouds of a group are brought. */
export function newestOf(clouds: readonly PointCloud2[]): Stamp {
  let newest = 0n;
  for (const { stamp } of clouds) if (stamp > newest) newest = stamp;
  return newest;
}

/** A cloud with its own stamp and its own sweep, as the base at `stamp` will see it. */
function sweepOf(
  { stamp: own }: PointCloud2,
  { cloud }: DecodedScan,
  T_base_sensor: Pose,
  stamp: Stamp,
  { lidar, motion }: ScanParts,
): Sweep {
  const later = Number(own - stamp) * 1e-9;
  const { timeRange } = cloud;
  if (!timeRange || timeRange[1] <= timeRange[0]) {
    const at = later === 0 ? undefined : motion(stamp, [later])?.[0];
    return {
      cloud,
      T_base_sensor: at ? compose(at, T_base_sensor) : T_base_sensor,
      motion: { kind: 'still' },
    };
  }
  const [first, last] = timeRange;
  const steps = Math.max(1, Math.ceil((last - first) / lidar.motionStep));
  const times = Array.from({ length: steps + 1 }, (_, k) => first + ((last - first) * k) / steps);
  const poses = motion(
    stamp,
    times.map((seconds) => later + seconds),
  );
  return { cloud, T_base_sensor, motion: poses ? { kind: 'sampled', times, poses } : { kind: 'still' } };
}

function pointsOf(
  { frameId, width, height }: PointCloud2,
  { notFinite, outOfRange, times }: DecodedScan,
): LidarPoints {
  const from = times === 'none' ? 'unhandled' : times;
  return { frame: frameId, total: width * height, notFinite, outOfRange, times: from };
}

function sumOf(seen: readonly LidarPoints[], missing: readonly string[]): ScanPoints {
  const sum = (count: (one: LidarPoints) => number) => seen.reduce((all, one) => all + count(one), 0);
  const several = seen.length > 1 || missing.length > 0;
  return {
    total: sum(({ total }) => total),
    notFinite: sum(({ notFinite }) => notFinite),
    outOfRange: sum(({ outOfRange }) => outOfRange),
    times: (['unhandled', 'turn', 'driver'] as const).find((from) =>
      seen.some(({ times }) => times === from),
    )!,
    ...(several && { lidars: seen }),
    ...(missing.length > 0 && { missing }),
  };
}

function untimedHelp(frame: string): string {
  return (
    `expected times of the points of ${frame}, or an order that tells how it turns, found neither: its scans are ` +
    'used as if taken at once; tell it by lidar.turn.told=azimuth, or none where the driver has undone the motion'
  );
}
