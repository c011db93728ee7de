import { openSource } from '../../src/adapters/replay/open.ts';
import { poseAt, readReference } from '../../src/commands/reference.ts';
import { inverse, relative, transformPoint } from '../../src/math/se3.ts';
import { logSo3, quatConjugate, quatRotate } from '../../src/math/so3.ts';
import { scale, sub } from '../../src/math/vec3.ts';
import type { PointCloud2, Pose, SensorMessage, Stamp, StampedPose } from '../../src/types.ts';

/** A stretch of a drive, to be published as it was recorded; stamps are those of the recording. */
export interface Leg {
  readonly start: Stamp;
  readonly end: Stamp;
  /** by arrival */
  readonly messages: readonly SensorMessage[];
}

export interface Drive {
  readonly mounts: readonly SensorMessage[];
  readonly there: Leg;
  /** The way back: each scan as the sensor would have seen it, had the robot driven backwards. */
  back(): Leg;
  /** T_map_base */
  readonly reference: readonly StampedPose[];
}

const NS = 1e9;
/** Odometry of the reference, Hz. */
const ODOMETRY = 50;

/**
 * Reads a whole recording into memory. Clouds are stamped at the end of their sweep, as most drivers do, so that the
 * time from stamp to pose is the node's alone.
 * @param referenceName as of `replay --reference`; odometry is made of it
 */
export async function loadDrive(
  path: string,
  referenceName: string,
  origin?: { lat: number; lon: number; ellipsoidalHeight: number },
): Promise<Drive> {
  const reference = (await readReference(referenceName, path, origin)).poses;
  const source = await openSource(path);
  const all: SensorMessage[] = [];
  for await (const message of source.messages())
    if (message.kind !== 'pose' && message.kind !== 'refused')
      all.push(message.kind === 'points' ? { ...message, value: atEndOfSweep(message.value) } : message);
  await source.close();
  const mounts = all.filter(({ kind }) => kind === 'mount');
  const [start, end] = [reference[0]!.stamp, reference.at(-1)!.stamp];
  const within = all.filter(
    (message) =>
      message.kind !== 'mount' &&
      message.kind !== 'odometry' &&
      stampOf(message) > start + BigInt(0.12 * NS) &&
      stampOf(message) < end,
  );
  const leg = (messages: SensorMessage[], poses: readonly StampedPose[]): Leg => ({
    start,
    end,
    messages: [...messages, ...odometryOf(poses)].sort((a, b) => Number(stampOf(a) - stampOf(b))),
  });
  const mirror = (stamp: Stamp) => start + end - stamp;
  return {
    mounts,
    reference,
    there: leg(within, reference),
    back: () => {
      const reversed = reference.map(({ stamp, pose }) => ({ stamp: mirror(stamp), pose })).reverse();
      const clouds = within.flatMap((message) => {
        if (message.kind !== 'points') return [];
        const { value } = message;
        const stamp = mirror(value.stamp);
        const mount = mounts.find((one) => one.kind === 'mount' && one.value.child === value.frameId);
        const T_base_sensor = (mount as Extract<SensorMessage, { kind: 'mount' }>).value.T_parent_child;
        const seen = seenBackwards(value, T_base_sensor, reference, reversed, stamp);
        return seen ? [{ ...message, value: { ...seen, stamp } }] : [];
      });
      return leg(clouds, reversed);
    },
  };
}

/** The message's own stamp. */
export function stampOf(message: SensorMessage): Stamp {
  return 'value' in message && 'stamp' in message.value ? message.value.stamp : message.arrival;
}

/** The same with all stamps moved by `shift`. */
export function restamped(message: SensorMessage, shift: Stamp): SensorMessage {
  if (!('value' in message) || !('stamp' in message.value))
    return { ...message, arrival: message.arrival + shift };
  return { ...message, value: { ...message.value, stamp: message.value.stamp + shift } } as SensorMessage;
}

function timesOf(cloud: PointCloud2) {
  const field = cloud.fields.find(({ name, datatype }) => name === 'time' && datatype === 7);
  if (!field) return undefined;
  return {
    values: new Float32Array(cloud.data.buffer, cloud.data.byteOffset),
    at: field.offset / 4,
    step: cloud.pointStep / 4,
  };
}

function atEndOfSweep(cloud: PointCloud2): PointCloud2 {
  const times = timesOf(cloud);
  if (!times) return cloud;
  const { values, at, step } = times;
  let last = 0;
  for (let k = at; k < values.length; k += step) last = Math.max(last, values[k]!);
  for (let k = at; k < values.length; k += step) values[k]! -= last;
  return { ...cloud, stamp: cloud.stamp + BigInt(Math.round(last * NS)) };
}

/** p at its time t of the way there lies still in the map; the robot of the way back sees it from where it is at t. */
function seenBackwards(
  cloud: PointCloud2,
  T_base_sensor: Pose,
  there: readonly StampedPose[],
  back: readonly StampedPose[],
  stamp: Stamp,
): PointCloud2 | undefined {
  const times = timesOf(cloud);
  if (!times) return cloud;
  // One transform for each millisecond of the sweep.
  const steps = Array.from({ length: 121 }, (_, k) => {
    const t = BigInt(Math.round((k - 120) * 1e6));
    const [from, to] = [poseAt(there, cloud.stamp + t), poseAt(back, stamp + t)];
    if (!from || !to) return undefined;
    return relative(composed(to, T_base_sensor), composed(from, T_base_sensor));
  });
  if (steps.some((step) => step === undefined)) return undefined;
  const data = cloud.data.slice();
  const values = new Float32Array(data.buffer);
  for (let k = 0; k < values.length; k += times.step) {
    const T = steps[Math.min(120, Math.max(0, 120 + Math.round(1000 * values[k + times.at]!)))]!;
    const moved = transformPoint(T, [values[k]!, values[k + 1]!, values[k + 2]!]);
    [values[k], values[k + 1], values[k + 2]] = moved;
  }
  return { ...cloud, data };
}

function composed(T_map_base: Pose, T_base_sensor: Pose): Pose {
  return relative(inverse(T_map_base), T_base_sensor);
}

/** `odom` begins at the first pose. */
function odometryOf(poses: readonly StampedPose[]): SensorMessage[] {
  const [first, last] = [poses[0]!, poses.at(-1)!];
  const step = BigInt(Math.round(NS / ODOMETRY));
  const found: SensorMessage[] = [];
  let before = first.pose;
  for (let stamp = first.stamp + step; stamp < last.stamp; stamp += step) {
    const pose = poseAt(poses, stamp)!;
    const moved = sub(pose.position, before.position);
    const linear = scale(quatRotate(quatConjugate(pose.orientation), moved), ODOMETRY);
    const angular = scale(logSo3(relative(before, pose).orientation), ODOMETRY);
    before = pose;
    const value = {
      stamp,
      frameId: 'odom',
      childFrameId: 'base_link',
      pose: relative(first.pose, pose),
      linear,
      angular,
    };
    found.push({ kind: 'odometry', channel: 'odom', arrival: stamp, sequence: found.length, value });
  }
  return found;
}
