import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseFrameRange } from '../../src/adapters/replay/frames.ts';
import { openSource } from '../../src/adapters/replay/open.ts';
import { OS1_16 } from '../../src/adapters/sim/lidar.ts';
import { SimulatedDrive } from '../../src/adapters/sim/source.ts';
import { poseAt, readReference } from '../../src/commands/reference.ts';
import type { CloudArrays, Core, Motion, TileMap } from '../../src/core.ts';
import { ScanChain } from '../../src/map-service/refine.ts';
import { relative } from '../../src/math/se3.ts';
import type { SensorSource } from '../../src/ports.ts';
import type { PointCloud2, Pose, StampedPose, Vec3 } from '../../src/types.ts';
import { dataPath } from './data.ts';
import { note } from './measure.ts';
import { config, type PosedScan, tilesOf } from './tiles.ts';

/** A scan to localise, with what a filter that knows everything would say of it. */
export interface Frame {
  readonly message: PointCloud2;
  readonly T_base_sensor: Pose;
  readonly motion: Motion;
  readonly T_map_base: Pose;
}

export interface Street {
  readonly name: string;
  readonly map: TileMap;
  /** what the tiles are made of, in the map frame: x y z and normal x y z per point */
  readonly points: readonly Float32Array[];
  readonly frames: readonly Frame[];
}

/** The path during a sweep is sampled this often and this far from the stamp, seconds. */
const STEP_S = 0.01;
const REACH_S = 0.06;

/**
 * The KITTI drive where it is there: its even scans make the map, the odd ones are localised. Else two simulated drives
 * through one street, with noise of their own.
 * @param chained the poses of the KITTI drive come from a chain of its scans: a map of one layer, with poses that fit
 * it. The given poses drift, and make many layers.
 */
export async function openStreet(core: Core, chained = false): Promise<Street> {
  const packed = dataPath('lidar-kitti-0005');
  if (!packed) {
    note('registration: a SIMULATED street, because the KITTI drive is not there; set DILLY_DATA');
    // As many columns as make about 120,000 points a turn.
    return simulatedStreet(core, 7500, 4);
  }
  const folder = await mkdtemp(join(tmpdir(), 'dilly-bench-'));
  try {
    const drive = unpack(packed, folder);
    const { poses: given } = await readReference('oxts', drive);
    const poses = chained ? await chainOf(core, await openSource(drive, {}), given) : given;
    const even = await openSource(drive, { frames: parseFrameRange('0::2') });
    const odd = await openSource(drive, { frames: parseFrameRange('1::2') });
    return await streetOf(core, chained ? 'KITTI 0005, chained' : 'KITTI 0005', even, odd, poses);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Two simulated drives of so many seconds through the test street, with noise of their own. */
export async function simulatedStreet(core: Core, columns: number, seconds: number): Promise<Street> {
  const drive = { seed: 1, seconds, lidar: { ...OS1_16, columns } };
  const another = new SimulatedDrive({ ...drive, noiseSeed: 2 });
  return streetOf(core, 'simulated', new SimulatedDrive(drive), another, await truthOf(another));
}

async function chainOf(
  core: Core,
  source: SensorSource,
  given: readonly StampedPose[],
): Promise<StampedPose[]> {
  const chain = new ScanChain(core, { window: 20, voxelSize: 0.25, normalNeighbours: 20 });
  const poses: StampedPose[] = [];
  for await (const { message, T_base_sensor, motion, T_map_base } of posedMessages(source, given)) {
    const { cloud } = await core.decodePointCloud2(message, config.map.build);
    const level = await core.deskew(cloud, T_base_sensor, motion);
    poses.push({ stamp: message.stamp, pose: await chain.add(level, T_map_base) });
  }
  return poses;
}

/** Unpacks the drive of `lidar-kitti-0005` into a folder; its path. */
export function unpack(packed: string, folder: string): string {
  const script = join(dirname(packed), 'unpack-kitti.mjs');
  const { status } = spawnSync(process.execPath, [script, packed, folder], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) throw new Error(`${script}: exit code ${status}`);
  return join(folder, '2011_09_26', '2011_09_26_drive_0005_sync');
}

async function truthOf(source: SensorSource): Promise<StampedPose[]> {
  const poses: StampedPose[] = [];
  for await (const message of source.messages()) if (message.kind === 'pose') poses.push(message.value);
  return poses;
}

/** A map of the one drive, by `mapPoses`, and the scans of the other with their `poses`. */
export async function streetOf(
  core: Core,
  name: string,
  forMap: SensorSource,
  toLocalise: SensorSource,
  poses: readonly StampedPose[],
  mapPoses: readonly StampedPose[] = poses,
): Promise<Street> {
  const clouds: Float32Array[] = [];
  const map = await tilesOf(core, posedScans(core, forMap, mapPoses), (arrays, origin) => {
    clouds.push(rowsOf(arrays, origin));
  });
  const frames: Frame[] = [];
  for await (const frame of posedMessages(toLocalise, poses)) frames.push(frame);
  const points = frames.length > 0 ? frames[0]!.message.width * frames[0]!.message.height : 0;
  note(`${name}: a map of ${map.points} points, ${frames.length} scans of ${points} points`);
  return { name, map, points: clouds, frames };
}

function rowsOf({ positions, normals }: CloudArrays, origin: Vec3): Float32Array {
  const rows = new Float32Array(2 * positions.length);
  for (let i = 0; i < positions.length; i++) {
    const at = 6 * Math.floor(i / 3) + (i % 3);
    rows[at] = positions[i]! + origin[i % 3]!;
    rows[at + 3] = normals![i]!;
  }
  return rows;
}

async function* posedScans(
  core: Core,
  source: SensorSource,
  poses: readonly StampedPose[],
): AsyncGenerator<PosedScan> {
  for await (const { message, T_base_sensor, T_map_base } of posedMessages(source, poses)) {
    const { cloud } = await core.decodePointCloud2(message, config.map.build);
    yield { cloud, T_base_sensor, T_map_base, path: pathAround(message, T_map_base, poses) };
  }
}

/** The scans that have a pose, and the way of the base while they were taken. */
async function* posedMessages(source: SensorSource, poses: readonly StampedPose[]): AsyncGenerator<Frame> {
  const mounts = new Map<string, Pose>();
  for await (const message of source.messages()) {
    if (message.kind === 'mount' && message.value.parent === 'base_link')
      mounts.set(message.value.child, message.value.T_parent_child);
    if (message.kind !== 'points') continue;
    const T_base_sensor = mounts.get(message.value.frameId);
    if (!T_base_sensor) continue;
    const T_map_base = poseAt(poses, message.value.stamp);
    if (!T_map_base) continue;
    const path = pathAround(message.value, T_map_base, poses);
    const motion: Motion = {
      kind: 'sampled',
      times: path.times,
      poses: path.poses.map((pose) => relative(T_map_base, pose)),
    };
    yield { message: message.value, T_base_sensor, motion, T_map_base };
  }
}

/** T_map_base around the stamp of a scan; where the reference ends, the nearest pose is held. */
function pathAround(
  { stamp }: PointCloud2,
  T_map_base: Pose,
  poses: readonly StampedPose[],
): { times: number[]; poses: Pose[] } {
  const steps = Math.round((2 * REACH_S) / STEP_S);
  const times = Array.from({ length: steps + 1 }, (_, k) => k * STEP_S - REACH_S);
  let held = T_map_base;
  const path = times.map((time) => {
    held = poseAt(poses, stamp + BigInt(Math.round(time * 1e9))) ?? held;
    return held;
  });
  return { times, poses: path };
}
