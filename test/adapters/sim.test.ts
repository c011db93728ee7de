import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { motionAt, poseAt } from '../../src/adapters/sim/drive.ts';
import { type LidarModel, OS1_16, sweep } from '../../src/adapters/sim/lidar.ts';
import type { Solid, World } from '../../src/adapters/sim/solids.ts';
import { ORIGIN, SimulatedDrive } from '../../src/adapters/sim/source.ts';
import { enuFrame } from '../../src/math/geodesy.ts';
import { Random } from '../../src/math/random.ts';
import { compose, transformPoint } from '../../src/math/se3.ts';
import { expSo3, logSo3, quatConjugate, quatMultiply, quatRotate } from '../../src/math/so3.ts';
import { mean, rms } from '../../src/math/statistics.ts';
import { add, norm, scale, sub } from '../../src/math/vec3.ts';
import type { ImuSample, PointCloud2, Quat, SensorMessage, Vec3 } from '../../src/types.ts';

const SMALL: LidarModel = { ...OS1_16, columns: 64 };
const SPARSE: LidarModel = { ...OS1_16, columns: 128 };
/** in the middle of the turn: the corner is 45 m along, at 1.5 m/s after 3 s of standing and speeding up */
const TURNING = 33;

describe('SimulatedDrive', () => {
  it('gives the same bytes for the same seed, each time it is read, and others for another seed', async () => {
    const drive = new SimulatedDrive({ seed: 7, seconds: 3, lidar: SMALL });
    const first = await digest(drive);
    expect(await digest(drive)).toBe(first);
    expect(await digest(new SimulatedDrive({ seed: 7, seconds: 3, lidar: SMALL }))).toBe(first);
    expect(await digest(new SimulatedDrive({ seed: 8, seconds: 3, lidar: SMALL }))).not.toBe(first);
  });

  it('publishes every channel at its rate, in order of (arrival, channel, sequence)', async () => {
    const drive = new SimulatedDrive({ seed: 1, seconds: 4, lidar: SMALL });
    const messages = await collect(drive);
    const counts: Record<string, number> = {};
    for (const { channel } of messages) counts[channel] = (counts[channel] ?? 0) + 1;
    expect(counts).toEqual({
      '/points': 40,
      '/fix': 4,
      '/imu': 400,
      '/odom': 80,
      '/tf_static': 1,
      '/ground_truth/pose': 40,
    });
    expect(drive.describe().clouds).toBe(40);
    for (const [i, b] of messages.entries()) {
      const a = messages[i - 1];
      if (!a) continue;
      const inOrder =
        a.arrival < b.arrival ||
        (a.arrival === b.arrival &&
          (a.channel < b.channel || (a.channel === b.channel && a.sequence < b.sequence)));
      expect(inOrder).toBe(true);
    }
  });

  it('says the truth at each scan stamp', async () => {
    const drive = new SimulatedDrive({ seed: 1, seconds: 3, lidar: SMALL });
    const messages = await collect(drive);
    const poses = new Map(
      messages.flatMap((m) => (m.kind === 'pose' ? [[m.value.stamp, m.value.pose] as const] : [])),
    );
    for (const message of messages) {
      if (message.kind !== 'points') continue;
      expect(poses.get(message.value.stamp)).toEqual(drive.truthAt(message.value.stamp));
    }
  });

  it('refuses options out of range', () => {
    expect(() => new SimulatedDrive({ seed: -1, seconds: 10 })).toThrow(/seed/);
    expect(() => new SimulatedDrive({ seed: 1, seconds: Number.NaN })).toThrow(/seconds/);
  });
});

