import { expect, it } from 'vitest';
import type { Core, Motion } from '../../src/core.ts';
import { Random } from '../../src/math/random.ts';
import { IDENTITY, inverse, transformPoint } from '../../src/math/se3.ts';
import { expSo3, quatFromRpy } from '../../src/math/so3.ts';
import type { Pose, Vec3 } from '../../src/types.ts';
import { scatter } from './clouds.ts';
import { reasonOf } from './core-contract.ts';

const T_base_lidar: Pose = { position: [0.3, -0.1, 0.9], orientation: quatFromRpy(0.02, -0.05, 1.2) };

/** What is done to one sweep: deskew, downsample, normals. */
export function sweepContract(core: Core): void {
  const random = new Random(12);
  const positions = scatter(500, () => [
    random.uniform(-30, 30),
    random.uniform(-30, 30),
    random.uniform(-2, 4),
  ]);
  const times = Float32Array.from({ length: 500 }, (_, i) => -0.05 + (0.1 * i) / 499);
  const intensity = Float32Array.from({ length: 500 }, (_, i) => i % 100);
  const sweep = core.cloud({ positions, times, intensity });

  it('leaves the sweep of a robot that stands as it is', async () => {
    for (const motion of [
      { kind: 'still' },
      { kind: 'twist', linear: [0, 0, 0], angular: [0, 0, 0] },
      { kind: 'sampled', times: [-0.05, 0.05], poses: [IDENTITY, IDENTITY] },
    ] satisfies Motion[]) {
      const {
        positions: after,
        times: t,
        intensity: i,
      } = (await core.deskew(sweep, IDENTITY, motion)).arrays();
      expect(after).toEqual(positions);
      expect([t, i]).toEqual([times, intensity]);
    }
  });

  it('moves a sweep to the base by the mount', async () => {
    const { positions: after } = (await core.deskew(sweep, T_base_lidar, { kind: 'still' })).arrays();
    expectPoints(after, (i) => transformPoint(T_base_lidar, point(positions, i)), 1e-5);
  });

  /** Drives round a circle: at τ it stands where a wheel that rolls at 1.5 m/s and turns at 1 rad/s would. */
  const circle = (tau: number): Pose => ({
    position: [1.5 * Math.sin(tau), 1.5 * (1 - Math.cos(tau)), 0],
    orientation: expSo3([0, 0, tau]),
  });
  const twist: Motion = { kind: 'twist', linear: [1.5, 0, 0], angular: [0, 0, 1] };
  const sampleTimes = Array.from({ length: 11 }, (_, i) => -0.05 + 0.01 * i);
  const sampled: Motion = { kind: 'sampled', times: sampleTimes, poses: sampleTimes.map(circle) };

  it.each([twist, sampled])(
    'undoes the motion of a $kind: what stood still is where it was',
    async (motion) => {
      const seen = new Float32Array(positions.length);
      times.forEach((tau, i) => {
        const p_lidar = transformPoint(
          inverse(T_base_lidar),
          transformPoint(inverse(circle(tau)), point(positions, i)),
        );
        seen.set(p_lidar, 3 * i);
      });
      const deskewed = await core.deskew(core.cloud({ positions: seen, times }), T_base_lidar, motion);
      expectPoints(
        deskewed.arrays().positions,
        (i) => point(positions, i),
        motion.kind === 'twist' ? 2e-4 : 1e-3,
      );
    },
  );

  it('holds the motion beyond its first and last sample', async () => {
    const lone = core.cloud({ positions: Float32Array.of(5, 0, 0, 5, 0, 0), times: Float32Array.of(-1, 1) });
    const { positions: after } = (await core.deskew(lone, IDENTITY, sampled)).arrays();
    expectPoints(after, (i) => transformPoint(circle(i === 0 ? -0.05 : 0.05), [5, 0, 0]), 1e-5);
  });

  it('moves a sweep whose points were all seen at one time by the twist up to then', async () => {
    const flash = core.cloud({ positions, times: new Float32Array(500).fill(0.25) });
    const { positions: after } = (await core.deskew(flash, IDENTITY, twist)).arrays();
    expectPoints(after, (i) => transformPoint(circle(0.25), point(positions, i)), 1e-5);
  });

  it('only mounts a sweep without times', async () => {
    const timeless = core.cloud({ positions });
    expect((await core.deskew(timeless, IDENTITY, twist)).arrays()).toEqual({ positions });
  });

  it('refuses motion that runs backwards', async () => {
    const poses = [IDENTITY, IDENTITY];
    expect(
      await reasonOf(() => core.deskew(sweep, IDENTITY, { kind: 'sampled', times: [0, 0], poses })),
    ).toBe('bad-motion');
    expect(await reasonOf(() => core.deskew(sweep, IDENTITY, { kind: 'sampled', times: [0], poses }))).toBe(
      'bad-motion',
    );
  });

  it('gives one mean per voxel, in order of first occurrence', async () => {
    const { positions: means, times: t, intensity: v } = (await core.downsample(sweep, 8)).arrays();
    const groups = new Map<string, number[]>();
    for (let i = 0; i < 500; i++) {
      const key = point(positions, i)
        .map((c) => Math.floor(c / 8))
        .join();
      groups.set(key, [...(groups.get(key) ?? []), i]);
    }
    const mean = (members: readonly number[], of: (i: number) => number) =>
      members.reduce((sum, i) => sum + of(i), 0) / members.length;
    expect(means.length).toBe(3 * groups.size);
    [...groups.values()].forEach((members, at) => {
      for (let a = 0; a < 3; a++)
        expect(means[3 * at + a]).toBeCloseTo(
          mean(members, (i) => positions[3 * i + a]!),
          4,
        );
      expect(t![at]).toBeCloseTo(
        mean(members, (i) => times[i]!),
        6,
      );
      expect(v![at]).toBeCloseTo(
        mean(members, (i) => intensity[i]!),
        3,
      );
    });
  });

  it('keeps voxels on both sides of zero apart', async () => {
    const cloud = core.cloud({ positions: Float32Array.of(0.1, 0, 0, -0.1, 0, 0, 0.2, 0, 0) });
    const { positions: means } = (await core.downsample(cloud, 1)).arrays();
    expectPoints(means, (i) => [[0.15, 0, 0] as const, [-0.1, 0, 0] as const][i]!, 1e-6);
    expect((await core.downsample(core.cloud({ positions: new Float32Array() }), 1)).size).toBe(0);
  });

  it('refuses voxel sizes that make no grid', async () => {
    expect(await reasonOf(() => core.downsample(sweep, 0))).toBe('bad-voxel-size');
    expect(await reasonOf(() => core.downsample(sweep, -1))).toBe('bad-voxel-size');
    expect(await reasonOf(() => core.downsample(sweep, 1e-6))).toBe('point-out-of-range');
  });

  it('thins the deskewed points of several LiDARs in one pass, in their order', async () => {
    const one = { cloud: sweep, T_base_sensor: T_base_lidar, motion: twist };
    const other = { cloud: sweep, T_base_sensor: IDENTITY, motion: sampled };
    const level = [
      (await core.deskew(sweep, T_base_lidar, twist)).arrays(),
      (await core.deskew(sweep, IDENTITY, sampled)).arrays(),
    ];
    const joined = (columns: (Float32Array | undefined)[]) =>
      Float32Array.from(columns.flatMap((column) => [...column!]));
    const together = core.cloud({
      positions: joined(level.map((cloud) => cloud.positions)),
      intensity: joined(level.map((cloud) => cloud.intensity)),
    });
    const expected = (await core.downsample(together, 3)).arrays();
    const { positions: means, intensity: shades, times: none } = (await core.thin([one, other], 3)).arrays();
    expectPoints(means, (i) => point(expected.positions, i), 1e-4);
    expect(means.length).toBe(expected.positions.length);
    shades!.forEach((shade, i) => {
      expect(shade).toBeCloseTo(expected.intensity![i]!, 3);
    });
    expect(none).toBeUndefined();
    const plain = { ...one, cloud: core.cloud({ positions }) };
    expect((await core.thin([one, plain], 3)).arrays().intensity).toBeUndefined();
    expect((await core.thin([], 3)).size).toBe(0);
  });

  it('thins a large sweep to the same bits with any number of threads', async () => {
    const large = Float32Array.from({ length: 3 * 150_000 }, () => random.uniform(-20, 20));
    const cloud = core.cloud({ positions: large });
    const one = { cloud, T_base_sensor: IDENTITY, motion: { kind: 'still' } as const };
    const { positions: expected } = (await core.downsample(cloud, 4)).arrays();
    const found: Float32Array[] = [];
    for (const threads of [1, 2, 3]) {
      core.setThreads(threads);
      found.push((await core.thin([one], 4)).arrays().positions);
    }
    core.setThreads(1);
    expectPoints(found[0]!, (i) => point(expected, i), 1e-3);
    expect(found[0]!.length).toBe(expected.length);
    for (const other of found) expect(other).toEqual(found[0]);
  });

  it('refuses to thin what makes no grid, or motion that runs backwards', async () => {
    const one = { cloud: sweep, T_base_sensor: IDENTITY, motion: { kind: 'still' } as const };
    expect(await reasonOf(() => core.thin([one], 0))).toBe('bad-voxel-size');
    expect(await reasonOf(() => core.thin([one], 1e-6))).toBe('point-out-of-range');
    const back: Motion = { kind: 'sampled', times: [0, 0], poses: [IDENTITY, IDENTITY] };
    expect(await reasonOf(() => core.thin([{ ...one, motion: back }], 1))).toBe('bad-motion');
  });

  /** z = 3 + 0.2 x, in the frame's positive half: its normal towards the origin points down. */
  const slope = scatter(600, () => {
    const [x, y] = [random.uniform(-4, 4), random.uniform(-4, 4)];
    return [x, y, 3 + 0.2 * x];
  });
  const normal: Vec3 = [0.2 / Math.hypot(0.2, 1), 0, -1 / Math.hypot(0.2, 1)];

  it('finds the normal of a plane, towards the origin, and no curvature', async () => {
    const plane = core.cloud({ positions: slope, intensity: new Float32Array(600).fill(7) });
    const { normals, curvature, intensity: kept } = (await core.estimateNormals(plane, 12)).arrays();
    expectPoints(normals!, () => normal, 1e-4);
    expect(Math.max(...curvature!)).toBeLessThan(1e-6);
    expect(kept![599]).toBe(7);
  });

  it('tells a corner from a plane by its curvature', async () => {
    const ball = scatter(300, () => [random.gaussian(), random.gaussian(), 10 + random.gaussian()]);
    const { curvature } = (await core.estimateNormals(core.cloud({ positions: ball }), 64)).arrays();
    expect([...curvature!].sort((a, b) => a - b)[150]).toBeGreaterThan(0.1);
  });

  it('refuses too few points or neighbours for a plane', async () => {
    expect(await reasonOf(() => core.estimateNormals(sweep, 2))).toBe('bad-neighbour-count');
    expect(await reasonOf(() => core.estimateNormals(sweep, 65))).toBe('bad-neighbour-count');
    const two = core.cloud({ positions: Float32Array.of(1, 2, 3, 4, 5, 6) });
    expect(await reasonOf(() => core.estimateNormals(two, 3))).toBe('too-few-points');
  });
}

function point(positions: Float32Array, i: number): Vec3 {
  return [positions[3 * i]!, positions[3 * i + 1]!, positions[3 * i + 2]!];
}

function expectPoints(found: Float32Array, expected: (i: number) => Vec3, tolerance: number): void {
  let worst = 0;
  for (let i = 0; 3 * i < found.length; i++) {
    const [x, y, z] = expected(i);
    const [u, v, w] = point(found, i);
    worst = Math.max(worst, Math.hypot(u - x, v - y, w - z));
  }
  expect(worst).toBeLessThanOrEqual(tolerance);
}
