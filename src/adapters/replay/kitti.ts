import { basename, join, resolve } from 'node:path';
import type { SensorSource, SourceInfo } from '../../ports.ts';
import type { Payload } from '../../ros/messages.ts';
import { type Pose, refusalReason, type SensorMessage, type Stamp, type StampedPose } from '../../types.ts';
import { errorText, spanOf } from './bag-file.ts';
import type { SourceOptions } from './bag-source.ts';
import { countFrames, selectsFrame } from './frames.ts';
import { type KittiFrame, readFrames, readMount } from './kitti-drive.ts';
import { type OxtsFrame, type OxtsPacket, readOxts, referenceOrigin, referencePoses } from './kitti-oxts.ts';
import { readScan, sweepPeriods } from './kitti-scan.ts';
import { type ChosenTopic, chooseTopics } from './topics.ts';

export { isKittiDrive } from './kitti-drive.ts';
export { type KittiReference, kittiReference, referenceOrigin, referencePoses } from './kitti-oxts.ts';

const TYPES = {
  '/velodyne_points': 'sensor_msgs/PointCloud2',
  '/fix': 'sensor_msgs/NavSatFix',
  '/imu': 'sensor_msgs/Imu',
  '/tf_static': 'tf2_msgs/TFMessage',
  '/reference/pose': 'geometry_msgs/PoseStamped',
} as const;
type Channel = keyof typeof TYPES;

interface Entry {
  readonly channel: Channel;
  readonly arrival: Stamp;
  readonly sequence: number;
  readonly payload: () => Payload | Promise<Payload>;
}

/**
 * Opens the folder of a KITTI raw drive (`velodyne_points`, `oxts`, and a calibration). base_link is the OXTS box.
 *
 * - `/velodyne_points`: x, y, z, intensity, time (s from the stamp). Arrives when its turn is over: half a period late.
 * - `/fix`, `/imu`: from the OXTS, of all frames whatever `frames` selects. The fix IS the reference: KITTI has no
 *   other, so a replay that wants to learn anything about GNSS must spoil it first (`replay.degrade.gnss`).
 * - `/tf_static`: T_base_link_velodyne, one nanosecond before everything else.
 * - `/reference/pose`: T_map_base in the ENU frame at the first usable fix.
 */
export async function openKitti(path: string, options: SourceOptions): Promise<SensorSource> {
  const drive = resolve(path);
  const scans = await readFrames(join(drive, 'velodyne_points'), '.bin');
  const oxts = await readOxts(drive);
  return new KittiSource(basename(drive), scans, oxts, await readMount(drive), options);
}

class KittiSource implements SensorSource {
  readonly #name: string;
  readonly #entries: readonly Entry[];
  readonly #chosen: ReadonlyMap<string, ChosenTopic>;
  readonly #clouds: number;

  constructor(
    name: string,
    scans: readonly KittiFrame[],
    oxts: readonly OxtsFrame[],
    T_base_velodyne: Pose,
    { frames, topics }: SourceOptions,
  ) {
    this.#name = name;
    const announced = Object.entries(TYPES).map(([topic, type]) => ({ name: topic, type }));
    this.#chosen = chooseTopics(announced, topics);
    this.#clouds = countFrames(frames, scans.length);
    const clouds = cloudEntries(scans).filter(({ sequence }) => selectsFrame(frames, sequence));
    const entries = [...clouds, ...oxtsEntries(oxts)];
    this.#entries = [mountEntry(T_base_velodyne, entries), ...entries]
      .filter(({ channel }) => this.#chosen.has(channel))
      .sort(compareEntries);
  }

  describe(): SourceInfo {
    return {
      name: this.#name,
      start: this.#entries[0]?.arrival ?? 0n,
      end: this.#entries.at(-1)?.arrival ?? 0n,
      channels: Object.fromEntries([...this.#chosen].map(([channel, { kind }]) => [channel, kind])),
      clouds: this.#chosen.has('/velodyne_points') ? this.#clouds : 0,
    };
  }

  async *messages(): AsyncGenerator<SensorMessage> {
    for (const { channel, arrival, sequence, payload } of this.#entries) {
      yield { channel, arrival, sequence, ...(await payloadOrRefusal(payload)) };
    }
  }

  async close(): Promise<void> {}
}

/** A file that cannot be read or used is one refused message; the drive goes on. */
async function payloadOrRefusal(payload: Entry['payload']): Promise<Payload> {
  try {
    return await payload();
  } catch (error) {
    return { kind: 'refused', reason: refusalReason(error) ?? 'unreadable-file', detail: errorText(error) };
  }
}

function compareEntries(a: Entry, b: Entry): number {
  if (a.arrival !== b.arrival) return a.arrival < b.arrival ? -1 : 1;
  if (a.channel !== b.channel) return a.channel < b.channel ? -1 : 1;
  return a.sequence - b.sequence;
}

function cloudEntries(scans: readonly KittiFrame[]): Entry[] {
  const periods = sweepPeriods(scans.map(({ stamp }) => stamp));
  return scans.map((scan, sequence) => ({
    channel: '/velodyne_points',
    arrival: scan.stamp + periods[sequence]! / 2n,
    sequence,
    payload: async () => ({ kind: 'points', value: await readScan(scan, periods[sequence]!) }),
  }));
}

function oxtsEntries(oxts: readonly OxtsFrame[]): Entry[] {
  const packets = oxts.flatMap((frame) => ('packet' in frame ? [frame.packet] : []));
  const origin = referenceOrigin(packets);
  const poses = new Map(origin && referencePoses(packets, origin).map((pose) => [pose.stamp, pose]));
  return oxts.flatMap((frame, sequence): Entry[] => {
    const place = { arrival: frame.stamp, sequence };
    const usable = () => {
      if ('refusal' in frame) throw frame.refusal;
      return frame.packet;
    };
    return [
      { ...place, channel: '/fix', payload: () => fixPayload(usable()) },
      { ...place, channel: '/imu', payload: () => imuPayload(usable()) },
      { ...place, channel: '/reference/pose', payload: () => posePayload(poses.get(usable().stamp)!) },
    ];
  });
}

function mountEntry(T_parent_child: Pose, entries: readonly Entry[]): Entry {
  const span = spanOf(entries.map(({ arrival }) => ({ start: arrival, end: arrival })));
  const value = { parent: 'base_link', child: 'velodyne', T_parent_child };
  return {
    channel: '/tf_static',
    arrival: (span?.start ?? 1n) - 1n,
    sequence: 0,
    payload: () => ({ kind: 'mount', value }),
  };
}

function fixPayload({
  stamp,
  latitude,
  longitude,
  altitude,
  positionAccuracy,
  positionMode,
}: OxtsPacket): Payload {
  const horizontal = positionAccuracy ** 2;
  return {
    kind: 'gnss',
    value: {
      stamp,
      frameId: 'base_link',
      // NavSatStatus: RTK uses a base station on the ground (2), a plain or inertial position nothing more (0).
      status: positionMode >= 5 ? 2 : 0,
      latitude,
      longitude,
      altitude,
      // OXTS tells the horizontal accuracy only; heights are about twice as bad, hence type 1, "approximated".
      covariance: [horizontal, 0, 0, 0, horizontal, 0, 0, 0, 4 * horizontal],
      covarianceType: 1,
    },
  };
}

function imuPayload({ stamp, rates, acceleration }: OxtsPacket): Payload {
  return {
    kind: 'imu',
    value: { stamp, frameId: 'base_link', angularVelocity: rates, linearAcceleration: acceleration },
  };
}

function posePayload(value: StampedPose): Payload {
  return { kind: 'pose', value };
}
