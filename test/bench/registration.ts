import { steadyMemory } from '../../src/commands/steady-memory.ts';
import type { Core } from '../../src/core.ts';
import { Random } from '../../src/math/random.ts';
import { median } from '../../src/math/statistics.ts';
import { loadCore } from '../../src/native.ts';
import { koide } from './koide.ts';
import { note } from './measure.ts';
import { wide } from './registration-wide.ts';
import type { Row } from './row.ts';
import { apart, beside } from './starts.ts';
import { type Frame, openStreet, type Street } from './street.ts';
import { config } from './tiles.ts';

const ROUNDS = 3;
const STAGES = ['decode', 'thin', 'align'] as const;
type Stage = (typeof STAGES)[number];

/** How a scan is localised: from how far off, metres and degrees, and with which first kernel. */
interface Way {
  readonly id: string;
  readonly metres: number;
  readonly degrees: number;
  readonly kernelStart: number;
  /** ms with one thread and with two */
  readonly bars: readonly [number, number | undefined];
}

const CRISP: Way = { id: 'scanToPose', metres: 0.5, degrees: 3, kernelStart: 1, bars: [6, 4] };
/** As when tracking: the nearest of many layers is looked for. */
const LAYERED: Way = {
  id: 'layered',
  metres: 0.1,
  degrees: 0.5,
  kernelStart: config.registration.kernelNarrow,
  bars: [50, undefined],
};

/** From a raw scan to a pose with the map ready; alignment alone beside its peers; and from how far it finds home. */
export async function run(): Promise<Row[]> {
  const core = loadCore('native');
  steadyMemory(core, config);
  const crisp = await openStreet(core, true);
  const layered = await openStreet(core);
  const rows: Row[] = [];
  for (const [street, way] of [[crisp, CRISP] as const, [layered, LAYERED] as const])
    for (const threads of [1, 2]) rows.push(...(await scanToPose(core, street, threads, way)));
  return [...rows, ...(await wide(core, crisp)), ...(await koide(core))];
}

async function scanToPose(core: Core, street: Street, threads: number, way: Way): Promise<Row[]> {
  core.setThreads(threads);
  const random = new Random(1);
  const taken: Record<Stage, number[]> = { decode: [], thin: [], align: [] };
  const [total, errors, iterations]: [number[], number[], number[]] = [[], [], []];
  let points = 0;
  for (let round = 0; round <= ROUNDS; round++) {
    for (const frame of street.frames) {
      const { times, off, steps, size } = await localise(core, street, frame, way, random);
      if (round === 0) continue;
      for (const stage of STAGES) taken[stage].push(times[stage]);
      total.push(STAGES.reduce((sum, stage) => sum + times[stage], 0));
      errors.push(off);
      iterations.push(steps);
      points = size;
    }
  }
  const id = `registration.${way.id}.${threads}t`;
  note(
    `${id} (${street.name}): about ${points} points after ${config.lidar.voxelSize} m, ${median(iterations)} ` +
      `iterations, ${(100 * median(errors)).toFixed(1)} cm from the reference (median), ${(100 * Math.max(...errors)).toFixed(1)} cm at most`,
  );
  const limit = way.bars[threads - 1];
  const bandwidth = copyBandwidth();
  const bytes = bytesOf(street.frames[0]!, points, median(iterations));
  return [
    {
      id,
      value: median(total),
      unit: 'ms',
      ...(limit !== undefined && { bar: { of: 'value', at: 'most', limit } as const }),
    },
    ...STAGES.map((stage) => {
      const [value, least] = [median(taken[stage]), (1000 * bytes[stage]) / bandwidth];
      const peer = `streaming ${(bytes[stage] / 1e6).toFixed(1)} MB`;
      return { id: `${id}.${stage}`, value, unit: 'ms', peer, peerValue: least, ratio: least / value };
    }),
  ];
}

/**
 * What each stage must read and write at least: a raw point of the message, and x y z, intensity and time of each in the
 * cloud; of an iteration to surfels or points about 60 bytes for each of about 1,250 points (native/README.md).
 */
function bytesOf({ message }: Frame, thinned: number, iterations: number): Record<Stage, number> {
  const points = message.width * message.height;
  return {
    decode: message.data.byteLength + 20 * points,
    thin: 20 * points + 16 * thinned,
    align: iterations * 1250 * 60,
  };
}

/** Bytes a second, read and written, of a copy that fits no cache. */
function copyBandwidth(): number {
  const from = new Uint8Array(1 << 27).fill(1);
  const to = new Uint8Array(1 << 27).fill(2);
  const taken = Array.from({ length: 5 }, () => {
    const start = performance.now();
    to.set(from);
    return performance.now() - start;
  });
  return (2 * from.length) / (median(taken) / 1000);
}

async function localise(
  core: Core,
  { map }: Street,
  { message, T_base_sensor, motion, T_map_base }: Frame,
  { metres, degrees, kernelStart }: Way,
  random: Random,
): Promise<{ times: Record<Stage, number>; off: number; steps: number; size: number }> {
  const { registration, lidar } = config;
  const start = beside(random, T_map_base, metres, degrees);
  const marks = [performance.now()];
  const { cloud } = await core.decodePointCloud2(message, lidar);
  marks.push(performance.now());
  const thin = await core.thin([{ cloud, T_base_sensor, motion }], lidar.voxelSize);
  marks.push(performance.now());
  const found = await map.align(thin, start, { ...registration, kernelStart });
  marks.push(performance.now());
  const times = Object.fromEntries(STAGES.map((stage, k) => [stage, marks[k + 1]! - marks[k]!]));
  return {
    times: times as Record<Stage, number>,
    off: apart(found.T_map_base, T_map_base).metres,
    steps: found.iterations,
    size: thin.size,
  };
}
