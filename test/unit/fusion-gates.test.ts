import { describe, expect, it } from 'vitest';
import { gnssCovariance } from '../../src/localization/filter-input.ts';
import type { PoseFilter } from '../../src/localization/pose-filter.ts';
import { Random } from '../../src/math/random.ts';
import { norm, sub } from '../../src/math/vec3.ts';
import type { UpdateRecord, Vec3 } from '../../src/types.ts';
import { at, diagonal, drive, noise3, plus, START, startedFilter, Weaver } from './fusion-simulation.ts';

const ARM: Vec3 = [0.3, 0, 0.5];
type Fix = { bias: Vec3; sigma: number };

/** A drive with GNSS at 1 Hz whose error is `error(time)`; the largest difference in position to the drive without. */
function pull(
  seconds: number,
  error: (time: number, r: Random) => Fix,
): { moved: number; records: UpdateRecord[] } {
  const [withGnss, without] = [startedFilter(), startedFilter()];
  const robot = new Weaver();
  const r = new Random(1);
  const records: UpdateRecord[] = [];
  let moved = 0;
  for (const { time, send, sensor } of drive(seconds, 21)) {
    send(withGnss);
    send(without);
    if (sensor !== 'registration') continue;
    if (Math.round(time * 10) % 10 === 0) {
      const { bias, sigma } = error(time, r);
      const { position } = robot.pose(time);
      const [c, s] = [Math.cos(Weaver.yaw(time)), Math.sin(Weaver.yaw(time))];
      const antenna = plus(plus(position, [c * ARM[0], s * ARM[0], ARM[2]]), bias);
      records.push(withGnss.gnss(at(time), antenna, [...diagonal(sigma, sigma, 2 * sigma)], ARM));
    }
    const place = (filter: PoseFilter) => filter.stateAt(at(time))!.pose.position;
    moved = Math.max(moved, norm(sub(place(withGnss), place(without))));
  }
  return { moved, records };
}

describe('GNSS while the LiDAR tracks', () => {
  it('jumps 130 m and the pose does not', () => {
    const { moved, records } = pull(20, (time, r) => ({
      bias: plus(noise3(r, 1), time > 8 && time < 14 ? [130, 0, 0] : [0, 0, 0]),
      sigma: 1,
    }));
    expect(moved).toBeLessThan(0.05);
    const reasons = records.map(({ reason }) => reason);
    // Fixes 9 … 13 jump; then ten good ones in a row are asked of a receiver that jumped more than twice.
    expect(reasons.slice(8, 13)).toEqual(Array(5).fill('innovation-gate'));
    expect(reasons.slice(13)).toEqual(Array(7).fill('distrusted'));
  });

  it('drifts at 0.1 m/s under a claim of 0.3 m for 60 s and the pose stays within 2 cm', () => {
    expect(pull(60, (time) => ({ bias: [0.1 * time, -0.05 * time, 0], sigma: 0.3 })).moved).toBeLessThan(
      0.02,
    );
  });

  it('is 5 m off, honestly, for 60 s and the pose stays within 2 cm', () => {
    const { moved, records } = pull(60, () => ({ bias: [4, 3, 5], sigma: 5 }));
    expect(moved).toBeLessThan(0.02);
    expect(records.every(({ accepted }) => accepted)).toBe(true);
  });

  it('is not used where it could hardly make the pose surer, and is again once the LiDAR is gone', () => {
    const { moved, records } = pull(20, () => ({ bias: [1, 1, 0], sigma: 1 }));
    expect(moved).toBe(0);
    expect(records.every(({ reason }) => reason === 'not-needed')).toBe(true);
    const filter = startedFilter();
    const robot = new Weaver();
    const later: (string | undefined)[] = [];
    for (const { time, send, sensor } of drive(30, 21)) {
      // The LiDAR is gone after 5 s; odometry goes on.
      if (time <= 5 || sensor !== 'registration') send(filter);
      if (sensor !== 'registration' || Math.round(time * 10) % 10 !== 0) continue;
      const { position } = robot.pose(time);
      later.push(filter.gnss(at(time), position, [...diagonal(1, 1, 2)], [0, 0, 0]).reason);
    }
    expect(later.slice(0, 4)).toEqual(Array(4).fill('not-needed'));
    expect(later.slice(-4)).toEqual(Array(4).fill(undefined));
  });
});

