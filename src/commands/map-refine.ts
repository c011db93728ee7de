import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Core } from '../core.ts';
import { ScanChain } from '../map-service/refine.ts';
import { smoothChain } from '../map-service/smooth-chain.ts';
import { writeWhole } from '../map-service/whole-file.ts';
import { relative } from '../math/se3.ts';
import { type Pose, Refusal, refusalReason, type StampedPose } from '../types.ts';
import { eachScan, pathDuring, type ScanInput } from './map-scans.ts';
import { poseAt } from './reference.ts';
import type { Session } from './shared.ts';

const RADIANS = Math.PI / 180;
/** Of the submap's clouds: finer costs time and gains nothing, m. */
const VOXEL_M = 0.25;

/**
 * Poses of the scans, refined by registration to each other and held to the given ones. Each round is kept in the work
 * folder, so that a killed build does not do it again.
 */
export async function refinedPoses(
  core: Core,
  session: Session,
  input: ScanInput,
  given: readonly StampedPose[],
  work: string,
  rounds = session.config.map.build.refine.rounds,
): Promise<readonly StampedPose[]> {
  let poses = given;
  for (let round = 1; round <= rounds; round++) {
    const path = join(work, `refined-${round}.json`);
    const kept = await readFile(path, 'utf8').catch(() => undefined);
    const next = kept ? parse(kept) : await refineOnce(core, session, input, given, poses, round);
    if (!kept) await writeWhole(path, new TextEncoder().encode(format(next)));
    poses = next;
  }
  return poses;
}

/** @param motion poses that say how the base moved within and between scans; `given` say where it was */
async function refineOnce(
  core: Core,
  session: Session,
  input: ScanInput,
  given: readonly StampedPose[],
  motion: readonly StampedPose[],
  round: number,
): Promise<StampedPose[]> {
  const { refine, normalNeighbours, ...build } = session.config.map.build;
  const chain = new ScanChain(core, { window: refine.window, voxelSize: VOXEL_M, normalNeighbours });
  const placed: { readonly given: Pose; readonly chained: StampedPose }[] = [];
  await eachScan(input, session, `refining, round ${round}`, 0, async (message, T_base_sensor) => {
    const { stamp } = message;
    const T_map_base = poseAt(motion, stamp);
    const place = poseAt(given, stamp);
    const note = `${placed.length} scans, ${chain.refused} not believed`;
    if (!T_base_sensor || !T_map_base || !place) return note;
    try {
      const { cloud } = await core.decodePointCloud2(message, { ...build, turn: session.config.lidar.turn });
      const path = pathDuring(motion, stamp, T_map_base, cloud.timeRange ?? [0, 0]);
      const poses = path.poses.map((pose) => relative(T_map_base, pose));
      const level = await core.deskew(cloud, T_base_sensor, { kind: 'sampled', times: path.times, poses });
      placed.push({ given: place, chained: { stamp, pose: await chain.add(level, T_map_base) } });
    } catch (error) {
      if (!refusalReason(error)) throw error;
      session.log.warn(`scan at ${stamp} ns not refined: ${(error as Error).message}`);
    }
    return note;
  });
  if (placed.length < 2)
    throw new Refusal('no-scans', `--refine: expected two or more scans with poses, found ${placed.length}`);
  if (chain.refused > 0)
    session.log.warn(`${chain.refused} of ${placed.length} scans did not register to those before them`);
  const smoothed = smoothChain(
    placed.map(({ chained }) => chained.pose),
    placed.map((one) => one.given),
    {
      ...refine,
      givenAngle: refine.givenAngle * RADIANS,
      stepAngle: refine.stepAngle * RADIANS,
    },
  );
  return placed.map(({ chained }, k) => ({ stamp: chained.stamp, pose: smoothed[k]! }));
}

function format(poses: readonly StampedPose[]): string {
  return JSON.stringify(poses.map(({ stamp, pose }) => ({ stamp: String(stamp), pose })));
}

function parse(text: string): StampedPose[] {
  return JSON.parse(text).map((one: { stamp: string; pose: Pose }) => ({ ...one, stamp: BigInt(one.stamp) }));
}
