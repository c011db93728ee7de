import { describe, expect, it } from 'vitest';
import { configSchema } from '../../src/config.ts';
import type { Cloud, TileMap } from '../../src/core.ts';
import { prepareScan, type ScanParts } from '../../src/localization/scan-intake.ts';
import { StageTimes } from '../../src/localization/stage-times.ts';
import type { TileSupply } from '../../src/map/tile-supply.ts';
import { Random } from '../../src/math/random.ts';
import { compose, IDENTITY, inverse, relative, transformPoint } from '../../src/math/se3.ts';
import { logSo3, quatFromRpy } from '../../src/math/so3.ts';
import { norm } from '../../src/math/vec3.ts';
import { loadCore } from '../../src/native.ts';
import { Localizer } from '../../src/pipeline.ts';
import type { FrameResult, PointCloud2, Pose, SensorMessage, Vec3 } from '../../src/types.ts';
import { readPly } from '../bench/data.ts';
import { realData } from '../data.ts';
import { corner, pointCloud2, seenFrom } from '../native/clouds.ts';
import { moved, offWalls, turnInRoom } from '../native/turning-room.ts';

const core = loadCore('auto');
const MOUNTS: Readonly<Record<string, Pose>> = {
  lidar: IDENTITY,
  front: { position: [0.4, 0.1, 0.5], orientation: quatFromRpy(0.1, -0.2, 0.3) },
  rear: { position: [-0.4, -0.2, 0.3], orientation: quatFromRpy(0, 0.15, 3) },
};
const START = 1_700_000_000_000_000_000n;
const LIDAR = configSchema.parse({ lidar: { voxelSize: 0.3, minRange: 0 } }).lidar;

function partsWith(changes: Partial<ScanParts> = {}): { parts: ScanParts; said: string[] } {
  const said: string[] = [];
  const parts: ScanParts = {
    core,
    lidar: LIDAR,
    minPoints: 50,
    base: 'base_link',
    mount: (frame) => MOUNTS[frame],
    motion: () => undefined,
    notice: (reason) => said.push(reason),
    ...changes,
  };
  return { parts, said };
}

const time = () => new StageTimes({ nowMs: () => 0 });

/** Points of the base frame as a LiDAR of this mount gives them. */
function cloudOf(frameId: string, points: readonly (readonly number[])[], stamp = START): PointCloud2 {
  const T_sensor_base = inverse(MOUNTS[frameId]!);
  const rows = points.map(([x, y, z]) => [...transformPoint(T_sensor_base, [x!, y!, z!])]);
  const fields = ['x', 'y', 'z'].map((name, k) => ({ name, offset: 4 * k, datatype: 7 }) as const);
  return { ...pointCloud2({ fields, pointStep: 12, stamp }, rows), frameId };
}

const rowsOf = (positions: ArrayLike<number>) =>
  Array.from({ length: positions.length / 3 }, (_, i) => [0, 1, 2].map((a) => positions[3 * i + a]!));

async function scanOf(clouds: readonly PointCloud2[], parts: ScanParts, missing: string[] = []) {
  const prepared = await prepareScan(clouds, missing, clouds.at(-1)!.stamp, parts, time());
  if (!prepared.ok) throw new Error(prepared.detail);
  return prepared;
}

async function mapOf(positions: Float32Array): Promise<TileMap> {
  const map = core.tileMap(200);
  const cloud = await core.estimateNormals(core.cloud({ positions }), 12);
  map.add('0_0', await core.tile(cloud, [0, 0, 0]));
  return map;
}

/** All points count: of fewer, which are taken would depend on their order, which is another. */
const OPTIONS = {
  finishPoints: 1e9,
  kernelStart: 1,
  kernelEnd: 0.2,
  maxIterations: 60,
  translationEpsilon: 1e-4,
  rotationEpsilon: 1e-5,
};

/** Registers a scan as one LiDAR gives it, and again as two give its halves: how far the poses are from each other. */
async function splitApart(points: readonly number[][], map: TileMap, start: Pose) {
  const { parts } = partsWith();
  const one = await scanOf([cloudOf('lidar', points)], parts);
  // Halves of each place, so that neither sees it all.
  const [front, rear] = [0, 1].map((half) => points.filter((_, i) => i % 2 === half));
  const two = await scanOf([cloudOf('front', front!), cloudOf('rear', rear!)], parts);
  expect(two.scan.size).toBeGreaterThan(0.98 * one.scan.size);
  expect(two.points).toMatchObject({
    total: points.length,
    lidars: [
      { frame: 'front', total: front!.length },
      { frame: 'rear', total: rear!.length },
    ],
  });
  const align = (scan: Cloud) => map.align(scan, start, OPTIONS);
  const [a, b] = [await align(one.scan), await align(two.scan)];
  expect([a.converged, b.converged]).toEqual([true, true]);
  const { position, orientation } = relative(a.T_map_base, b.T_map_base);
  return { metres: norm(position), radians: norm(logSo3(orientation)) };
}

