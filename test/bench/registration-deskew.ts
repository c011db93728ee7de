import type { Core, Turn } from '../../src/core.ts';
import { median } from '../../src/math/statistics.ts';
import type { PointCloud2, Pose } from '../../src/types.ts';
import { note } from './measure.ts';
import type { Row } from './row.ts';
import { apart } from './starts.ts';
import type { Frame, Street } from './street.ts';
import { config } from './tiles.ts';

/** KITTI's laser turns clockwise from backwards to backwards and is stamped when it faces forward (Geiger et al., IJRR 2013). */
const TURN: Turn = { told: 'azimuth', period: 0.1036, stampAt: 0.5, direction: 'clockwise', start: Math.PI };
const WAYS = ['driver', 'azimuth', 'none'] as const;
type Way = (typeof WAYS)[number];

/**
 * Scans whose points have no times: how far the pose is from the one that the driver's times give, by azimuth and without
 * deskew. The filter knows the motion.
 */
export async function deskewing(core: Core, { name, map, frames }: Street): Promise<Row[]> {
  const options = { ...config.registration, kernelStart: 0.3, finishPoints: 1e9, translationEpsilon: 1e-5 };
  const off: Record<Way, number[]> = { driver: [], azimuth: [], none: [] };
  const speeds: number[] = [];
  for (const frame of frames) {
    const poses: Pose[] = [];
    for (const way of WAYS) {
      const scan = await prepared(core, frame, way);
      poses.push((await map.align(scan, frame.T_map_base, options)).T_map_base);
    }
    WAYS.forEach((way, k) => {
      off[way].push(apart(poses[k]!, poses[0]!).metres);
    });
    speeds.push(speedOf(frame));
  }
  note(
    `${name}: times by azimuth and none against the driver's, at ${median(speeds).toFixed(1)} m/s (median)`,
  );
  const row = (way: Way, what: 'median' | 'most'): Row => ({
    id: `registration.untimed.${way}${what === 'most' ? '.max' : ''}`,
    value: 1000 * (what === 'most' ? Math.max(...off[way]) : median(off[way])),
    unit: `mm from the driver's times, ${what}`,
    ...(way === 'azimuth' && { bar: { of: 'value', at: 'most', limit: 5 } as const }),
  });
  return [row('azimuth', 'median'), row('azimuth', 'most'), row('none', 'median'), row('none', 'most')];
}

async function prepared(core: Core, { message, T_base_sensor, motion }: Frame, way: Way) {
  const turn = way === 'azimuth' ? TURN : undefined;
  const given = way === 'driver' ? message : untimed(message);
  const { cloud } = await core.decodePointCloud2(given, { ...config.lidar, turn: turn ?? NO_TURN });
  return core.downsample(await core.deskew(cloud, T_base_sensor, motion), config.lidar.voxelSize);
}
const NO_TURN: Turn = { ...TURN, told: 'none' };

function untimed(message: PointCloud2): PointCloud2 {
  return { ...message, fields: message.fields.filter(({ name }) => name !== 'time' && name !== 't') };
}

/** m/s over the sampled motion. */
function speedOf({ motion }: Frame): number {
  if (motion.kind !== 'sampled' || motion.poses.length < 2) return 0;
  const seconds = motion.times.at(-1)! - motion.times[0]!;
  return apart(motion.poses[0]!, motion.poses.at(-1)!).metres / seconds;
}
