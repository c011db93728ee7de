import type { Cloud, Core, TileMap } from '../../src/core.ts';
import { findFirstPose, type Prior, priorFrom, priorFromFix } from '../../src/localization/initialization.ts';
import { Random } from '../../src/math/random.ts';
import { expSo3 } from '../../src/math/so3.ts';
import { median, percentile } from '../../src/math/statistics.ts';
import { loadCore } from '../../src/native.ts';
import type { Pose } from '../../src/types.ts';
import { note } from './measure.ts';
import type { Row } from './row.ts';
import { apart } from './starts.ts';
import { openStreet, type Street } from './street.ts';
import { config } from './tiles.ts';
import { cityStreet } from './trials/city.ts';

/** Right: within this of the pose that the scan was taken from. */
const RIGHT = { metres: 0.3, degrees: 1 };
/** Of the seeded trials those from one on, so many: a thousand takes some minutes. */
const TRIALS = Number(process.env.DILLY_TRIALS ?? 1000);
const FIRST = Number(process.env.DILLY_FIRST_TRIAL ?? 0);

interface Task {
  readonly scan: Cloud;
  readonly T_map_base: Pose;
}

/** One whose search is to be tried: in which way the prior of a trial is wrong. */
interface Kind {
  readonly id: string;
  priorOf(truth: Pose, random: Random): Prior;
}

/** KITTI 0005, and the simulated city, where a robot was switched on, and where it was carried while it tracked. */
const STREET: Kind = {
  id: 'firstPose.street',
  priorOf: (truth, random) => ({
    T_map_base: astray(truth, 20, 2, random),
    sigmaPosition: 20 / 1.6,
    sigmaYaw: Math.PI,
  }),
};
const CITY: readonly Kind[] = [
  {
    id: 'firstPose.city.fix',
    // What receivers say of themselves between towers.
    priorOf: (truth, random) =>
      priorFromFix(astray(truth, 50, 20, random).position, 5, config.initialization),
  },
  {
    id: 'firstPose.city.carried',
    priorOf: (truth, random) => {
      const covariance = new Float64Array(225);
      return priorFrom({ pose: astray(truth, 50, 0.5, random), covariance }, true, config.initialization);
    },
  },
];

/** Where am I, from a place that is wrong and no heading? `DILLY_TRIALS` shortens it. */
export async function run(): Promise<Row[]> {
  const core = loadCore();
  core.setThreads(2);
  const rows = await trials(await openStreet(core), core, [STREET]);
  return [...rows, ...(await trials(await cityStreet(core), core, CITY))];
}

async function trials({ map, frames, name }: Street, core: Core, kinds: readonly Kind[]): Promise<Row[]> {
  note(name);
  const tasks: Task[] = [];
  for (const { message, T_base_sensor, motion, T_map_base } of frames)
    tasks.push({ scan: await levelScan(core, message, T_base_sensor, motion), T_map_base });
  const rows: Row[] = [];
  for (const kind of kinds) rows.push(...(await search(kind, map, tasks, new Random(9))));
  return rows;
}

/** A place `off` metres from the right one, in any heading, and up to `rise` metres off in height. */
function astray({ position: [x, y, z] }: Pose, off: number, rise: number, random: Random): Pose {
  const way = random.uniform(0, 2 * Math.PI);
  return {
    position: [x + off * Math.cos(way), y + off * Math.sin(way), z + random.uniform(-rise, rise)],
    orientation: expSo3([0, 0, random.uniform(-Math.PI, Math.PI)]),
  };
}

async function levelScan(
  core: Core,
  message: Parameters<Core['decodePointCloud2']>[0],
  T_base_sensor: Pose,
  motion: Parameters<Core['deskew']>[2],
): Promise<Cloud> {
  const { cloud } = await core.decodePointCloud2(message, config.lidar);
  return core.downsample(await core.deskew(cloud, T_base_sensor, motion), config.lidar.voxelSize);
}

/** Seeded trials of one kind. */
async function search(
  { id, priorOf }: Kind,
  map: TileMap,
  tasks: readonly Task[],
  random: Random,
): Promise<Row[]> {
  const times: number[] = [];
  const refused = new Map<string, number>();
  let [right, wrong] = [0, 0];
  for (let k = 0; k < FIRST + TRIALS; k++) {
    const { scan, T_map_base } = tasks[random.uint32() % tasks.length]!;
    const prior = priorOf(T_map_base, random);
    if (k < FIRST) continue;
    const from = performance.now();
    const found = await findFirstPose(map, scan, prior, config.registration, config.initialization);
    times.push(performance.now() - from);
    if (!found.ok) refused.set(found.reason, (refused.get(found.reason) ?? 0) + 1);
    else {
      const { metres, degrees } = apart(found.T_map_base, T_map_base);
      if (metres <= RIGHT.metres && degrees <= RIGHT.degrees) right++;
      else {
        wrong++;
        note(`${id}: trial ${k} ended ${metres.toFixed(2)} m and ${degrees.toFixed(1)}° off`);
      }
    }
    if (k % 100 === 99) note(`${id}: ${k + 1} trials, ${right} right, ${wrong} wrong`);
  }
  for (const [reason, count] of refused) note(`${id}: ${count} refused as ${reason}`);
  const most = (limit: number) => ({ of: 'value', at: 'most', limit }) as const;
  return [
    {
      id: `${id}.right`,
      value: (100 * right) / TRIALS,
      unit: '%',
      bar: { of: 'value', at: 'least', limit: 99 },
    },
    { id: `${id}.wrong`, value: wrong, unit: `accepted of ${TRIALS}`, bar: most(0) },
    { id: `${id}.median`, value: median(times), unit: 'ms, two threads', bar: most(1000) },
    { id: `${id}.p99`, value: percentile(times, 99), unit: 'ms', bar: most(3000) },
  ];
}
