import { percentile } from '../../../src/math/statistics.ts';
import type { Vec3 } from '../../../src/types.ts';
import { note } from '../measure.ts';
import type { Row } from '../row.ts';
import { drive, type Epoch, type Scene } from './world.ts';

const SEEDS = Number(process.env.DILLY_SEEDS ?? 20);
const SECONDS = 60;
/** Seconds from when until when a sensor lies or is silent. */
const [FROM, UNTIL] = [30, 40];

const shifted = (at: Vec3, east: number, north = 0): Vec3 => [at[0] + east, at[1] + north, at[2]];

/** What may become of the sensors, each from 30 s on (GNSS to the end, LiDAR for 10 s). */
export const FAULTS: Readonly<Record<string, (seed: number) => Omit<Scene, 'seed' | 'seconds'>>> = {
  clean: () => ({}),
  'gnss-drift': () => ({
    fix: (time, antenna) => ({ antenna: shifted(antenna, 2 * Math.max(0, time - FROM)), sigma: 1.5 }),
  }),
  'gnss-jumps': () => ({
    fix: (time, antenna) => ({
      antenna: shifted(antenna, 0, time > FROM && Math.floor(time / 5) % 2 === 0 ? 100 : 0),
      sigma: 1.5,
    }),
  }),
  'gnss-frozen': () => {
    let held: Vec3 | undefined;
    return {
      fix: (time, antenna) => {
        if (time > FROM) held ??= antenna;
        return { antenna: held ?? antenna, sigma: 1.5 };
      },
    };
  },
  'gnss-lying': (seed) => ({
    fix: (time, antenna) => ({
      antenna: shifted(antenna, 8 * Math.sin(time / 9 + seed), 8 * Math.cos(time / 7)),
      sigma: 0.1,
    }),
  }),
  'lidar-silent': () => ({ lidar: (time, pose) => (time > FROM && time <= UNTIL ? undefined : pose) }),
  'lidar-silent-gnss-lying': (seed) => ({
    lidar: (time, pose) => (time > FROM && time <= UNTIL ? undefined : pose),
    fix: (time, antenna) => ({
      antenna: shifted(antenna, time > FROM ? 15 * Math.cos(seed) : 0, time > FROM ? 15 * Math.sin(seed) : 0),
      sigma: 1,
    }),
  }),
  'lidar-drags': (seed) => ({
    lidar: (time, { position, orientation }) => {
      const off = Math.max(0, Math.min(time, UNTIL) - FROM) * 0.15;
      return { position: shifted(position, off * Math.cos(seed), off * Math.sin(seed)), orientation };
    },
  }),
};

/** Seeded faults of GNSS and LiDAR: how far the pose goes wrong, and whether the protection level covers it. */
export function faults(): Row[] {
  const rows: Row[] = [];
  let [above, epochs, cleanP99] = [0, 0, 0];
  for (const [name, fault] of Object.entries(FAULTS)) {
    const runs = Array.from({ length: SEEDS }, (_, k) =>
      drive({ seed: k + 1, seconds: SECONDS, ...fault(k + 1) }),
    );
    const all = runs.flat();
    const outside = all.filter(({ error, level }) => error > level);
    const p99 = percentile(
      all.map(({ error }) => error),
      99,
    );
    above += outside.length;
    epochs += all.length;
    note(
      `fusion.${name}: error p99 ${(100 * p99).toFixed(1)} cm, most ${(100 * Math.max(...all.map(({ error }) => error))).toFixed(0)} cm; level median ${(
        100 *
          percentile(
            all.map(({ level }) => level),
            50,
          )
      ).toFixed(0)} cm; ${outside.length} of ${all.length} epochs above their level`,
    );
    if (name === 'clean') cleanP99 = p99;
    else if (name.startsWith('gnss'))
      rows.push({
        id: `fusion.${name}.p99`,
        value: 100 * (p99 - cleanP99),
        unit: 'cm more than with true fixes, p99',
        bar: { of: 'value', at: 'most', limit: 1 },
      });
    if (name === 'lidar-silent') rows.push(...silence(runs));
  }
  rows.push({
    id: 'fusion.protection',
    value: (1e4 * above) / epochs,
    unit: `of 10,000 epochs above their level (${epochs} epochs)`,
    bar: { of: 'value', at: 'most', limit: 1 },
  });
  return rows;
}

function silence(runs: readonly (readonly Epoch[])[]): Row[] {
  const drift: number[] = [];
  const scans: number[] = [];
  let uncovered = 0;
  for (const epochs of runs) {
    const before = epochs.find(({ time }) => time >= FROM)!;
    const last = epochs.findLast(({ time }) => time <= UNTIL)!;
    drift.push((100 * last.error) / (last.driven - before.driven));
    const back = epochs.filter(({ time }) => time > UNTIL);
    scans.push(1 + back.findIndex(({ state, error }) => state === 'TRACKING' && error < 0.1));
    uncovered += epochs.filter(({ error, level }) => error > level).length;
  }
  const most = (limit: number) => ({ of: 'value', at: 'most', limit }) as const;
  return [
    {
      id: 'fusion.silent.drift',
      value: Math.max(...drift),
      unit: '% of the way in 10 s, worst seed',
      bar: most(1),
    },
    { id: 'fusion.silent.uncovered', value: uncovered, unit: 'epochs above their level', bar: most(0) },
    {
      id: 'fusion.silent.recovery',
      value: Math.max(...scans),
      unit: 'scans until TRACKING, most',
      bar: most(2),
    },
  ];
}
