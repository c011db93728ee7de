import type { Core } from '../../src/core.ts';
import { Random } from '../../src/math/random.ts';
import { median } from '../../src/math/statistics.ts';
import { loadCore } from '../../src/native.ts';
import { koide } from './koide.ts';
import { note } from './measure.ts';
import { nativeBench, withBars } from './native-bench.ts';
import { wide } from './registration-wide.ts';
import type { Row } from './row.ts';
import { apart, beside } from './starts.ts';
import { type Frame, openStreet, type Street } from './street.ts';
import { config } from './tiles.ts';

const ROUNDS = 3;
const STAGES = ['decode', 'thin', 'align'] as const;
type Stage = (typeof STAGES)[number];

/** From a raw scan to a pose with the map ready; alignment alone against a plain loop; and from how far it finds home. */
export async function run(): Promise<Row[]> {
  const core = loadCore('native');
  const street = await openStreet(core);
  const rows: Row[] = [];
  for (const threads of [1, 2]) rows.push(...(await scanToPose(core, street, threads)));
  rows.push(
    ...withBars(nativeBench('registration'), {
      'registration.align.1t': { of: 'ratio', at: 'least', limit: 30 },
      'registration.align.pclGicp': { of: 'ratio', at: 'least', limit: 40 },
      'registration.align.pclNdt': { of: 'ratio', at: 'least', limit: 40 },
    }),
  );
  core.setThreads(2);
  return [...rows, ...(await wide(core)), ...(await koide(core))];
}

/** All stages as the pipeline runs them when it tracks: from ±0.1 m and 0.5° beside the reference. */
async function scanToPose(core: Core, street: Street, threads: number): Promise<Row[]> {
  core.setThreads(threads);
  const random = new Random(1);
  const taken: Record<Stage, number[]> = { decode: [], thin: [], align: [] };
  const [total, errors, iterations]: [number[], number[], number[]] = [[], [], []];
  let points = 0;
  for (let round = 0; round <= ROUNDS; round++) {
    for (const frame of street.frames) {
      const { times, off, steps, size } = await localise(core, street, frame, random);
      if (round === 0) continue;
      for (const stage of STAGES) taken[stage].push(times[stage]);
      total.push(STAGES.reduce((sum, stage) => sum + times[stage], 0));
      errors.push(off);
      iterations.push(steps);
      points = size;
    }
  }
  const id = `registration.scanToPose.${threads}t`;
  note(
    `${id} (${street.name}): about ${points} points after ${config.lidar.voxelSize} m, ${median(iterations)} ` +
      `iterations, ${(100 * median(errors)).toFixed(1)} cm from the reference (median), ${(100 * Math.max(...errors)).toFixed(1)} cm at most`,
  );
  return [
    {
      id,
      value: median(total),
      unit: 'ms',
      ...(threads === 1 && { bar: { of: 'value', at: 'most', limit: 50 } as const }),
    },
    ...STAGES.map((stage) => ({ id: `${id}.${stage}`, value: median(taken[stage]), unit: 'ms' })),
  ];
}

async function localise(
  core: Core,
  { map }: Street,
  { message, T_base_sensor, motion, T_map_base }: Frame,
  random: Random,
): Promise<{ times: Record<Stage, number>; off: number; steps: number; size: number }> {
  const { registration, lidar } = config;
  const start = beside(random, T_map_base, 0.1, 0.5);
  const marks = [performance.now()];
  const { cloud } = await core.decodePointCloud2(message, lidar);
  marks.push(performance.now());
  const thin = await core.thin([{ cloud, T_base_sensor, motion }], lidar.voxelSize);
  marks.push(performance.now());
  const tracking = { ...registration, kernelStart: registration.kernelNarrow };
  const found = await map.align(thin, start, tracking);
  marks.push(performance.now());
  const times = Object.fromEntries(STAGES.map((stage, k) => [stage, marks[k + 1]! - marks[k]!]));
  return {
    times: times as Record<Stage, number>,
    off: apart(found.T_map_base, T_map_base).metres,
    steps: found.iterations,
    size: thin.size,
  };
}