// Brute-force oracles: a second or two alone, more on a machine that other tests keep busy.
describe('LiDAR', { timeout: 30_000 }, () => {
  const drive = new SimulatedDrive({ seed: 3, seconds: 60 });
  const lidarAt = (t: number) => compose(poseAt(t), drive.T_base_lidar);
  const sweepAt = (t: number, model: LidarModel, seed = 1) =>
    sweep(model, drive.world, 0n, 'os_sensor', (dt) => lidarAt(t + dt), new Random(seed));

  it('sees points on surfaces, within its noise, from the pose at their own time', () => {
    for (const t of [0, 10, TURNING, 50]) {
      const distances = points(sweepAt(t, SPARSE)).map(({ p, seconds }) =>
        Math.abs(signedDistance(drive.world, transformPoint(lidarAt(t + seconds), p))),
      );
      expect(distances.length).toBeGreaterThan(1500);
      expect(Math.max(...distances)).toBeLessThan(6 * OS1_16.rangeSigma);
      expect(rms(distances)).toBeLessThan(OS1_16.rangeSigma);
    }
  });

  it('is skewed by motion: with one pose for the whole sweep the points of a turn miss', () => {
    const distances = points(sweepAt(TURNING, SPARSE)).map(({ p }) =>
      Math.abs(signedDistance(drive.world, transformPoint(lidarAt(TURNING), p))),
    );
    expect(rms(distances)).toBeGreaterThan(4 * OS1_16.rangeSigma);
  });

  it('stops at the first surface, as marching through the signed distance does', () => {
    const exact: LidarModel = { ...OS1_16, columns: 6, rangeSigma: 0, dropOut: 0 };
    // At 5 s the first column looks exactly along the street, parallel to every face.
    for (const t of [5, TURNING]) {
      for (const { p, seconds } of points(sweepAt(t, exact))) {
        const T_map_lidar = lidarAt(t + seconds);
        const range = norm(p);
        const direction = quatRotate(T_map_lidar.orientation, scale(p, 1 / range));
        const marched = march(drive.world, T_map_lidar.position, direction);
        // float32 coordinates; a march halts within 1e-5 m of a surface, before a grazed one.
        expect(Math.abs(range - marched)).toBeLessThan(0.002);
      }
    }
  });

  it('repeated by a robot that stands still differs by its noise only', () => {
    const [a, b] = [1, 2].map((seed) =>
      sweep(OS1_16, drive.world, 0n, 'os_sensor', () => lidarAt(0), new Random(seed)),
    );
    const [ra, rb] = [ranges(a!), ranges(b!)];
    const differences = ra.flatMap((range, i) => (range > 0 && rb[i]! > 0 ? [range - rb[i]!] : []));
    expect(Math.max(...differences.map(Math.abs))).toBeLessThan(6 * Math.SQRT2 * OS1_16.rangeSigma);
    expect(rms(differences)).toBeCloseTo(Math.SQRT2 * OS1_16.rangeSigma, 3);
    const seenOnce = ra.filter((range, i) => range > 0 !== rb[i]! > 0).length;
    // Drop-outs of either: 2 · 1 % · 99 %.
    expect(seenOnce / ra.length).toBeLessThan(0.025);
  });
});

describe('motion sensors', () => {
  it('rates integrate to the truth through the turn', () => {
    const from = 28;
    const step = 0.005;
    const start = motionAt(from);
    let [q, v, p] = [start.T_map_base.orientation, start.velocity, start.T_map_base.position];
    for (let i = 0; i < 10 / step; i++) {
      const { angular, acceleration } = motionAt(from + (i + 0.5) * step);
      q = quatMultiply(q, expSo3(scale(angular, step)));
      p = add(p, add(scale(v, step), scale(acceleration, (step * step) / 2)));
      v = add(v, scale(acceleration, step));
    }
    const truth = poseAt(from + 10);
    expect(norm(sub(p, truth.position))).toBeLessThan(0.002);
    expect(angleBetween(q, truth.orientation)).toBeLessThan(0.0005);
  });

  it('the IMU integrates to the truth once its biases are taken from two seconds of standing', async () => {
    const drive = new SimulatedDrive({ seed: 5, seconds: 8, lidar: SMALL });
    const samples = (await collect(drive)).flatMap((m) => (m.kind === 'imu' ? [m.value] : []));
    const standing = samples.slice(0, 200);
    const average = (pick: (s: ImuSample) => Vec3): Vec3 =>
      scale(
        standing.map(pick).reduce((a, b) => add(a, b)),
        1 / standing.length,
      );
    const gyroBias = average((s) => s.angularVelocity);
    const force = average((s) => s.linearAcceleration);
    expect(norm(force)).toBeGreaterThan(9.7);
    expect(norm(force)).toBeLessThan(9.9);

    let { orientation: q, position: p } = drive.truthAt(drive.start);
    let v: Vec3 = [0, 0, 0];
    for (const { angularVelocity, linearAcceleration } of samples) {
      const acceleration = quatRotate(q, sub(linearAcceleration, [force[0], force[1], 0]));
      const a = sub(acceleration, [0, 0, force[2]]);
      p = add(p, add(scale(v, 0.01), scale(a, 0.01 ** 2 / 2)));
      v = add(v, scale(a, 0.01));
      q = quatMultiply(q, expSo3(scale(sub(angularVelocity, gyroBias), 0.01)));
    }
    const truth = drive.truthAt(drive.start + 8_000_000_000n);
    // 1.4e-4 rad/s of gyro bias left tilts gravity: g · 1.4e-4 · 8³/6 = 0.12 m; the accelerometer adds 0.05 m.
    expect(norm(sub(p, truth.position))).toBeLessThan(0.3);
    expect(angleBetween(q, truth.orientation)).toBeLessThan(0.01);
  });

  it('fixes are 5 m off with 1.5 m of noise, wheels within 1 %', async () => {
    const drive = new SimulatedDrive({ seed: 9, seconds: 60, lidar: { ...SMALL, columns: 4 } });
    const frame = enuFrame(ORIGIN);
    const messages = await collect(drive);
    const errors = messages.flatMap((m) => {
      if (m.kind !== 'gnss') return [];
      const p = frame.toEnu(m.value.latitude, m.value.longitude, m.value.altitude);
      return [sub(p, drive.truthAt(m.value.stamp).position)];
    });
    const horizontal = errors.map(([x, y]) => Math.hypot(x, y));
    expect(Math.abs(mean(horizontal) - Math.hypot(5, 1.5))).toBeLessThan(0.6);
    expect(rms(errors.map(([, , z]) => z))).toBeGreaterThan(1);
    expect(rms(errors.map(([, , z]) => z))).toBeLessThan(2);

    const speeds = messages.flatMap((m) => (m.kind === 'odometry' ? [m.value.linear[0]] : []));
    const length = speeds.reduce((sum, speed) => sum + speed / 20, 0);
    expect(speeds.slice(0, 40).every((speed) => speed === 0)).toBe(true);
    // 60 s less 2 s of standing and half of 2 s of speeding up, at 1.5 m/s.
    expect(Math.abs(length / 85.5 - 1)).toBeLessThan(0.011);
  });
});

