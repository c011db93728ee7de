import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { adviceConfig, adviseMotion } from '../../src/localization/advice.ts';
import { integrityConfig, type Verdict } from '../../src/localization/integrity.ts';
import { LiftWatch } from '../../src/localization/lift-watch.ts';
import type { PoseEstimate } from '../../src/localization/pose-filter.ts';
import { protectionLevel, worstSigma } from '../../src/localization/protection-level.ts';
import { ScanPeriod } from '../../src/localization/scan-period.ts';
import { DeadReckoning } from '../../src/localization/separation.ts';
import { quatFromRpy } from '../../src/math/so3.ts';
import type { Vec3 } from '../../src/types.ts';
import { at, drive, GRAVITY, startedFilter } from './fusion-simulation.ts';

const config = integrityConfig.parse({});
const advice = adviceConfig.parse({});
const metres = fc.double({ min: 0, max: 50, noNaN: true });
const sigmas = fc.double({ min: 1e-3, max: 20, noNaN: true });
const RUNS = { seed: 9, numRuns: 300 };

describe('the protection level, for any input', () => {
  const separations = fc.array(fc.record({ distance: metres, sigma: sigmas }), { maxLength: 3 });

  it('never falls with more error of any kind, or with less risk', () => {
    fc.assert(
      fc.property(sigmas, metres, separations, metres, (sigma, residual, others, more) => {
        const level = protectionLevel(sigma, residual, others, config);
        const farther = others.map((one) => ({ ...one, distance: one.distance + more }));
        expect(protectionLevel(sigma + more, residual, others, config)).toBeGreaterThanOrEqual(level);
        expect(protectionLevel(sigma, residual + more, others, config)).toBeGreaterThanOrEqual(level);
        expect(protectionLevel(sigma, residual, farther, config)).toBeGreaterThanOrEqual(level);
        const surer = { ...config, risk: config.risk / 10 };
        expect(protectionLevel(sigma, residual, others, surer)).toBeGreaterThanOrEqual(level);
      }),
      RUNS,
    );
  });

  it('covers the solution without a sensor, and the map alone never more than with it', () => {
    fc.assert(
      fc.property(sigmas, separations, (sigma, others) => {
        const level = protectionLevel(sigma, 0, others, config);
        for (const { distance } of others) expect(level).toBeGreaterThanOrEqual(distance);
        expect(protectionLevel(sigma, undefined, others, config)).toBeLessThanOrEqual(level);
      }),
      RUNS,
    );
  });

  it('takes the worst direction over the plane, however it is turned', () => {
    fc.assert(
      fc.property(sigmas, sigmas, fc.double({ min: -7, max: 7, noNaN: true }), (a, b, turn) => {
        const [c, s] = [Math.cos(turn), Math.sin(turn)];
        const [xx, yy, xy] = [
          (c * a) ** 2 + (s * b) ** 2,
          (s * a) ** 2 + (c * b) ** 2,
          c * s * (a * a - b * b),
        ];
        expect(worstSigma([xx, xy, xy, yy], 2)).toBeCloseTo(Math.max(a, b), 6);
      }),
      RUNS,
    );
  });
});

describe('the advice', () => {
  const RANK = { stop: 0, slow: 1, drive: 2 } as const;
  const verdicts = fc.constantFrom<Verdict>(
    { state: 'TRACKING', motion: 'drive' },
    { state: 'DEGRADED', reason: 'no-lidar', motion: 'slow' },
    { state: 'LOST', reason: 'carried', motion: 'stop' },
  );
  const speeds = fc.double({ min: 0, max: 3, noNaN: true });

  it('never allows more than the state does, nor more for less width or a higher level', () => {
    fc.assert(
      fc.property(verdicts, metres, metres, speeds, metres, (verdict, level, width, speed, more) => {
        const rank = (l: number, w: number) => RANK[adviseMotion(verdict, l, 0, w, speed, advice).motion];
        expect(rank(level, width)).toBeLessThanOrEqual(RANK[verdict.motion]);
        expect(rank(level + more, width)).toBeLessThanOrEqual(rank(level, width));
        expect(rank(level, width)).toBeLessThanOrEqual(rank(level, width + more));
      }),
      RUNS,
    );
  });

  it('lets a robot that brakes at the word stand before its level passes the width', () => {
    fc.assert(
      fc.property(speeds, fc.double({ min: 0.01, max: 0.5, noNaN: true }), (speed, growth) => {
        const tracking: Verdict = { state: 'TRACKING', motion: 'drive' };
        const width = 1;
        let level = 0.1;
        // One that is too fast for the place from the first is another matter.
        fc.pre(adviseMotion(tracking, level, growth, width, speed, advice).motion !== 'stop');
        const step = 0.1;
        while (adviseMotion(tracking, level, growth, width, speed, advice).motion !== 'stop')
          level += growth * step;
        const standing = advice.reaction + speed / advice.deceleration;
        // The word comes with the next output: one step late at most.
        expect(level + growth * (standing - step)).toBeLessThanOrEqual(width + 1e-6);
      }),
      RUNS,
    );
  });

  it('stops where a width is given and the level is unknown', () => {
    const tracking: Verdict = { state: 'TRACKING', motion: 'drive' };
    const said = adviseMotion(tracking, undefined, 0, 1, 1, advice);
    expect(said).toEqual({ motion: 'stop', reason: 'protection-level-unknown' });
  });
});