describe('several LiDARs as one scan', () => {
  it('gives the pose of the single scan where two share its points', async () => {
    const random = new Random(1);
    const { positions } = corner(random, 4000);
    const truth: Pose = { position: [5, 4, 0.5], orientation: quatFromRpy(0, 0, 0.4) };
    const seen = seenFrom(core, corner(random, 2000).positions, truth).arrays().positions;
    const start = { position: [5.1, 3.95, 0.52], orientation: quatFromRpy(0.01, 0, 0.42) } as const;
    const { metres, radians } = await splitApart(
      rowsOf(seen),
      await mapOf(Float32Array.from(positions)),
      start,
    );
    // The cubes' means differ in the last bits of float32, and a point on a border may change its cube.
    expect(metres).toBeLessThan(1e-4);
    expect(radians).toBeLessThan(1e-4);
  });

  const target = realData('registration-pairs/koide/target.ply');
  it.skipIf(!target)('does so with a real scan', async () => {
    const source = await readPly(realData('registration-pairs/koide/source.ply')!);
    const map = await core.downsample(core.cloud({ positions: await readPly(target!) }), 0.2);
    const shifted = Float32Array.from(map.arrays().positions, (v, i) => v + (i % 3 === 2 ? 0 : 100));
    const start: Pose = { position: [100, 100, 0], orientation: [0, 0, 0, 1] };
    // Off the millimetres in which the scan is kept: of points on the borders of cubes the last bit would decide.
    const T_base_lidar: Pose = {
      position: [0.01234, 0.0357, 0.0071],
      orientation: quatFromRpy(0.001, 0.002, 0.0123),
    };
    const points = rowsOf(source)
      .filter((point) => Math.hypot(...point) > 1)
      .map((point) => [...transformPoint(T_base_lidar, point as unknown as Vec3)]);
    const { metres, radians } = await splitApart(points, await mapOf(shifted), start);
    console.info(`split scan: ${(1e3 * metres).toFixed(3)} mm, ${radians.toExponential(1)} rad apart`);
    expect(metres).toBeLessThan(5e-4);
    expect(radians).toBeLessThan(2e-4);
  });

  it('brings sweeps of different stamps and mounts to one time of a base that drives and turns', async () => {
    const turn = { kept: 'column by firing', clockwise: true, start: 3, stampAt: 0, timed: true } as const;
    const sweep = (frameId: string, at: number) => {
      const stamp = START + BigInt(Math.round(at * 1e9));
      return turnInRoom({ ...turn, T_base_lidar: MOUNTS[frameId]!, frameId, at, stamp });
    };
    const motion: ScanParts['motion'] = (stamp, offsets) => {
      const seconds = Number(stamp - START) * 1e-9;
      return offsets.map((offset) => relative(moved(seconds), moved(seconds + offset)));
    };
    const clouds = [sweep('front', 0), sweep('rear', 0.04)];
    const lidar = { ...LIDAR, voxelSize: 0.05 };
    const whole = await scanOf(clouds, partsWith({ motion, lidar }).parts);
    const naive = await scanOf(clouds, partsWith({ lidar }).parts);
    expect(offWalls(whole.scan.arrays().positions, 0.04).max).toBeLessThan(0.01);
    expect(offWalls(naive.scan.arrays().positions, 0.04).max).toBeGreaterThan(0.1);
  });

  it('moves a cloud without times, and of another stamp, as a whole', async () => {
    const motion: ScanParts['motion'] = (_stamp, offsets) => offsets.map(moved);
    const points = rowsOf(corner(new Random(2), 100).positions);
    const clouds = [cloudOf('front', points, START - 100_000_000n), cloudOf('rear', [[9, 9, 9]])];
    const lidar = { ...LIDAR, voxelSize: 0.05 };
    const { parts, said } = partsWith({ motion, lidar, mount: (frame) => MOUNTS[frame] });
    const { scan, points: seen } = await scanOf(clouds, parts);
    const expected = transformPoint(moved(-0.1), points[0] as unknown as Vec3);
    const nearest = Math.min(
      ...rowsOf(scan.arrays().positions).map((p) => Math.hypot(...p.map((v, a) => v - expected[a]!))),
    );
    expect(nearest).toBeLessThan(0.05);
    expect(seen.times).toBe('unhandled');
    expect(said).toEqual(['points-untimed', 'points-untimed']);
  });

  it('uses one LiDAR where the mount of the other is unknown, and refuses where no mount is known', async () => {
    const points = rowsOf(corner(new Random(3), 200).positions);
    const { parts, said } = partsWith({ mount: (frame) => (frame === 'front' ? MOUNTS.front : undefined) });
    const { points: seen } = await scanOf([cloudOf('front', points), cloudOf('rear', points)], parts);
    expect(seen.total).toBe(points.length);
    expect(said).toContain('unknown-mount');
    const none = await prepareScan([cloudOf('rear', points)], [], START, parts, time());
    expect(none).toMatchObject({ ok: false, reason: 'unknown-mount' });
  });
});

