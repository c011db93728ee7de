import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fusionSchema } from '../../src/localization/fusion-config.ts';
import { PoseFilter } from '../../src/localization/pose-filter.ts';
import { cholesky } from '../../src/math/matrix.ts';
import { Random } from '../../src/math/random.ts';
import { relative } from '../../src/math/se3.ts';
import { expSo3, yawOf } from '../../src/math/so3.ts';
import { norm, sub } from '../../src/math/vec3.ts';
import type { Vec3 } from '../../src/types.ts';
import {
  at,
  diagonal,
  drive,
  GRAVITY,
  noise3,
  plus,
  START,
  startedFilter,
  Weaver,
} from './fusion-simulation.ts';

describe('fusion', () => {
  it('stands still for an hour: finite, positive definite, unit quaternion, and where it was', () => {
    const r = new Random(7);
    const filter = new PoseFilter(fusionSchema.parse({ history: 0.1 }));
    filter.initialize(
      START,
      { position: [10, -4, 1], orientation: expSo3([0, 0, 2]) },
      diagonal(0.1, 0.1, 0.1, 0.02, 0.02, 0.02),
      [0, 0, 0],
    );
    const bias: Vec3 = [0.003, -0.002, 0.004];
    // 200 Hz for one second of each minute and 5 Hz for the rest keep the test short.
    let time = 0;
    for (let k = 0; time < 3600; k++) {
      time += time % 60 < 1 ? 0.005 : 0.2;
      const stamp = at(time);
      filter.imu({
        stamp,
        angularVelocity: plus(bias, noise3(r, 0.005)),
        linearAcceleration: plus([0, 0, GRAVITY], noise3(r, 0.05)),
      });
      if (k % 4 === 0) filter.odometry(stamp, [0, 0, 0], [0, 0, 0]);
    }
    const state = filter.stateAt(at(time))!;
    expect(norm(sub(state.pose.position, [10, -4, 1]))).toBeLessThan(0.02);
    expect(Math.abs(yawOf(state.pose.orientation) - 2)).toBeLessThan(0.01);
    expect(Math.hypot(...state.pose.orientation)).toBeCloseTo(1, 12);
    expect(norm(state.velocity)).toBeLessThan(0.01);
    expect(cholesky(state.covariance, 15)).toBeDefined();
    for (let i = 0; i < 15; i++) {
      for (let j = 0; j < 15; j++) expect(state.covariance[15 * i + j]).toBe(state.covariance[15 * j + i]);
    }
  });

  it('keeps the covariance positive definite whatever is measured, however oddly', () => {
    const vector = fc.tuple(...[0, 1, 2].map(() => fc.double({ min: -30, max: 30, noNaN: true }))) as never;
    const message = fc.record({
      kind: fc.constantFrom('imu', 'odometry', 'registration', 'gnss'),
      dt: fc.double({ min: 0.001, max: 0.9, noNaN: true }),
      a: vector as fc.Arbitrary<Vec3>,
      b: vector as fc.Arbitrary<Vec3>,
    });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 40 }), (messages) => {
        const filter = startedFilter();
        let time = 0;
        for (const { kind, dt, a, b } of messages) {
          time += dt;
          const stamp = at(time);
          if (kind === 'imu') filter.imu({ stamp, angularVelocity: a, linearAcceleration: b });
          else if (kind === 'odometry') filter.odometry(stamp, a, b);
          else if (kind === 'gnss') filter.gnss(stamp, a, undefined, b);
          else {
            const pose = { position: a, orientation: expSo3(b) };
            filter.registration(stamp, pose, diagonal(0.01, 0.01, 0.01, 0.001, 0.001, 0.001));
          }
        }
        const state = filter.stateAt(at(time))!;
        expect(cholesky(state.covariance, 15)).toBeDefined();
        expect(Math.hypot(...state.pose.orientation)).toBeCloseTo(1, 12);
      }),
      { numRuns: 60 },
    );
  });

  it('goes straight on at constant velocity when nothing is measured', () => {
    const filter = startedFilter();
    const state = filter.stateAt(at(2))!;
    expect(norm(sub(state.pose.position, [2, 0, 0]))).toBeLessThan(1e-9);
    expect(state.covariance[0]).toBeGreaterThan(filter.stateAt(at(1))!.covariance[0]!);
    expect(filter.stateAt(at(-0.1))).toBeUndefined();
    expect(filter.stateAt(at(10.1))).toBeUndefined();
  });

  it('follows a turn without an IMU, by odometry alone', () => {
    const filter = startedFilter();
    // 2 s at 1 m/s and 0.5 rad/s: an arc of radius 2 m over 1 rad ends at (2 sin 1, 2 (1 − cos 1)).
    for (let k = 1; k <= 100; k++) filter.odometry(at(k / 50), [1, 0, 0], [0, 0, 0.5]);
    const { pose } = filter.stateAt(at(2))!;
    expect(Math.abs(yawOf(pose.orientation) - 1)).toBeLessThan(0.05);
    expect(norm(sub(pose.position, [2 * Math.sin(1), 2 * (1 - Math.cos(1)), 0]))).toBeLessThan(0.1);
  });

  it('gives the same bits for the same sequence', () => {
    const run = () => {
      const filter = startedFilter();
      for (const { send } of drive(3, 11)) send(filter);
      return filter.stateAt(at(3.05));
    };
    expect(run()).toEqual(run());
  });

  it('gives the same state when measurements come late and out of order', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1000 }),
        fc.double({ min: 0, max: 0.8, noNaN: true }),
        (seed, delay) => {
          const messages = drive(2, seed);
          const inOrder = startedFilter();
          for (const { send } of messages) send(inOrder);
          const r = new Random(seed);
          const late = messages
            .map((message) => ({ ...message, arrival: message.time + r.uniform(0, delay) }))
            .sort((a, b) => a.arrival - b.arrival);
          const outOfOrder = startedFilter();
          for (const { send } of late) send(outOfOrder);
          expect(outOfOrder.stateAt(at(2))).toEqual(inOrder.stateAt(at(2)));
        },
      ),
      { numRuns: 10 },
    );
  });

  it('starts in the past and catches up on what came since', () => {
    const pose = { position: [0, 0, 0], orientation: [0, 0, 0, 1] } as const;
    const covariance = diagonal(0.05, 0.05, 0.05, 0.01, 0.01, 0.01);
    const [early, late] = [new PoseFilter(fusionSchema.parse({})), new PoseFilter(fusionSchema.parse({}))];
    const messages = drive(1, 3);
    early.initialize(START, pose, covariance, [1, 0, 0]);
    for (const { send } of messages) {
      send(early);
      send(late);
    }
    expect(late.initialized).toBe(false);
    late.initialize(START, pose, covariance, [1, 0, 0]);
    expect(late.stateAt(at(1))).toEqual(early.stateAt(at(1)));
  });

  it('tells the motion during a sweep, without the jumps of corrections', () => {
    // The simulated IMU of 100 Hz misses nothing between its samples.
    const filter = startedFilter({ imu: { accelerometerAliasing: 0 } });
    for (const { send } of drive(5, 5)) send(filter);
    const robot = new Weaver();
    const offsets = [-0.1, -0.05, 0, 0.02];
    const [a, b, zero, ahead] = [4.85, 4.9, 4.95, 4.97].map((time) => robot.pose(time));
    const expected = [a!, b!, zero!, ahead!].map((pose) => relative(zero!, pose));
    const motion = filter.motionBetween(at(4.95), offsets)!;
    motion.forEach((pose, i) => {
      expect(norm(sub(pose.position, expected[i]!.position))).toBeLessThan(0.003);
      expect(Math.abs(yawOf(pose.orientation) - yawOf(expected[i]!.orientation))).toBeLessThan(0.002);
    });
    expect(motion[2]!.position.every((x) => Math.abs(x) < 1e-12)).toBe(true);
    expect(filter.motionBetween(at(1), offsets)).toBeUndefined();
  });
});

