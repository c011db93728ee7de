import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { McapBagWriter } from '../adapters/recorder/mcap-writer.ts';
import { CITY_START, CityDrive } from '../adapters/sim/city/city-drive.ts';
import type { CityOptions } from '../adapters/sim/city/city-options.ts';
import { cityGraph } from '../adapters/sim/city/graph.ts';
import { CITY_LIDARS } from '../adapters/sim/city/lidar-models.ts';
import { CITY } from '../adapters/sim/city/solid.ts';
import { buildCity } from '../adapters/sim/city/world.ts';
import { ORIGIN } from '../adapters/sim/source.ts';
import { Refusal } from '../types.ts';
import { annotate } from './map-annotate.ts';
import { buildMap } from './map-build.ts';
import { progressBar } from './progress.ts';
import { answer, type CommonOptions, openCore, openSession } from './shared.ts';

export interface SimMapOptions extends CommonOptions {
  readonly out: string;
  readonly city: string;
}

/** Where the survey stands, [u, v] of the city's axes: along the way and on both pavements, a few metres apart. */
function stations(): [number, number][] {
  const row = (from: number, to: number, v: number) =>
    Array.from({ length: Math.floor((to - from) / 4) + 1 }, (_, i): [number, number] => [from + 4 * i, v]);
  const column = [-7, -3, 1, 5, 9, 13, 17, 21, 25, 29, 33, 38, 43, 48].map((v): [number, number] => [44, v]);
  return [...row(-46, 62, -9.5), ...column, ...row(2, 36, 9.5), [47.5, 38], [50.3, 38], [53, 38], [56, 38]];
}

/** Stands at each place, [u, v] of the city's axes, for one sweep; all of it goes into the new bag. */
export async function survey(
  bag: string,
  city: Omit<CityOptions, 'light' | 'start' | 'survey'>,
  places: readonly (readonly [number, number])[],
): Promise<void> {
  const writer = await McapBagWriter.create(bag);
  const bar = progressBar('surveying', places.length);
  let [u, v] = places[0]!;
  // One survey is one drive: from place to place the robot is carried.
  const drive = new CityDrive({ ...city, survey: true, light: () => 'walk', start: [u, v, 0] });
  const write = async (messages: Awaited<ReturnType<CityDrive['step']>>) => {
    for (const message of messages) await writer.write(message);
  };
  await write(drive.begin());
  for (const [i, [nextU, nextV]] of places.entries()) {
    drive.carry(nextU - u, nextV - v, 0.37);
    [u, v] = [nextU, nextV];
    // The truth is given at the end of a sweep: the second sweep at a place begins and ends there.
    for (let step = 0; step < 20; step++) {
      drive.faults.lidarSilent = step < 10;
      await write(await drive.step({ speed: 0, turn: 0 }));
    }
    bar.update(i + 1, `${drive.seconds.toFixed(0)} s`);
  }
  drive.faults.lidarSilent = true;
  for (let step = 0; step < 100; step++) await write(await drive.step({ speed: 0, turn: 0 }));
  bar.stop();
  await writer.close();
}

/**
 * `sim map`: surveys the city standing still at many places, and makes a map of it by `map build` and `map annotate`.
 * The truth of its buildings is kept beside it.
 */
export async function makeSimMap(options: SimMapOptions): Promise<void> {
  const session = await openSession(options);
  const core = openCore(session);
  const city = Number(options.city);
  if (!Number.isInteger(city) || city < 0)
    throw new Refusal('bad-argument', `--city: expected a number, found ${options.city}`);
  const work = await mkdtemp(join(tmpdir(), 'dilly-survey-'));
  try {
    const bag = join(work, 'survey.mcap');
    await survey(
      bag,
      { core, seed: 0, city, lidar: { ...CITY_LIDARS['spin-64']!, rangeSigma: 0.01 } },
      stations(),
    );
    const set = [
      'map.build.voxelSize=0.28',
      'map.build.maxRange=45',
      'map.build.minRange=1',
      'map.build.normalNeighbours=12',
      ...options.set,
    ];
    const common = { ...options, set, silent: true };
    await buildMap({ ...common, scans: bag, poses: '/ground_truth/pose', out: options.out });
    const graph = join(work, 'graph.geojson');
    await writeFile(graph, JSON.stringify(cityGraph(ORIGIN)));
    const { version } = await annotate(options.out, {
      ...common,
      replace: true,
      strict: true,
      graph: [graph],
    });
    const truth = { city, start: String(CITY_START), axes: CITY, solids: buildCity(city) };
    await writeFile(join(options.out, 'truth.json'), `${JSON.stringify(truth)}\n`);
    const { tiles } = JSON.parse(await readFile(join(options.out, 'manifest.json'), 'utf8'));
    const result = {
      out: options.out,
      version,
      tiles: Object.keys(tiles).length,
      solids: truth.solids.length,
    };
    answer(options, result, `${result.tiles} tiles of block ${city} in ${options.out}, version ${version}`);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
