import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OS1_16, sweep } from '../../src/adapters/sim/lidar.ts';
import { buildStreet } from '../../src/adapters/sim/world.ts';
import { disturbed } from '../../src/commands/map-scans.ts';
import { ScanChain } from '../../src/map-service/refine.ts';
import { smoothChain } from '../../src/map-service/smooth-chain.ts';
import { Random } from '../../src/math/random.ts';
import { compose, relative } from '../../src/math/se3.ts';
import { quatFromRpy } from '../../src/math/so3.ts';
import { rms } from '../../src/math/statistics.ts';
import { loadCore } from '../../src/native.ts';
import type { Pose, StampedPose } from '../../src/types.ts';

const core = loadCore();
const NOISE = { givenPosition: 0.5, givenAngle: 0.02, stepPosition: 0.004, stepAngle: 0.0003 };

/** A walk along the first street of the simulated block. */
function truth(count: number): Pose[] {
  const start: Pose = { position: [-38, -27, 1.2], orientation: quatFromRpy(0, 0, 0.35) };
  return Array.from({ length: count }, (_, k) =>
    compose(start, { position: [0.3 * k, 0, 0], orientation: quatFromRpy(0, 0, 0.01 * k) }),
  );
}
const stamped = (poses: Pose[]): StampedPose[] => poses.map((pose, k) => ({ stamp: BigInt(k), pose }));
/** How far each step is from the true one, m and rad: what blurs a map. */
function stepErrors(found: readonly Pose[], poses: readonly Pose[]) {
  const errors = poses.slice(1).map((pose, k) => {
    return relative(relative(poses[k]!, pose), relative(found[k]!, found[k + 1]!));
  });
  return {
    metres: rms(errors.map(({ position }) => Math.hypot(...position))),
    radians: rms(errors.map(({ orientation: [x, y, z] }) => 2 * Math.hypot(x, y, z))),
  };
}

describe('smoothChain', () => {
  it('leaves poses alone that fit already, and gives the chain its given place', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 1e6 }), (count, seed) => {
        const poses = truth(count);
        const same = smoothChain(poses, poses, NOISE);
        same.forEach((pose, k) => {
          expect(Math.hypot(...relative(poses[k]!, pose).position)).toBeLessThan(1e-9);
        });
        const random = new Random(seed);
        const shift: Pose = {
          position: [random.uniform(-3, 3), random.uniform(-3, 3), 0],
          orientation: [0, 0, 0, 1],
        };
        const moved = poses.map((pose) => compose(shift, pose));
        smoothChain(moved, poses, NOISE).forEach((pose, k) => {
          expect(Math.hypot(...relative(poses[k]!, pose).position)).toBeLessThan(1e-6);
        });
      }),
      { seed: 1, numRuns: 30 },
    );
  });

  it('keeps the steps of the chain where the given poses jitter', () => {
    const poses = truth(60);
    const given = disturbed(stamped(poses), { seed: 3, position: 0.05, angle: 0.2 }).map(({ pose }) => pose);
    const found = smoothChain(poses, given, NOISE);
    expect(stepErrors(given, poses).metres).toBeGreaterThan(0.09);
    expect(stepErrors(found, poses).metres).toBeLessThan(0.002);
  });
});

describe('ScanChain', () => {
  it('finds the true steps from poses off by 5 cm and 0.2 degrees', async () => {
    const poses = truth(14);
    const given = disturbed(stamped(poses), { seed: 4, position: 0.05, angle: 0.2 }).map(({ pose }) => pose);
    const lidar = {
      ...OS1_16,
      elevations: Array.from({ length: 32 }, (_, ring) => ((ring - 18) * 1.2 * Math.PI) / 180),
    };
    const world = buildStreet(2, 60);
    const random = new Random(6);
    const chain = new ScanChain(core, { window: 10, voxelSize: 0.25, normalNeighbours: 20 });
    const found: Pose[] = [];
    for (const [k, pose] of poses.entries()) {
      const scan = sweep(lidar, world, BigInt(k), 'lidar', () => pose, random);
      const { cloud } = await core.decodePointCloud2(scan, { minRange: 1, maxRange: 60 });
      found.push(await chain.add(cloud, given[k]!));
    }
    const [before, after] = [stepErrors(given, poses), stepErrors(found, poses)];
    console.info(
      `steps off by ${(1000 * before.metres).toFixed(1)} mm, ${before.radians.toFixed(5)} rad; registered ${(1000 * after.metres).toFixed(1)} mm, ${after.radians.toFixed(5)} rad`,
    );
    expect(chain.refused).toBe(0);
    expect(after.metres).toBeLessThan(before.metres / 5);
    expect(after.radians).toBeLessThan(before.radians / 5);
  });
});