describe('fusion refuses', () => {
  const odometry = (filter: PoseFilter, time: number) => filter.odometry(at(time), [1, 0, 0], [0, 0, 0]);

  it('what has no place in time', () => {
    const filter = startedFilter();
    for (let k = 1; k <= 60; k++) odometry(filter, k / 10);
    expect(odometry(filter, 5.5)).toMatchObject({ accepted: false, reason: 'duplicate-stamp' });
    expect(odometry(filter, 3.95)).toMatchObject({ accepted: false, reason: 'too-old' });
    expect(odometry(filter, 5.55)).toMatchObject({ accepted: true });
    expect(odometry(filter, 100)).toMatchObject({ accepted: false, reason: 'from-future' });
    expect(odometry(filter, 6.1)).toMatchObject({ accepted: true });
  });

  it('to be blocked for ever by a real gap', () => {
    const filter = startedFilter();
    odometry(filter, 0.1);
    const reasons = Array.from({ length: 7 }, (_, k) => odometry(filter, 5 + k / 10).reason);
    expect(reasons).toEqual([...Array(5).fill('from-future'), undefined, undefined]);
  });

  it('what is not finite', () => {
    const filter = startedFilter();
    const before = filter.stateAt(at(0.5));
    const bad: Vec3 = [0, Number.NaN, 0];
    expect(filter.odometry(at(0.1), bad, [0, 0, 0]).reason).toBe('not-finite');
    expect(filter.gnss(at(0.1), [Number.POSITIVE_INFINITY, 0, 0], undefined, [0, 0, 0]).reason).toBe(
      'not-finite',
    );
    expect(
      filter.imu({ stamp: at(0.1), angularVelocity: bad, linearAcceleration: [0, 0, 9.8] })?.reason,
    ).toBe('not-finite');
    const pose = { position: [0, 0, 0], orientation: [0, 0, 0, 0] } as const;
    expect(filter.registration(at(0.1), pose, diagonal(1, 1, 1, 1, 1, 1)).reason).toBe('not-finite');
    expect(filter.stateAt(at(0.5))).toEqual(before);
    expect(() => filter.initialize(at(0.1), pose, diagonal(1, 1, 1, 1, 1, 1))).toThrow('finite pose');
  });

  it('measurements before it knows where it is, and settings it does not know', () => {
    const filter = new PoseFilter(fusionSchema.parse({}));
    expect(odometry(filter, 0.1).reason).toBe('not-initialised');
    expect(filter.initialized).toBe(false);
    expect(fusionSchema.safeParse({ gnss: { gait: 1 } }).success).toBe(false);
    expect(fusionSchema.safeParse({ gnss: { gate: 1.5 } }).success).toBe(false);
  });
});
