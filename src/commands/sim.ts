import { readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { McapBagWriter } from '../adapters/recorder/mcap-writer.ts';
import { CITY_LIDARS } from '../adapters/sim/city/lidar-models.ts';
import { writeTum } from '../evaluation/tum.ts';
import { type FrameResult, Refusal, type StampedPose } from '../types.ts';
import { openMap } from './open-map.ts';
import { answer, type CommonOptions, openCore, openSession, withCommonOptions } from './shared.ts';
import { makeSimMap } from './sim-map.ts';
import { simRoute } from './sim-route.ts';
import { type Delivery, runDelivery, type SimParts } from './sim-run.ts';
import { describeTable, summariseDeliveries } from './sim-table.ts';
import { steadyMemory } from './steady-memory.ts';

export const DEMO_MAP = fileURLToPath(new URL('../../maps/gangnam-demo', import.meta.url));
export const PROFILES = fileURLToPath(new URL('../../maps/profiles', import.meta.url));

interface SimOptions extends CommonOptions {
  readonly map: string;
  /** folder of graph.geojson; default: that of the map */
  readonly graph?: string;
  readonly seed: string;
  readonly lidar: string;
  readonly rain: string;
  readonly seconds: string;
}

function withSimOptions(command: Command): Command {
  return withCommonOptions(command)
    .option('--map <map>', 'map of the city', DEMO_MAP)
    .option('--lidar <name>', Object.keys(CITY_LIDARS).join(', '), 'spin-32')
    .option('--rain <mm/h>', '30 is heavy', '0')
    .option('--seconds <s>', 'the drive ends then at the latest', '300');
}

export function addSim(program: Command): void {
  const sim = program.command('sim').description('a simulated city to drive in');
  withSimOptions(sim.command('record'))
    .description('drive a delivery and record it with its truth, as ROS 2 messages')
    .option('--seed <n>', 'of sensors, traffic and light', '1')
    .requiredOption('--out <file>', 'a file that ends in .mcap; the live poses go beside it as .tum')
    .action(record);
  withSimOptions(sim.command('evaluate'))
    .description('drive deliveries over many seeds and hold them against the truth')
    .option('--seed <n>', 'the first', '1')
    .option('--seeds <n>', 'how many', '20')
    .action(evaluate);
  withCommonOptions(sim.command('map'))
    .description('survey the city and make a map of it by the map tools')
    .option('--city <n>', 'which block', '1')
    .requiredOption('--out <dir>', 'folder of the map')
    .action(makeSimMap);
}

async function record(options: SimOptions & { out: string }): Promise<void> {
  await requireBagPath(options.out);
  const { parts, close } = await openSim(options);
  const writer = await McapBagWriter.create(options.out);
  const poses: StampedPose[] = [];
  const sink = {
    frame: ({ stamp, state, pose }: FrameResult) => {
      if (pose && state !== 'INITIALISING') poses.push({ stamp, pose });
    },
    update: () => {},
    refused: () => {},
  };
  let delivery: Delivery;
  try {
    delivery = await runDelivery({
      ...parts,
      sink,
      seed: integer('seed', options.seed),
      onMessage: (m) => writer.write(m),
    });
    await writer.close();
  } catch (error) {
    await writer.discard();
    throw error;
  } finally {
    await close();
  }
  const path = options.out.replace(/(\.mcap)?$/, '.tum');
  await rm(path, { force: true });
  const { sha256 } = await writeTum(path, poses);
  const result = { ...delivery, bag: options.out, trajectory: path, trajectorySha256: sha256 };
  answer(
    options,
    result,
    `${describeTable([delivery])}\n${options.out}, live poses in ${path} (sha256 ${sha256})`,
  );
}

async function evaluate(options: SimOptions & { seeds: string }): Promise<void> {
  const { parts, close } = await openSim(options);
  const [first, count] = [integer('seed', options.seed), integer('seeds', options.seeds)];
  const rows: Delivery[] = [];
  try {
    for (let seed = first; seed < first + count; seed++) {
      rows.push(await runDelivery({ ...parts, seed, startSeed: seed }));
      process.stderr.write(`${describeTable(rows.slice(-1)).split('\n').at(-1)}\n`);
    }
  } finally {
    await close();
  }
  answer(options, { ...summariseDeliveries(rows), drives: rows }, describeTable(rows));
}

/** All that the drives of one command have in common. */
export async function openSim(
  options: Omit<SimOptions, 'seed'>,
): Promise<{ parts: Omit<SimParts, 'seed'>; close(): Promise<void> }> {
  const session = await openSession(options);
  const core = openCore(session);
  steadyMemory(core, session.config);
  core.setThreads(2);
  const lidar = CITY_LIDARS[options.lidar];
  if (!lidar)
    throw new Refusal(
      'bad-argument',
      `--lidar: expected ${Object.keys(CITY_LIDARS).join(', ')}, found ${options.lidar}`,
    );
  const number = (name: string, text: string) => {
    if (text.trim() !== '' && Number(text) >= 0 && Number(text) <= 36_000) return Number(text);
    throw new Refusal('bad-argument', `--${name}: expected a number from 0 to 36000, found ${text}`);
  };
  const isUrl = /^https?:/.test(options.map);
  if (!isUrl && !(await stat(options.map).catch(() => undefined)))
    throw new Refusal(
      'no-map',
      `expected a map at ${options.map}, found none; make it by: dilly-nav sim map --out ${options.map}`,
    );
  const map = await openMap(options.map, session.config.map, Date.now(), 'newest');
  const parts = {
    core,
    config: session.config,
    log: session.log,
    map,
    profile: join(PROFILES, 'wheeled-robot.yaml'),
    route: await simRoute(map, await readFile(join(options.graph ?? options.map, 'graph.geojson')), PROFILES),
    maxSeconds: number('seconds', options.seconds),
    city: { lidar, rain: number('rain', options.rain) },
  };
  return { parts, close: () => map.close() };
}

/** Before a drive of minutes. Rejects with a Refusal where no bag can be written to this path. */
export async function requireBagPath(out: string): Promise<void> {
  if (!out.endsWith('.mcap'))
    throw new Refusal('bad-argument', `--out: expected a file that ends in .mcap, found ${out}`);
  const folder = dirname(out);
  const found = await stat(folder).catch(() => undefined);
  if (!found?.isDirectory())
    throw new Refusal(
      'no-folder',
      `--out: expected a folder at ${folder}, found ${found ? 'a file' : 'none'}; make it first`,
    );
}

function integer(name: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0 && value < 2 ** 31) return value;
  throw new Refusal('bad-argument', `--${name}: expected a whole number, found ${text}`);
}
