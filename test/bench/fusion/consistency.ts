import { chiSquaredQuantile, mean } from '../../../src/math/statistics.ts';
import { consistencyRun, TIMES } from '../../unit/consistency-run.ts';
import { note } from '../measure.ts';
import type { Row } from '../row.ts';

const RUNS = 200;
const DOF: Readonly<Record<string, number>> = { registration: 6, gnss: 3, odometry: 4 };

/**
 * NEES of all 15 states and of the wheels' yaw bias, and NIS of each sensor over seeded runs, as multiples of their 95 %
 * bands: |1| is the edge.
 */
export function consistency(): Row[] {
  const nis: Record<string, number[]> = {};
  const runs = Array.from({ length: RUNS }, (_, k) => consistencyRun(1000 + k, nis));
  const rows: Row[] = [];
  const add = (id: string, average: number, dof: number, values: number) => {
    const [low, high] = [0.025, 0.975].map((p) => chiSquaredQuantile(p, dof) / values) as [number, number];
    note(`${id}: mean ${average.toFixed(3)}, 95 % band ${low.toFixed(3)} to ${high.toFixed(3)}`);
    const value = Math.abs(average - (low + high) / 2) / ((high - low) / 2);
    rows.push({ id, value, unit: 'of half the 95 % band', bar: { of: 'value', at: 'most', limit: 1 } });
  };
  TIMES.forEach((time, k) => {
    add(`fusion.nees.${time}s`, mean(runs.map(({ nees }) => nees[k]!)), 15 * RUNS, RUNS);
  });
  add('fusion.nees.wheelYaw', mean(runs.map(({ wheelYaw }) => wheelYaw)), RUNS, RUNS);
  for (const [sensor, values] of Object.entries(nis)) {
    // Each value is a NIS divided by its degrees of freedom.
    const dof = (DOF[sensor] ?? 3) * values.length;
    add(`fusion.nis.${sensor}`, mean(values), dof, dof);
  }
  return rows;
}
