import { stat } from 'node:fs/promises';
import { isKittiDrive, kittiReference, referenceOrigin, referencePoses } from '../adapters/replay/kitti.ts';
import { openSource } from '../adapters/replay/open.ts';
import { readTum } from '../evaluation/tum.ts';
import type { Geodetic } from '../math/geodesy.ts';
import { interpolatePose } from '../math/se3.ts';
import { type Pose, Refusal, type Stamp, type StampedPose } from '../types.ts';

/** A reference trajectory T_map_base, rising in time, and its origin where it is a geodetic one. */
export interface Reference {
  readonly poses: readonly StampedPose[];
  readonly origin: Geodetic | undefined;
}

/**
 * Reads `oxts` (of a KITTI drive), a TUM file, or a topic of the input: what starts with `/` and is no file.
 * @param origin of the map that `oxts` is to be expressed in; default its own first fix
 */
export async function readReference(name: string, input: string, origin?: Geodetic): Promise<Reference> {
  if (name === 'oxts') {
    if (!(await isKittiDrive(input)))
      throw new Refusal('no-reference', `--reference oxts: expected a KITTI raw drive, found ${input}`);
    const fixes = await kittiReference(input);
    const frame = origin ?? referenceOrigin(fixes);
    if (!frame) throw new Refusal('no-reference', `expected oxts packets in ${input}, found none`);
    return { poses: referencePoses(fixes, frame), origin: frame };
  }
  if (name.startsWith('/') && !(await isFile(name))) return { poses: await readTopic(name, input), origin };
  return { poses: await readTum(name), origin };
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}

async function readTopic(topic: string, input: string): Promise<StampedPose[]> {
  const source = await openSource(input, { topics: { pose: topic } });
  const poses: StampedPose[] = [];
  try {
    for await (const message of source.messages()) if (message.kind === 'pose') poses.push(message.value);
  } finally {
    await source.close();
  }
  if (poses.length === 0)
    throw new Refusal('no-reference', `expected poses on ${topic} of ${input}, found none`);
  return poses.sort((a, b) => (a.stamp < b.stamp ? -1 : 1));
}

/** The reference at a stamp, linear between its poses; undefined outside it. */
export function poseAt(poses: readonly StampedPose[], stamp: Stamp): Pose | undefined {
  let low = 0;
  let high = poses.length - 1;
  if (high < 0 || stamp < poses[0]!.stamp || stamp > poses[high]!.stamp) return undefined;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (poses[middle]!.stamp <= stamp) low = middle;
    else high = middle;
  }
  const [a, b] = [poses[low]!, poses[high]!];
  if (a.stamp === b.stamp) return a.pose;
  return interpolatePose(a.pose, b.pose, Number(stamp - a.stamp) / Number(b.stamp - a.stamp));
}
