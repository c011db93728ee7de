import { describe, expect, it } from 'vitest';
import { chiSquaredQuantile, mean } from '../../src/math/statistics.ts';
import { consistencyRun, TIMES } from './consistency-run.ts';

const RUNS = 40;

describe('consistency', () => {
  it('claims the uncertainty that it has: NEES within the 95 % band, NIS near its degrees of freedom', () => {
    const nis: Record<string, number[]> = {};
    const runs = Array.from({ length: RUNS }, (_, seed) => consistencyRun(seed + 1, nis));
    const dof = 15 * RUNS;
    const averages = TIMES.map((_, i) => mean(runs.map(({ nees }) => nees[i]!)));
    // Four looks at 95 % would fail one time in five: each must be in the 99.9 % band, their mean in the 95 % one.
    for (const average of averages) {
      expect(average * RUNS).toBeGreaterThan(chiSquaredQuantile(0.0005, dof));
      expect(average * RUNS).toBeLessThan(chiSquaredQuantile(0.9995, dof));
    }
    expect(mean(averages) * RUNS).toBeGreaterThan(chiSquaredQuantile(0.025, dof));
    expect(mean(averages) * RUNS).toBeLessThan(chiSquaredQuantile(0.975, dof));
    for (const sensor of ['odometry', 'registration', 'gnss']) {
      expect(Math.abs(mean(nis[sensor]!) - 1)).toBeLessThan(0.06);
    }
    const wheelYaw = mean(runs.map((run) => run.wheelYaw)) * RUNS;
    expect(wheelYaw).toBeGreaterThan(chiSquaredQuantile(0.0005, RUNS));
    expect(wheelYaw).toBeLessThan(chiSquaredQuantile(0.9995, RUNS));
  }, 60_000);
});