describe('the watch for a robot that is carried', () => {
  const still: Vec3 = [0, 0, 0];
  /** `seconds` of an IMU of 100 Hz from `from` on. */
  const shake = (watch: LiftWatch, from: number, seconds: number, turn: number, force = GRAVITY) => {
    for (let k = 0; k < seconds * 100; k++)
      watch.imu(
        { stamp: at(from + k / 100), angularVelocity: [0, 0, turn], linearAcceleration: [0, 0, force] },
        still,
      );
  };

  it('is not alarmed by a robot that drives, however it turns and shakes', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.05, max: 2, noNaN: true }),
        fc.double({ min: -2, max: 2, noNaN: true }),
        (speed, turn) => {
          const watch = new LiftWatch(GRAVITY);
          watch.odometry([speed, 0, 0], [0, 0, turn]);
          shake(watch, 0, 2, turn, GRAVITY + 4);
          expect(watch.carried).toBe(false);
        },
      ),
      { ...RUNS, numRuns: 50 },
    );
  });

  it('is alarmed by 0.4 s of motion while the wheels stand, not by a push, and until a scan fits afterwards', () => {
    const watch = new LiftWatch(GRAVITY);
    watch.odometry(still, still);
    shake(watch, 0, 0.2, 0.8);
    expect(watch.carried).toBe(false);
    shake(watch, 0.2, 5, 0.01);
    shake(watch, 5.2, 0.4, 0.8);
    expect(watch.carried).toBe(true);
    // Still in the air: a scan that fits by chance ends nothing.
    watch.placed(at(5.7));
    expect(watch.carried).toBe(true);
    watch.placed(at(6.2));
    expect(watch.carried).toBe(false);
  });

  it('takes the known bias of the gyro off', () => {
    const watch = new LiftWatch(GRAVITY);
    watch.odometry(still, still);
    for (let k = 0; k < 200; k++)
      watch.imu(
        { stamp: at(k / 100), angularVelocity: [0, 0, 0.4], linearAcceleration: [0, 0, GRAVITY] },
        [0, 0, 0.4],
      );
    expect(watch.carried).toBe(false);
  });
});

