import type { Cloud, Core, TileMap } from '../../src/core.ts';
import { findFirstPose } from '../../src/localization/initialization.ts';
import { Random } from '../../src/math/random.ts';
import { expSo3 } from '../../src/math/so3.ts';
import { median, percentile } from '../../src/math/statistics.ts';
import { loadCore } from '../../src/native.ts';
import type { Pose } from '../../src/types.ts';
import { note } from './measure.ts';
import type { Row } from './row.ts';
import { apart } from './starts.ts';
import { openStreet } from './street.ts';
import { config } from './tiles.ts';

/** Right: within this of the pose that the scan was taken from. */
const RIGHT = { metres: 0.3, degrees: 1 };
/** Of the seeded trials those from one on, so many: a thousand takes some minutes. */
const TRIALS = Number(process.env.DILLY_TRIALS ?? 1000);
const FIRST = Number(process.env.DILLY_FIRST_TRIAL ?? 0);

interface Task {
  readonly scan: Cloud;
  readonly T_map_base: Pose;
}

/** Where am I, from a place 20 m off and no heading? `DILLY_TRIALS` shortens it. */
export async function run(): Promise<Row[]> {
  const core = loadCore();
  core.setThreads(2);
  const street = await openStreet(core);
  const tasks: Task[] = [];
  for (const { message, T_base_sensor, motion, T_map_base } of street.frames)
    tasks.push({ scan: await levelScan(core, message, T_base_sensor, motion), T_map_base });
  return search('firstPose.street', street.map, tasks, 20, new Random(9));
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

/** Seeded trials from centres `off` metres away, any heading, up to 2 m of height. */
async function search(
  id: string,
  map: TileMap,
  tasks: readonly Task[],
  off: number,
  random: Random,
): Promise<Row[]> {
  const times: number[] = [];
  const refused = new Map<string, number>();
  let [right, wrong] = [0, 0];
  for (let k = 0; k < FIRST + TRIALS; k++) {
    const { scan, T_map_base } = tasks[random.uint32() % tasks.length]!;
    const way = random.uniform(0, 2 * Math.PI);
    const [x, y, z] = T_map_base.position;
    const prior = {
      T_map_base: {
        position: [x + off * Math.cos(way), y + off * Math.sin(way), z + random.uniform(-2, 2)] as const,
        orientation: expSo3([0, 0, random.uniform(-Math.PI, Math.PI)]),
      },
      sigmaPosition: off / 1.6,
      sigmaYaw: Math.PI,
    };
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