describe('Localizer with two LiDARs', () => {
  it('registers them as one, goes on when one falls silent, and says so in the evidence', async () => {
    const random = new Random(4);
    const map = await mapOf(Float32Array.from(corner(random, 4000).positions));
    const T_map_base: Pose = { position: [5, 4, 0.5], orientation: quatFromRpy(0, 0, 0.4) };
    const config = configSchema.parse({
      lidar: { voxelSize: 0.3, minRange: 0, together: { frames: ['front', 'rear'], wait: 0.03 } },
    });
    const frames: FrameResult[] = [];
    const refused: string[] = [];
    const supply: Pick<TileSupply, 'moveTo' | 'isComplete'> & { tiles: TileMap; index: object } = {
      isComplete: true,
      tiles: map,
      index: { origin: { lat: 37, lon: 127, ellipsoidalHeight: 40 } },
      moveTo: async () => {},
    };
    const localizer = new Localizer({
      core,
      config,
      clock: { nowMs: () => 0 },
      map: supply as unknown as TileSupply,
      prior: { T_map_base, sigmaPosition: 0.1, sigmaYaw: 0.02 },
      outputOn: 'points',
      sink: {
        frame: (frame) => frames.push(frame),
        update: () => {},
        refused: (reason) => refused.push(reason),
      },
    });
    let sequence = 0;
    const send = async (kind: 'points' | 'mount' | 'imu', value: unknown, ms: number) => {
      const arrival = START + BigInt(ms) * 1_000_000n;
      await localizer.handle({ channel: kind, kind, value, arrival, sequence: sequence++ } as SensorMessage);
    };
    for (const child of ['front', 'rear'])
      await send('mount', { parent: 'base_link', child, T_parent_child: MOUNTS[child]! }, -1);
    const points = rowsOf(seenFrom(core, corner(random, 1000).positions, T_map_base).arrays().positions);
    const stampAt = (ms: number) => START + BigInt(ms) * 1_000_000n;
    for (const ms of [0, 100, 200]) {
      await send('points', cloudOf('front', points, stampAt(ms)), ms + 50);
      expect(frames.length).toBe(ms / 100);
      await send('points', cloudOf('rear', points, stampAt(ms + 20)), ms + 70);
      expect(frames.length).toBe(ms / 100 + 1);
    }
    await send('points', cloudOf('front', points, stampAt(300)), 350);
    const imu = {
      stamp: stampAt(379),
      frameId: 'base_link',
      angularVelocity: [0, 0, 0],
      linearAcceleration: [0, 0, 9.8],
    };
    await send('imu', imu, 379);
    expect(frames.length).toBe(3);
    await send('imu', { ...imu, stamp: stampAt(380) }, 380);
    expect(frames.length).toBe(4);
    await send('points', cloudOf('rear', points, stampAt(420)), 430);
    await localizer.finish();
    expect(frames.map(({ points: seen }) => seen?.lidars?.map(({ frame, total }) => [frame, total]))).toEqual(
      [
        ...[0, 1, 2].map(() => [
          ['front', points.length],
          ['rear', points.length],
        ]),
        [['front', points.length]],
        [['rear', points.length]],
      ],
    );
    expect(frames.map(({ points: seen }) => seen?.missing)).toEqual([
      undefined,
      undefined,
      undefined,
      ['rear'],
      ['front'],
    ]);
    expect(frames.map(({ stamp }) => Number(stamp - START) / 1e6)).toEqual([20, 120, 220, 300, 420]);
    const last = frames.at(-1)!;
    expect(last.registration?.ok).toBe(true);
    expect(norm(compose(inverse(T_map_base), last.pose!).position)).toBeLessThan(0.02);
    expect(refused.filter((reason) => reason.startsWith('registration'))).toEqual([]);
  });
});