describe('the separation from dead reckoning', () => {
  const wheels = { scale: 1, scaleVariance: 1e-4, yawBias: 0, yawVariance: 1e-6 };
  const estimateAt = (x: number, y: number): PoseEstimate =>
    ({
      pose: { position: [x, y, 0], orientation: quatFromRpy(0, 0, 0) },
      covariance: Float64Array.from({ length: 225 }, (_, k) => (k % 16 === 0 ? 4e-4 : 0)),
      wheels,
    }) as unknown as PoseEstimate;

  /** Straight on at 1 m/s for `seconds`; the estimate is `off` beside the truth at each time. Returns the last answer. */
  function straight(seconds: number, off: (time: number) => number, odometry = true, hasScans = true) {
    const reckoning = new DeadReckoning(config, 0.5, hasScans);
    let said: ReturnType<DeadReckoning['compare']>;
    for (let k = 1; k <= seconds * 100; k++) {
      const time = k / 100;
      reckoning.imu({
        stamp: at(time),
        angularVelocity: [0, 0, 0],
        linearAcceleration: [0, 0, GRAVITY],
      });
      if (k % 5 === 0 && odometry) reckoning.odometry(at(time), [1, 0, 0], [0, 0, 0]);
      if (k % 10 === 0) said = reckoning.compare(at(time), estimateAt(time, off(time)));
    }
    return said && { ...said, farthest: Math.max(...said.separations.map(({ distance }) => distance)) };
  }

  it('is next to nothing while the estimate is right', () => {
    const right = straight(10, () => 0)!;
    expect(right.farthest).toBeLessThan(0.02);
    expect(right).toMatchObject({ suspect: 0, contradicts: false });
  });

  it('shows a pull of any size as far as it went', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.1, max: 2, noNaN: true }), (rate) => {
        const said = straight(10, (time) => rate * Math.max(0, time - 8))!;
        expect(said.farthest).toBeGreaterThan(1.8 * rate);
        expect(said.farthest).toBeLessThan(2 * rate + 0.05);
      }),
      { ...RUNS, numRuns: 20 },
    );
  });

  it('forgets with its window a pull that no scan can settle', () => {
    const pull = (time: number) => 0.3 * Math.max(0, Math.min(time, 20) - 10);
    expect(straight(20, pull, true, false)).toMatchObject({ contradicts: true });
    expect(straight(45, pull, true, false)).toMatchObject({ suspect: 0, contradicts: false });
    expect(straight(45, pull)).toMatchObject({ contradicts: true });
  });

  it('does not forget a pull that is over long ago, until somebody has shown who is right', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.08, max: 0.5, noNaN: true }),
        fc.integer({ min: 5, max: 40 }),
        (rate, after) => {
          const said = straight(20 + after, (time) => rate * Math.max(0, Math.min(time, 20) - 10))!;
          expect(said.farthest).toBeGreaterThan(8 * rate);
          expect(said.suspect).toBeGreaterThan(after);
        },
      ),
      { ...RUNS, numRuns: 10 },
    );
  });

  it('agrees again once the estimate is back where dead reckoning is', () => {
    const said = straight(20, (time) => (time > 8 && time < 12 ? 1 : 0))!;
    expect(said).toMatchObject({ suspect: 0, contradicts: false });
  });

  it('alarms at 0.5 m/s within two seconds, and not at the noise of a real drive', () => {
    expect(straight(10, (time) => 0.5 * Math.max(0, time - 8))!.contradicts).toBe(true);
    const right = straight(10, (time) => 0.02 * Math.sin(5 * time))!;
    expect(right).toMatchObject({ suspect: 0, contradicts: false });
  });

  it('says nothing without wheels', () => {
    expect(straight(3, () => 0, false)).toBeUndefined();
  });
});

describe('the calibration of the wheels', () => {
  /** The weaving drive of 30 s with wheels that say `factor` times the speed. */
  const learnt = (factor: number) => {
    const filter = startedFilter();
    for (const { sensor, send } of drive(30, 3)) {
      if (sensor !== 'odometry') send(filter);
      else
        send(
          new Proxy(filter, {
            get: (target, name) =>
              name === 'odometry'
                ? (stamp: bigint, linear: Vec3, angular: Vec3) =>
                    target.odometry(stamp, [linear[0] * factor, linear[1], linear[2]], angular)
                : Reflect.get(target, name, target),
          }),
        );
    }
    return filter.stateAt(at(30))!.wheels;
  };

  it('learns a scale that is off by some percent, and knows how well', () => {
    for (const factor of [0.98, 1.02]) {
      const { scale, scaleVariance } = learnt(factor);
      expect(Math.abs(scale - 1 / factor)).toBeLessThan(0.005);
      expect(Math.abs(scale - 1 / factor)).toBeLessThan(4 * Math.sqrt(scaleVariance));
    }
  });
});

describe('how long a LiDAR is waited for', () => {
  const after = (periods: readonly number[]) => {
    const period = new ScanPeriod();
    let time = 0;
    period.scan(at(0));
    for (const one of periods) {
      time += one;
      period.scan(at(time));
    }
    return period.patience(0.25, 0.8);
  };

  it('goes with its own period, within limits, and does not grow by two gaps', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.02, max: 3, noNaN: true }), (period) => {
        const patience = after(Array(8).fill(period));
        expect(patience).toBeGreaterThanOrEqual(0.25);
        expect(patience).toBeLessThanOrEqual(0.8);
        if (period < 0.5) expect(patience).toBeGreaterThan(period);
      }),
      RUNS,
    );
    expect(after([0.1, 0.1, 0.1, 5, 5])).toBe(0.25);
    expect(after([0.2, 0.2, 0.2, 0.2, 0.2])).toBeCloseTo(0.3, 6);
    // Too few to know.
    expect(after([1, 1])).toBe(0.25);
  });
});
