import { z } from 'zod';
import type { Cloud } from '../core.ts';
import type { ScanPoints } from '../types.ts';
import { lidarGroupConfig } from './lidar-group.ts';

/** How a spinning LiDAR turns: for clouds without usable times. */
const turnConfig = z.strictObject({
  told: z
    .enum(['order', 'azimuth', 'none'])
    .default('order')
    .describe(
      'of points without times: `order`: read off their order, where it tells; `azimuth`: as direction and start say; `none`: they are taken at once, or the driver has undone the motion',
    ),
  period: z.number().min(0.005).max(1.5).default(0.1).describe('of a turn, s'),
  stampAt: z
    .number()
    .min(-1)
    .max(1)
    .default(0)
    .describe(
      'share of the turn that has passed at the stamp: 0 its start (Ouster, Hesai), 1 its end (Velodyne)',
    ),
  direction: z.enum(['clockwise', 'counter-clockwise']).default('clockwise').describe('seen from above'),
  start: z
    .number()
    .min(-2 * Math.PI)
    .max(2 * Math.PI)
    .default(Math.PI)
    .describe('azimuth where a turn begins, in the sensor’s frame; rad'),
});

/** What of a scan is used. */
export const lidarConfig = z.strictObject({
  minRange: z.number().min(0).max(100).default(1.5).describe('nearer points are the robot itself, m'),
  maxRange: z.number().positive().max(500).default(100).describe('m'),
  voxelSize: z
    .number()
    .min(0.05)
    .max(5)
    .default(0.5)
    .describe('one point per cube of this size is registered, m'),
  motionStep: z
    .number()
    .min(0.001)
    .max(0.1)
    .default(0.01)
    .describe('motion during a sweep is sampled this often, s'),
  turn: turnConfig.prefault({}),
  together: lidarGroupConfig.prefault({}),
});
export type LidarConfig = z.infer<typeof lidarConfig>;

/**
 * Why too little is left of a scan to register it, undefined where enough is. Points that are not finite are how many
 * drivers say "nothing came back", so some in a scan are no reason.
 */
export function scanProblem(
  { total, notFinite, outOfRange }: ScanPoints,
  minPoints: number,
): { reason: string; detail: string } | undefined {
  const left = total - notFinite - outOfRange;
  if (left >= minPoints) return undefined;
  const detail = `expected at least ${minPoints} usable points, found ${left} of ${total}: ${notFinite} are not finite, ${outOfRange} out of range`;
  if (total < minPoints) return { reason: total === 0 ? 'points-empty' : 'points-too-few', detail };
  return { reason: notFinite >= outOfRange ? 'points-not-finite' : 'points-out-of-range', detail };
}

/** Spread across a plane or a line below which it is one, m: twice the range noise of a good LiDAR. */
const FLAT_SIGMA = 0.03;

/** Why the shape of a thinned scan tells no place: a surface seen alone, or a sensor that measures one range. */
export function shapeProblem(scan: Cloud): { reason: string; detail: string } | undefined {
  const [smallest, middle] = scan.spread;
  if (smallest > FLAT_SIGMA) return undefined;
  const shape = middle > FLAT_SIGMA ? 'plane' : 'line';
  const detail = `expected points that fill space, found ${scan.size} within ${smallest.toFixed(3)} m of one ${shape} (1 sigma)`;
  return { reason: `points-in-a-${shape}`, detail };
}