async function collect(drive: SimulatedDrive): Promise<SensorMessage[]> {
  const messages: SensorMessage[] = [];
  for await (const message of drive.messages()) messages.push(message);
  return messages;
}

async function digest(drive: SimulatedDrive): Promise<string> {
  const hash = createHash('sha256');
  for await (const message of drive.messages()) {
    if (message.kind === 'points') hash.update(message.value.data);
    hash.update(
      JSON.stringify(message, (key, value) =>
        key === 'data' ? undefined : typeof value === 'bigint' ? String(value) : value,
      ),
    );
  }
  return hash.digest('hex');
}

function points(cloud: PointCloud2): { p: Vec3; seconds: number }[] {
  const view = new DataView(cloud.data.buffer);
  const found: { p: Vec3; seconds: number }[] = [];
  for (let at = 0; at < cloud.data.length; at += cloud.pointStep) {
    const p: Vec3 = [0, 4, 8].map((offset) => view.getFloat32(at + offset, true)) as unknown as Vec3;
    if (!Number.isNaN(p[0])) found.push({ p, seconds: view.getUint32(at + 16, true) / 1e9 });
  }
  return found;
}

/** 0 where nothing came back. */
function ranges(cloud: PointCloud2): number[] {
  const floats = new Float32Array(cloud.data.buffer);
  return Array.from({ length: floats.length / 5 }, (_, i) =>
    Number.isNaN(floats[5 * i]) ? 0 : Math.hypot(floats[5 * i]!, floats[5 * i + 1]!, floats[5 * i + 2]!),
  );
}

/** To the nearest surface of all, negative inside a solid: plain loops, nothing shared with the ray caster. */
function signedDistance(world: World, p: Vec3): number {
  let least = p[2];
  for (const solid of world.solids) {
    const size = solid.kind === 'box' ? solid.halfLength + solid.halfWidth : solid.radius;
    const reach = Math.max(0, least) + size;
    if ((p[0] - solid.x) ** 2 + (p[1] - solid.y) ** 2 > reach * reach) continue;
    least = Math.min(least, solidDistance(solid, p));
  }
  return least;
}

/** Distance to the nearest face of one solid; the sign is negative inside. */
function solidDistance(solid: Solid, p: Vec3): number {
  const [dx, dy] = [p[0] - solid.x, p[1] - solid.y];
  const z = Math.abs(p[2] - (solid.bottom + solid.top) / 2) - (solid.top - solid.bottom) / 2;
  if (solid.kind === 'cylinder') {
    return outside(Math.sqrt(dx * dx + dy * dy) - solid.radius, Number.NEGATIVE_INFINITY, z);
  }
  const [c, s] = [Math.cos(solid.yaw), Math.sin(solid.yaw)];
  return outside(
    Math.abs(c * dx + s * dy) - solid.halfLength,
    Math.abs(c * dy - s * dx) - solid.halfWidth,
    z,
  );
}

/** The distance from a corner region by how far the point is beyond each pair of faces. */
function outside(x: number, y: number, z: number): number {
  const [ox, oy, oz] = [Math.max(x, 0), Math.max(y, 0), Math.max(z, 0)];
  return Math.sqrt(ox * ox + oy * oy + oz * oz) + Math.min(0, Math.max(x, y, z));
}

function march(world: World, origin: Vec3, direction: Vec3): number {
  let range = 0;
  for (let step = 0; step < 2000; step++) {
    const distance = signedDistance(world, add(origin, scale(direction, range)));
    if (distance < 1e-5 || range > 150) break;
    range += distance;
  }
  return range;
}

function angleBetween(a: Quat, b: Quat): number {
  return norm(logSo3(quatMultiply(quatConjugate(a), b)));
}
