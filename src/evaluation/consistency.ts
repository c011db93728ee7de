import { chiSquaredQuantile, mean } from '../math/statistics.ts';
import type { FilterSensor, UpdateRecord } from '../types.ts';

/** Whether a sensor's innovations are as large as the filter expects (Bar-Shalom et al. 2001, §5.4). */
export interface SensorConsistency {
  readonly count: number;
  readonly accepted: number;
  /** mean NIS of the accepted; near `dof` when the noise model is right. Null when none was accepted. */
  readonly mean: number | null;
  /** degrees of freedom of most of the updates */
  readonly dof: number;
  /** share of the accepted whose NIS lies in the two-sided 95 % band of χ² of their own dof */
  readonly withinBand95: number | null;
  readonly rejected: Readonly<Record<string, number>>;
}

/** NIS statistics of each sensor that offered a measurement, in order of name. */
export function consistencyOf(
  updates: readonly UpdateRecord[],
): Partial<Record<FilterSensor, SensorConsistency>> {
  const sensors = [...new Set(updates.map(({ sensor }) => sensor))].sort();
  return Object.fromEntries(
    sensors.map((sensor) => [sensor, ofOneSensor(updates.filter((update) => update.sensor === sensor))]),
  );
}

/** The two-sided 95 % band of a χ² variable: [2.5 %, 97.5 %]. */
export function band95(dof: number): [low: number, high: number] {
  return [chiSquaredQuantile(0.025, dof), chiSquaredQuantile(0.975, dof)];
}

function ofOneSensor(updates: readonly UpdateRecord[]): SensorConsistency {
  const bands = new Map<number, [number, number]>();
  const bandOf = (dof: number) => {
    const band = bands.get(dof) ?? band95(dof);
    bands.set(dof, band);
    return band;
  };
  const accepted = updates.filter((update) => update.accepted);
  const measured = accepted.filter(({ nis, dof }) => Number.isFinite(nis) && dof > 0);
  const within = measured.filter(({ nis, dof }) => {
    const [low, high] = bandOf(dof);
    return nis >= low && nis <= high;
  });
  return {
    count: updates.length,
    accepted: accepted.length,
    mean: measured.length === 0 ? null : mean(measured.map(({ nis }) => nis)),
    dof: mostFrequent(updates.map(({ dof }) => dof)),
    withinBand95: measured.length === 0 ? null : within.length / measured.length,
    rejected: countBy(
      updates.filter((update) => !update.accepted).map(({ reason }) => reason ?? 'unspecified'),
    ),
  };
}

/** How often each word occurs, in order of the words. */
export function countBy(words: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function mostFrequent(values: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].reduce((best, entry) => (entry[1] > best[1] ? entry : best), [0, 0] as [
    number,
    number,
  ])[0];
}
