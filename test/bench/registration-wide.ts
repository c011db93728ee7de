import type { Alignment, AlignOptions, Cloud, Core } from '../../src/core.ts';
import { Random } from '../../src/math/random.ts';
import { median } from '../../src/math/statistics.ts';
import type { Pose } from '../../src/types.ts';
import { note } from './measure.ts';
import { deskewing } from './registration-deskew.ts';
import { besidePeers } from './registration-native.ts';
import type { Row } from './row.ts';
import { apart, beside, DEGREE } from './starts.ts';
import type { Street } from './street.ts';
import { config } from './tiles.ts';

/** Right: within this of the pose that the map's points give from the best start. */
const RIGHT = { metres: 0.3, degrees: 1 };
/** A result whose second best place is nearly as good, or that little of the scan lies on, is refused. */
const MIN_SCORE = 0.5;

const NEAR: AlignOptions = { ...config.registration, kernelStart: 1, finish: 'points' };

/** All points of the scan, from the pose itself, until nothing moves. */
const OPTIMUM: AlignOptions = {
  ...NEAR,
  kernelStart: 0.2,
  finishPoints: 1e9,
  translationEpsilon: 1e-5,
  rotationEpsilon: 1e-6,
};

interface Task {
  readonly scan: Cloud;
  readonly T_map_base: Pose;
}

/** A map of one layer: how fast, how near to the optimum, and from how far off a scan finds home. */
export async function wide(core: Core, street: Street): Promise<Row[]> {
  const tasks: Task[] = [];
  for (const frame of street.frames) {
    const { cloud } = await core.decodePointCloud2(frame.message, config.lidar);
    const level = await core.deskew(cloud, frame.T_base_sensor, frame.motion);
    tasks.push({ scan: await core.downsample(level, config.lidar.voxelSize), T_map_base: frame.T_map_base });
  }
  const rows = [
    ...(await near(core, street, tasks, 'surfels', 1)),
    ...(await near(core, street, tasks, 'points', 1)),
    ...(await near(core, street, tasks, 'points', 2)),
  ];
  core.setThreads(1);
  rows.push(...(await starts(street, tasks, 'wide', 400, 2, 10, 100)));
  rows.push(...(await starts(street, tasks, 'veryWide', 100, 4, 30, 95)));
  core.setThreads(2);
  return [...rows, ...(await besidePeers(street, tasks)), ...(await deskewing(core, street))];
}

/** From ±0.5 m and 3° beside the pose: time, and distance from the optimum, which all points give from the pose itself. */
async function near(
  core: Core,
  { map }: Street,
  tasks: readonly Task[],
  finish: 'surfels' | 'points',
  threads: number,
): Promise<Row[]> {
  core.setThreads(threads);
  const random = new Random(5);
  const [taken, off]: [number[], number[]] = [[], []];
  for (let round = 0; round < 3; round++)
    for (const { scan, T_map_base } of tasks) {
      const best = await map.align(scan, T_map_base, OPTIMUM);
      const start = beside(random, T_map_base, 0.5, 3);
      const from = performance.now();
      const found = await map.align(scan, start, { ...NEAR, finish });
      taken.push(performance.now() - from);
      off.push(apart(found.T_map_base, best.T_map_base).metres);
    }
  const id = `registration.${finish}.${threads}t`;
  return [
    {
      id,
      value: median(taken),
      unit: 'ms',
      ...(threads === 1 && { bar: { of: 'value', at: 'most', limit: 2.5 } as const }),
    },
    ...(threads === 1
      ? [
          {
            id: `registration.k0005.${finish}`,
            value: 1000 * median(off),
            unit: 'mm from the optimum, median',
            bar: { of: 'value', at: 'most', limit: 8 } as const,
          },
          {
            id: `registration.k0005.${finish}.max`,
            value: 1000 * Math.max(...off),
            unit: 'mm',
            bar: { of: 'value', at: 'most', limit: 20 } as const,
          },
        ]
      : []),
  ];
}

/** From metres and tens of degrees off: how many are right, how many of the wrong ones are refused, and how long it takes. */
async function starts(
  { map }: Street,
  tasks: readonly Task[],
  name: string,
  count: number,
  metres: number,
  degrees: number,
  atLeast: number,
): Promise<Row[]> {
  const random = new Random(6);
  const taken: number[] = [];
  let [right, believed] = [0, 0];
  const options: AlignOptions = { ...NEAR, kernelStart: 2, reach: metres, turn: degrees * DEGREE };
  for (let k = 0; k < count; k++) {
    const { scan, T_map_base } = tasks[k % tasks.length]!;
    const start = beside(random, T_map_base, metres, degrees);
    const from = performance.now();
    const found = await map.align(scan, start, options);
    taken.push(performance.now() - from);
    if (isRight(found, T_map_base)) right++;
    else if (found.score >= MIN_SCORE) believed++;
  }
  note(
    `registration.${name}: of ${count - right} wrong results ${believed} have a score of ${MIN_SCORE} or more`,
  );
  const id = `registration.${name}`;
  const limit = atLeast;
  return [
    { id, value: (100 * right) / count, unit: '% right', bar: { of: 'value', at: 'least', limit } },
    { id: `${id}.believed`, value: believed, unit: 'wrong ones not refused' },
    {
      id: `${id}.1t`,
      value: median(taken),
      unit: 'ms',
      ...(name === 'wide' && { bar: { of: 'value', at: 'most', limit: 12 } as const }),
    },
  ];
}

function isRight(found: Alignment, truth: Pose): boolean {
  const { metres, degrees } = apart(found.T_map_base, truth);
  return metres <= RIGHT.metres && degrees <= RIGHT.degrees;
}
