import { describe, expect, it } from 'vitest';
import { TimeOffsets, timeOffsetsConfig } from '../../src/localization/time-offsets.ts';
import { TurnTrack } from '../../src/localization/turn-track.ts';
import { Random } from '../../src/math/random.ts';
import { expSo3, quatMultiply } from '../../src/math/so3.ts';
import type { Vec3 } from '../../src/types.ts';
import { at, noise3, plus, Weaver } from './fusion-simulation.ts';

/** Seconds by which each sensor stamps early (a measurement at t carries t − offset). */
interface Clocks {
  readonly lidar?: number;
  readonly odometry?: number;
  readonly gnss?: number;
}

const GYRO_BIAS = 0.004;

/** A weaving drive: gyro 200 Hz, registrations 10 Hz, odometry 20 Hz with a wheel scale off by 10 %, fixes 5 Hz. */
function driven(clocks: Clocks, seconds: number, settings: object = {}, seed = 1) {
  const r = new Random(seed);
  const told: string[] = [];
  const offsets = new TimeOffsets(timeOffsetsConfig.parse(settings), 0.25, (sensor) => told.push(sensor));
  const robot = new Weaver();
  const { lidar = 0, odometry = 0, gnss = 0 } = clocks;
  let drift: Vec3 = [3, -2, 0];
  for (let k = 1; k <= seconds * 200; k++) {
    const time = k / 200;
    offsets.gyro(at(time), Weaver.yawRate(time) + GYRO_BIAS + r.gaussian(0, 0.005));
    if (k % 20 === 0) {
      // Seen 30 ms before the newest sample, and stamped by a clock of its own.
      const seen = time - 0.03;
      const orientation = quatMultiply(
        expSo3(noise3(r, 0.001)),
        expSo3([0, 0, Weaver.yaw(Math.max(0, seen))]),
      );
      offsets.registration(at(seen - lidar), orientation, 2e-6, GYRO_BIAS);
    }
    if (k % 10 === 0) {
      const rate = 0.9 * Weaver.yawRate(time) + r.gaussian(0, 0.02);
      offsets.odometry(at(time - odometry), rate, 0.05 ** 2 + (0.2 * rate) ** 2, GYRO_BIAS);
    }
    if (k % 40 === 0) {
      drift = plus(drift, noise3(r, 0.05));
      const stamp = at(time - gnss);
      const believed = Number(offsets.believed('gnss', stamp) - at(0)) * 1e-9;
      const [there, here] = [robot.pose(time).position, placeAt(believed)];
      const off = plus(plus(there, drift), [-here[0], -here[1], 0]);
      offsets.gnss(stamp, off, robot.velocity(believed), 1);
    }
  }
  return { offsets, told };
}

function placeAt(time: number): Vec3 {
  return new Weaver().pose(Math.max(0, time)).position;
}

describe('time offsets', () => {
  it.each([0.06, -0.025])('of a LiDAR that is %s s off are found and used', (lidar) => {
    const { offsets, told } = driven({ lidar }, 120);
    const { seconds, sigma, used } = offsets.figures.lidar;
    expect(Math.abs(seconds - lidar)).toBeLessThan(Math.min(0.004, 4 * sigma));
    expect(Math.abs(used - lidar)).toBeLessThan(0.006);
    expect(offsets.at('lidar', at(1))).toBe(at(1) + BigInt(Math.round(used * 1e9)));
    expect(told).toContain('lidar');
  });

  it('of wheels that report late, with a scale that is off, are found', () => {
    const { seconds, sigma } = driven({ odometry: -0.045 }, 200).offsets.figures.odometry;
    expect(Math.abs(seconds + 0.045)).toBeLessThan(0.006);
    expect(sigma).toBeLessThan(0.009);
  });

  it('of fixes are learnt beside a bias that wanders, but not used while they are not sure', () => {
    const { seconds, sigma, used } = driven({ gnss: -0.05 }, 200).offsets.figures.gnss;
    expect(Math.abs(seconds + 0.05)).toBeLessThan(3 * sigma);
    expect(sigma).toBeLessThan(0.07);
    expect(used).toBe(0);
  });

  it('that are none are left at none, whatever the seed', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const { offsets, told } = driven({}, 60, {}, seed);
      expect(told).toEqual([]);
      for (const { used, seconds, sigma } of Object.values(offsets.figures)) {
        expect(used).toBe(0);
        expect(Math.abs(seconds)).toBeLessThan(4.5 * sigma);
      }
    }
  });

  it('are as configured where nothing may be learnt, and said but not used beyond the bound', () => {
    const fixed = driven({ lidar: 0.06 }, 30, { estimate: false, lidar: 0.02 }).offsets;
    expect(fixed.at('lidar', at(0))).toBe(at(0.02));
    expect(fixed.at('odometry', at(0))).toBe(at(0));
    const { offsets, told } = driven({ lidar: 0.06 }, 90, { bound: 0.03 });
    expect(Math.abs(offsets.figures.lidar.seconds - 0.06)).toBeLessThan(0.01);
    expect(offsets.figures.lidar.used).toBe(0);
    expect(told).toEqual(['lidar']);
  });

  it('standing still, or going straight on, teaches nothing', () => {
    const offsets = new TimeOffsets(timeOffsetsConfig.parse({}), 0.25);
    for (let k = 1; k <= 20_000; k++) {
      offsets.gyro(at(k / 200), 0);
      if (k % 20 === 0) offsets.registration(at(k / 200), [0, 0, 0, 1], 2e-6, 0);
    }
    expect(offsets.figures.lidar).toMatchObject({ seconds: 0, used: 0 });
    expect(offsets.figures.lidar.sigma).toBeGreaterThan(0.06);
  });
});

describe('the turn by the gyro', () => {
  it('is the integral of the rate, and unknown outside and across a gap', () => {
    const track = new TurnTrack(0.25);
    for (let k = 0; k <= 100; k++) track.add(at(k / 100), 2 * (k / 100));
    const [a, b] = [track.at(at(0.253))!, track.at(at(0.75))!];
    expect(b.angle - a.angle).toBeCloseTo(0.75 ** 2 - 0.253 ** 2, 5);
    expect(a.rate).toBeCloseTo(0.506, 9);
    expect(track.at(at(1.001))).toBeUndefined();
    expect(track.at(at(-0.001))).toBeUndefined();
    track.add(at(2), 0);
    expect(track.at(at(0.75))).toBeUndefined();
    expect(track.at(at(2))).toBeUndefined();
  });
});
