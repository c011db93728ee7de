import { parseFrameRange } from '../adapters/replay/frames.ts';
import { openSource } from '../adapters/replay/open.ts';
import type { Config } from '../config.ts';
import { Mounts } from '../localization/mounts.ts';
import { Random } from '../math/random.ts';
import { expSo3, quatMultiply } from '../math/so3.ts';
import { add } from '../math/vec3.ts';
import type { GnssFix, PointCloud2, Pose, Stamp, StampedPose } from '../types.ts';
import { progressBar } from './progress.ts';
import { poseAt } from './reference.ts';
import type { Session } from './shared.ts';

const RADIANS = Math.PI / 180;
/** The path within a sweep is sampled this often, seconds. */
const MOTION_STEP_S = 0.01;

export interface ScanInput {
  readonly scans: string;
  readonly frames?: string;
}

/**
 * Reads the scans of an input with their mounts, the first `skip` passed over, with a progress bar.
 * `scan` gets each (the mount is undefined where none is known) and returns a note for the bar.
 */
export async function eachScan(
  { scans, frames }: ScanInput,
  { config, log }: Session,
  what: string,
  skip: number,
  scan: (message: PointCloud2, T_base_sensor: Pose | undefined) => Promise<string>,
  fix: (fix: GnssFix) => void = () => {},
): Promise<void> {
  const source = await openSource(scans, frames ? { frames: parseFrameRange(frames) } : {});
  const bar = progressBar(what, source.describe().clouds ?? 0);
  const mounts = new Mounts(config.frames);
  let seen = 0;
  try {
    for await (const message of source.messages()) {
      if (message.kind === 'mount') mounts.add(message.value);
      if (message.kind === 'gnss') fix(message.value);
      if (message.kind === 'refused') log.warn(`${message.channel}: ${message.detail}`);
      if (message.kind !== 'points' || ++seen <= skip) continue;
      bar.update(seen, await scan(message.value, mounts.find(message.value.frameId)));
    }
  } finally {
    bar.stop();
    await source.close();
  }
}

/** Poses over a sweep; where the reference ends within it, the nearest pose is held. */
export function pathDuring(
  poses: readonly StampedPose[],
  stamp: Stamp,
  T_map_base: Pose,
  [first, last]: readonly [number, number],
): { times: number[]; poses: Pose[] } {
  const steps = Math.max(1, Math.ceil((last - first) / MOTION_STEP_S));
  const times =
    last > first ? Array.from({ length: steps + 1 }, (_, k) => first + ((last - first) * k) / steps) : [0];
  let held = T_map_base;
  const path = times.map((time) => {
    held = poseAt(poses, stamp + BigInt(Math.round(time * 1e9))) ?? held;
    return held;
  });
  return { times, poses: path };
}

/** The poses with white noise on each, the same for the same seed. */
export function disturbed(
  poses: readonly StampedPose[],
  { seed, position, angle }: Config['map']['build']['disturb'],
): readonly StampedPose[] {
  if (seed === 0) return poses;
  const random = new Random(seed);
  const noise = (sigma: number) =>
    [random.gaussian(0, sigma), random.gaussian(0, sigma), random.gaussian(0, sigma)] as const;
  return poses.map(({ stamp, pose }) => ({
    stamp,
    pose: {
      position: add(pose.position, noise(position)),
      orientation: quatMultiply(expSo3(noise(angle * RADIANS)), pose.orientation),
    },
  }));
}
