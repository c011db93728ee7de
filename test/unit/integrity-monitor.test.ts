import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { adviceConfig } from '../../src/localization/advice.ts';
import { integrityConfig } from '../../src/localization/integrity.ts';
import { IntegrityMonitor } from '../../src/localization/integrity-monitor.ts';
import type { PoseEstimate } from '../../src/localization/pose-filter.ts';
import { at, diagonal, GRAVITY } from './fusion-simulation.ts';

const config = integrityConfig.parse({});
const estimate = (x: number, y = 0, speed = 1) =>
  ({
    pose: { position: [x, y, 0], orientation: [0, 0, 0, 1] },
    velocity: [speed, 0, 0],
    covariance: diagonal(...Array<number>(15).fill(0.02)),
    lastGnss: at(0),
    wheels: { scale: 1, scaleVariance: 1e-5, yawBias: 0, yawVariance: 1e-6 },
  }) as unknown as PoseEstimate;

/** A robot at 1 m/s whose sensors run to `seconds`; scans come `late` seconds after their stamps. */
function run(
  seconds: number,
  speed: (time: number) => number,
  scan: (monitor: IntegrityMonitor, time: number) => void,
  late = 0,
) {
  const monitor = new IntegrityMonitor(config, adviceConfig.parse({}), {
    hasMap: true,
    gravity: GRAVITY,
    gyroGap: 0.25,
    aloneAfter: 60,
    fixSigma: 25,
  });
  const places = [0];
  const said = [];
  for (let k = 1; k <= seconds * 100; k++) {
    const time = k / 100;
    places.push(places[k - 1]! + (speed(time - 0.005) || 0) / 100);
    const stamp = at(time);
    monitor.imu({ stamp, angularVelocity: [0, 0, 0], linearAcceleration: [0, 0, GRAVITY] }, [0, 0, 0]);
    if (k % 5 === 0) monitor.odometry(stamp, [speed(time), 0, 0], [0, 0, 0]);
    const then = k - Math.round(late * 100);
    if (k % 10 !== 0 || then < 0) continue;
    scan(monitor, time);
    said.push({ time, ...monitor.judge(at(then / 100), estimate(places[then]!), true, undefined) });
  }
  return { monitor, said };
}
const good = (monitor: IntegrityMonitor, time: number) =>
  monitor.good(at(time), 0.02, false, { distance: 0.01, sigma: 0.02 });

describe('the integrity monitor', () => {
  it('is not alarmed by a robot that brakes and speeds up, however late its scans come', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 0.3, noNaN: true }),
        fc.double({ min: 0.2, max: 2, noNaN: true }),
        (late, rate) => {
          const speed = (time: number) => 1 + Math.min(1, Math.max(-1, 2 * Math.sin(rate * time)));
          const { said } = run(12, speed, good, late);
          expect(said.every(({ verdict }) => verdict.state === 'TRACKING')).toBe(true);
          expect(Math.max(...said.map(({ protectionLevel }) => protectionLevel!))).toBeLessThan(0.6);
        },
      ),
      { seed: 9, numRuns: 15 },
    );
  });

  it('says at once that the robot may be anywhere when a scan is not of this place, until one is', () => {
    const { said } = run(
      6,
      () => 1,
      (monitor, time) =>
        time > 3 && time < 4 ? monitor.bad(at(time), 'improbable', 0, 0.4) : good(monitor, time),
    );
    for (const { time, protectionLevel, verdict, advice } of said) {
      const bad = time > 3 && time < 4;
      if (bad) expect([verdict.state, protectionLevel]).toEqual(['DEGRADED', config.takenAway]);
      else expect(protectionLevel).toBeLessThan(0.3);
      if (bad) expect(advice.motion).not.toBe('drive');
    }
  });

  it('does not take a scan that is hidden in part, or was not looked at, for another place', () => {
    for (const probability of [0.97, undefined]) {
      const { said, monitor } = run(
        5,
        () => 1,
        (one, time) =>
          time > 3 && time < 3.3 ? one.bad(at(time), 'improbable', 0, probability) : good(one, time),
      );
      expect(Math.max(...said.map(({ protectionLevel }) => protectionLevel!))).toBeLessThan(0.5);
      expect(monitor.elsewhere).toBe(false);
    }
  });

  it('counts how far off a refused scan would have put the robot', () => {
    const { said } = run(
      3,
      () => 1,
      (monitor, time) =>
        time > 2.95 ? monitor.bad(at(time), 'innovation-gate', 2, undefined) : good(monitor, time),
    );
    expect(said.at(-1)!.protectionLevel).toBeGreaterThan(2);
  });

  it('asks for another look once it is elsewhere for half a second', () => {
    const { monitor } = run(
      4,
      () => 1,
      (one, time) => (time > 3 ? one.bad(at(time), 'improbable', 0, 0.4) : good(one, time)),
    );
    expect(monitor.elsewhere).toBe(true);
    monitor.good(at(4.1), 0.02, true);
    expect(monitor.elsewhere).toBe(false);
  });

  it('says how far fixes may be off where the filter has nothing else', () => {
    const until = (time: number) => (k: IntegrityMonitor, now: number) => {
      if (now <= time) good(k, now);
    };
    const { monitor } = run(1, () => 0, until(1));
    const levelWith = (lastGnss: bigint) =>
      monitor.judge(at(62), { ...estimate(0, 0, 0), lastGnss }, true, undefined).protectionLevel!;
    // A fix soon after the last registration is weighed against the way since; after a minute it is all there is.
    expect(levelWith(at(60.9))).toBeLessThan(1);
    expect(levelWith(at(61.1))).toBeGreaterThan(4 * 25);

    const start = { hasMap: false, gravity: GRAVITY, gyroGap: 0.25, aloneAfter: 60, fixSigma: 25 };
    const mapless = new IntegrityMonitor(config, adviceConfig.parse({}), start);
    expect(mapless.judge(at(1), estimate(0), true, undefined).protectionLevel).toBeGreaterThan(4 * 25);
  });
});
