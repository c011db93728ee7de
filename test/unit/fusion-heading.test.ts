import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HeadingAlignment, headingAlignmentSchema } from '../../src/localization/heading-alignment.ts';
import { apply, fitRigid2d } from '../../src/localization/rigid-fit.ts';
import { Random } from '../../src/math/random.ts';
import { quatFromRpy, quatRotate, yawOf } from '../../src/math/so3.ts';
import { norm, sub } from '../../src/math/vec3.ts';
import type { Vec3 } from '../../src/types.ts';
import { at, diagonal, noise3, plus, Weaver } from './fusion-simulation.ts';

const angle = fc.double({ min: -3.1, max: 3.1, noNaN: true });
const wrapped = (a: number) => Math.atan2(Math.sin(a), Math.cos(a));

/** A weaving drive whose track is turned by `heading` in the map, until the heading is found or time is up. */
function align(heading: number, seconds: number, sigma: number, seed: number, outlierAt = -1) {
  const alignment = new HeadingAlignment(headingAlignmentSchema.parse({}));
  const [robot, r] = [new Weaver(), new Random(seed)];
  const arm: Vec3 = [0.3, 0.2, 0.5];
  const turn = quatFromRpy(0, 0, heading);
  const reasons: string[] = [];
  for (let k = 0; k <= seconds * 50; k++) {
    const time = k / 50;
    const pose = robot.pose(time);
    alignment.imu({ stamp: at(time), ...robot.imu(time) });
    alignment.odometry(at(time), [Weaver.speed(time), 0, 0], [0, 0, Weaver.yawRate(time)]);
    if (k % 50 !== 0) continue;
    const antenna = quatRotate(turn, plus(pose.position, quatRotate(pose.orientation, arm)));
    const jump: Vec3 = k / 50 === outlierAt ? [60, 0, 0] : [0, 0, 0];
    const fix = plus(plus(antenna, noise3(r, sigma)), jump);
    const result = alignment.gnss(at(time), fix, [...diagonal(sigma, sigma, sigma)], arm);
    if (!result.ok) reasons.push(result.reason);
    else
      return { result, reasons, position: quatRotate(turn, pose.position), yaw: Weaver.yaw(time) + heading };
  }
  return { reasons };
}

describe('rigid fit', () => {
  it('finds the rotation and translation between two sets of points', () => {
    const coordinate = fc.double({ min: -50, max: 50, noNaN: true });
    fc.assert(
      fc.property(angle, coordinate, coordinate, (yaw, x, y) => {
        const move = apply.bind(undefined, { yaw, meanA: [0, 0], meanB: [x, y] });
        const pairs = (
          [
            [0, 0],
            [5, 1],
            [2, 7],
            [-3, 4],
          ] as const
        ).map((a) => ({ a, b: move(a), sigma: 1 }));
        const fit = fitRigid2d(pairs);
        expect(Math.abs(wrapped(fit.yaw - yaw))).toBeLessThan(1e-9);
        expect(fit.residual).toBeLessThan(1e-9);
        const [px, py] = apply(fit, [10, 10]);
        const [qx, qy] = move([10, 10]);
        expect(Math.hypot(px - qx, py - qy)).toBeLessThan(1e-8);
      }),
    );
  });
});

describe('heading alignment', () => {
  it('finds any heading, and place, from clean fixes', () => {
    fc.assert(
      fc.property(angle, (heading) => {
        const { result, position, yaw } = align(heading, 30, 1e-3, 1);
        expect(Math.abs(wrapped(yawOf(result!.pose.orientation) - yaw!))).toBeLessThan(0.01);
        expect(norm(sub(result!.pose.position, position!))).toBeLessThan(0.05);
      }),
      { numRuns: 20 },
    );
  });

  it('claims the heading uncertainty that it has, within a factor of two', () => {
    const errors = Array.from({ length: 40 }, (_, seed) => {
      const { result, yaw } = align(1, 60, 0.8, seed + 1);
      return wrapped(yawOf(result!.pose.orientation) - yaw!) / result!.headingSigma;
    });
    const spread = Math.sqrt(errors.reduce((sum, e) => sum + e * e, 0) / errors.length);
    expect(spread).toBeLessThan(1.3);
    expect(spread).toBeGreaterThan(0.4);
  });

  it('is not turned by one wild fix', () => {
    const { result, yaw } = align(-2, 60, 0.5, 3, 4);
    expect(Math.abs(wrapped(yawOf(result!.pose.orientation) - yaw!))).toBeLessThan(0.35);
  });

  it('says why it has no answer yet', () => {
    const { reasons, result } = align(0, 3, 0.5, 1);
    expect(result).toBeUndefined();
    expect(reasons).toEqual(['few-fixes', 'few-fixes', 'few-fixes', 'few-fixes']);
    expect(align(0, 60, 0.8, 1).reasons).toContain('not-moved');
    const fresh = new HeadingAlignment(headingAlignmentSchema.parse({}));
    expect(fresh.gnss(at(0), [0, 0, 0], undefined, [0, 0, 0])).toMatchObject({
      ok: false,
      reason: 'no-odometry',
    });
    expect(fresh.gnss(at(0), [0, 0, 0], undefined, [0, 0, 0], -1)).toMatchObject({
      ok: false,
      reason: 'no-fix',
    });
  });
});
