import type { Core } from '../../src/core.ts';
import { Random } from '../../src/math/random.ts';
import { IDENTITY } from '../../src/math/se3.ts';
import { type Mat3, quatFromMatrix } from '../../src/math/so3.ts';
import { median } from '../../src/math/statistics.ts';
import type { Pose } from '../../src/types.ts';
import { dataPath, readMatrix, readPly } from './data.ts';
import { note } from './measure.ts';
import type { Row } from './row.ts';
import { apart, beside } from './starts.ts';
import { config, type PosedScan, tilesOf } from './tiles.ts';

const STARTS = 200;

/**
 * Two real scans that lie 0.5 m apart, aligned from many starts with the defaults of registration. The truth is the
 * middle of all solutions, because the given matrix is no nearer to it than a centimetre and a quarter of a degree.
 */
export async function koide(core: Core): Promise<Row[]> {
  const folder = dataPath('registration-pairs', 'koide');
  if (!folder) {
    note('registration.koide: left out, because the pair is not there; set DILLY_DATA');
    return [];
  }
  const read = async (name: string) => core.cloud({ positions: await readPly(`${folder}/${name}.ply`) });
  const map = await tilesOf(core, one({ cloud: await read('target'), ...STANDING }));
  const source = await core.downsample(await read('source'), config.lidar.voxelSize);
  const given = poseOf(await readMatrix(`${folder}/T_target_source.txt`));
  const random = new Random(1);
  const starts = [IDENTITY, given].flatMap((middle) => [
    middle,
    ...Array.from({ length: STARTS }, () => beside(random, middle, 0.5, 10)),
  ]);
  const solutions: Pose[] = [];
  for (const start of starts)
    solutions.push((await map.align(source, start, config.registration)).T_map_base);
  const middle = middleOf(solutions);
  const share = (of: readonly Pose[]) => (100 * of.filter((pose) => isNear(pose, middle)).length) / of.length;
  const off = apart(middle, given);
  note(
    `koide: ${source.size} points, kernel ${config.registration.kernelStart} → ${config.registration.kernelEnd} m; ` +
      `the middle of all solutions is ${(1000 * off.metres).toFixed(1)} mm and ${off.degrees.toFixed(2)}° from the ` +
      `given matrix, the solution from identity ${(1000 * apart(middle, solutions[0]!).metres).toFixed(2)} mm from it`,
  );
  const bar = { of: 'value', at: 'least', limit: 99 } as const;
  return [
    { id: 'registration.koide', value: share(solutions.slice(0, STARTS + 1)), unit: '% from identity', bar },
    { id: 'registration.koide.given', value: share(solutions.slice(STARTS + 1)), unit: '% from matrix', bar },
  ];
}

const STANDING = {
  T_base_sensor: IDENTITY,
  T_map_base: IDENTITY,
  path: { times: [0], poses: [IDENTITY] },
};

async function* one(scan: PosedScan): AsyncGenerator<PosedScan> {
  yield scan;
}

function isNear(a: Pose, b: Pose): boolean {
  const { metres, degrees } = apart(a, b);
  return metres <= 0.02 && degrees <= 0.3;
}

/** The solution that is nearest to the median place. */
function middleOf(poses: readonly Pose[]): Pose {
  const place = [0, 1, 2].map((axis) => median(poses.map(({ position }) => position[axis]!)));
  const off = ({ position }: Pose) => Math.hypot(...position.map((v, axis) => v - place[axis]!));
  return poses.reduce((best, pose) => (off(pose) < off(best) ? pose : best));
}

function poseOf(m: readonly number[]): Pose {
  return {
    position: [m[3]!, m[7]!, m[11]!],
    orientation: quatFromMatrix([0, 1, 2, 4, 5, 6, 8, 9, 10].map((at) => m[at]!) as Mat3),
  };
}