describe('GNSS alone', () => {
  const still = (filter: PoseFilter, time: number) => filter.odometry(at(time), [1, 0, 0], [0, 0, 0]);
  const fix = (filter: PoseFilter, time: number, offset: Vec3) =>
    filter.gnss(at(time), plus([time, 0, 0], offset), [...diagonal(1, 1, 2)], [0, 0, 0]);

  it('does not follow outliers that scatter, however many', () => {
    const filter = startedFilter();
    const r = new Random(4);
    for (let time = 0.5; time < 60; time += 0.5) {
      still(filter, time);
      expect(fix(filter, time, [40 + r.uniform(0, 60), r.uniform(-60, 60), 0]).accepted).toBe(false);
    }
  });

  it('starts again, with a reason, when refused fixes agree for 20 s', () => {
    const filter = startedFilter();
    const records: UpdateRecord[] = [];
    for (let time = 0.5; time < 30; time += 0.5) {
      still(filter, time);
      records.push(fix(filter, time, [0, 40, 0]));
    }
    const first = records.findIndex(({ accepted }) => accepted);
    expect(records[first]).toMatchObject({ reason: 'reinitialised' });
    expect((first + 1) / 2).toBeGreaterThanOrEqual(20);
    expect(norm(sub(filter.stateAt(at(29.5))!.pose.position, [29.5, 40, 0]))).toBeLessThan(1);
  });

  it('has a gate that a blackout does not open', () => {
    const filter = startedFilter({ maxPrediction: 600, maxFuture: 60 });
    filter.registration(
      START + 1n,
      { position: [0, 0, 0], orientation: [0, 0, 0, 1] },
      diagonal(1, 1, 1, 1, 1, 1),
    );
    for (let time = 10; time <= 50; time += 10) still(filter, time);
    expect(Math.sqrt(filter.stateAt(at(50))!.covariance[16]!)).toBeGreaterThan(3);
    // √(3² + 1²) · √13.8 = 11.7 m is where the gate ends, whatever the state's own sigma.
    expect(fix(filter, 50, [0, 15, 0])).toMatchObject({ accepted: false, reason: 'innovation-gate' });
  });

  it('is not used when the receiver has no fix', () => {
    const filter = startedFilter();
    const record = filter.gnss(at(0.5), [0.5, 0, 0], undefined, [0, 0, 0], -1);
    expect(record).toMatchObject({ accepted: false, reason: 'no-fix', correction: 0 });
  });

  it('has no covariance where its type is unknown or a variance is no number', () => {
    const covariance = [...diagonal(1, 1, 2)];
    expect(gnssCovariance({ covariance, covarianceType: 2 })).toBe(covariance);
    expect(gnssCovariance({ covariance, covarianceType: 0 })).toBeUndefined();
    expect(gnssCovariance({ covariance: [0, 0, 0, 0, 0, 0, 0, 0, 0], covarianceType: 2 })).toBeUndefined();
  });
});

describe('registrations', () => {
  const pose = (x: number, y: number) => ({ position: [x, y, 0], orientation: [0, 0, 0, 1] }) as const;
  const sigmas = diagonal(0.02, 0.02, 0.02, 0.001, 0.001, 0.001);

  it('that leap are refused, and believed when five in a row agree', () => {
    const filter = startedFilter();
    for (let k = 1; k <= 20; k++) {
      filter.odometry(at(k / 10), [1, 0, 0], [0, 0, 0]);
      expect(filter.registration(at(k / 10), pose(k / 10, 0), sigmas).accepted).toBe(true);
    }
    expect(filter.registration(at(2.1), pose(2.1, 3), sigmas).reason).toBe('innovation-gate');
    expect(filter.registration(at(2.2), pose(2.2, 0), sigmas).accepted).toBe(true);
    const reasons = [2.3, 2.4, 2.5, 2.6, 2.7].map(
      (t) => filter.registration(at(t), pose(t, 3), sigmas).reason,
    );
    expect(reasons).toEqual([...Array(4).fill('innovation-gate'), 'reinitialised']);
    expect(filter.stateAt(at(2.7))!.pose.position[1]).toBe(3);
  });
});

describe('odometry', () => {
  it('of spinning wheels is refused', () => {
    const filter = startedFilter();
    for (const { send } of drive(3, 9)) send(filter);
    const record = filter.odometry(at(3.01), [4, 0, 0], [0, 0, 0]);
    expect(record).toMatchObject({ accepted: false, reason: 'wheel-slip', dof: 4 });
  });

  it('of standing wheels holds the pose', () => {
    const filter = startedFilter();
    for (let k = 1; k <= 60; k++) filter.odometry(at(k / 20), [0, 0, 0], [0, 0, 0]);
    const before = filter.stateAt(at(3))!;
    const records = Array.from({ length: 100 }, (_, k) =>
      filter.odometry(at(3 + (k + 1) / 20), [0, 0, 0], [0, 0, 0]),
    );
    expect(records.every(({ sensor, accepted }) => sensor === 'stationary' && accepted)).toBe(true);
    expect(norm(sub(filter.stateAt(at(8))!.pose.position, before.pose.position))).toBeLessThan(1e-3);
  });
});
