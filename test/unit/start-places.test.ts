import { describe, expect, it } from 'vitest';
import { configSchema } from '../../src/config.ts';
import { initializationConfig, type Prior } from '../../src/localization/initialization.ts';
import { StartPlaces } from '../../src/localization/start-places.ts';
import type { TileSupply } from '../../src/map/tile-supply.ts';
import { quatFromRpy, yawOf } from '../../src/math/so3.ts';
import { norm, sub } from '../../src/math/vec3.ts';
import { loadCore } from '../../src/native.ts';
import { Localizer } from '../../src/pipeline.ts';
import type { FrameResult, PointCloud2, Pose, SensorMessage } from '../../src/types.ts';
import { pointCloud2 } from '../native/clouds.ts';
import { anyWalls, scanOf, yard, yardMap } from '../native/yard.ts';

const config = initializationConfig.parse({});
const START = 1_700_000_000_000_000_000n;
const at = (seconds: number) => START + BigInt(Math.round(seconds * 1e9));
const told: Prior = {
  T_map_base: { position: [10, 20, 1], orientation: quatFromRpy(0, 0, Math.PI / 2) },
  sigmaPosition: 0.5,
  sigmaYaw: 0.1,
};

/** Told a place, then driven at 2 m/s for 5 s, and turned left on the spot for 1 s. */
function driven(): StartPlaces {
  const places = new StartPlaces(told, config, 0.2);
  for (let k = 0; k <= 100; k++) places.odometry(at(0.05 * k), [k < 100 ? 2 : 0, 0, 0], [0, 0, 0]);
  places.odometry(at(5), [0, 0, 0], [0, 0, Math.PI / 2]);
  places.odometry(at(6), [0, 0, 0], [0, 0, 0]);
  return places;
}

describe('where to look for the first pose', () => {
  it('is where somebody told, as long as the robot stands', () => {
    const places = new StartPlaces(told, config, 0.2);
    for (let k = 0; k < 100; k++) places.odometry(at(k), [0, 0, 0], [0, 0, 0]);
    const [place, ...others] = places.at(at(100));
    expect(others).toEqual([]);
    expect(place!.T_map_base.position).toEqual([10, 20, 1]);
    expect(place).toMatchObject({ sigmaPosition: 0.5, sigmaYaw: 0.1 });
  });

  it('goes on with the robot as it drives, and gets less sure', () => {
    const [place] = driven().at(at(7));
    // It looked along +y: 10 m on, then a quarter to the left.
    expect(norm(sub(place!.T_map_base.position, [10, 30, 1]))).toBeLessThan(1e-6);
    expect(Math.abs(yawOf(place!.T_map_base.orientation))).toBeCloseTo(Math.PI, 6);
    expect(place!.sigmaPosition).toBeCloseTo(0.5 + 10 * config.drift, 6);
    expect(place!.sigmaYaw).toBeCloseTo(0.1 + 10 * config.turnDrift, 6);
  });

  it('is beside the last fix where it was not found for long, and by the fix alone where nobody told', () => {
    const places = driven();
    places.gnss([50, 60, 2], 3);
    expect(places.at(at(7))).toHaveLength(1);
    expect(places.at(at(16.9))).toHaveLength(1);
    const [, fix] = places.at(at(17));
    expect(fix!.T_map_base.position).toEqual([50, 60, 2]);
    const untold = new StartPlaces(undefined, config, 0.2);
    expect([untold.any, untold.at(at(0))]).toEqual([false, []]);
    untold.gnss([50, 60, 2], 3);
    expect([untold.any, untold.at(at(1))]).toEqual([true, [fix]]);
  });
});

describe('a robot that is told its place while it drives', () => {
  const core = loadCore();
  const walls = yard(anyWalls(5, 30, 34), 40, 0.15);
  const fields = ['x', 'y', 'z'].map((name, k) => ({ name, offset: 4 * k, datatype: 7 }) as const);

  const cloudAt = (pose: Pose, stamp: bigint): PointCloud2 => {
    const { positions } = scanOf(core, walls, pose, 15).arrays();
    const rows = Array.from({ length: positions.length / 3 }, (_, i) => [
      ...positions.slice(3 * i, 3 * i + 3),
    ]);
    return { ...pointCloud2({ fields, pointStep: 12, stamp }, rows), frameId: 'base_link' };
  };

  /** Drives along x at 2 m/s from x = -16; the LiDAR sees something from second 8 on. Results by second. */
  async function drive(first: Prior, fixAt?: { lat: number; lon: number }): Promise<FrameResult[]> {
    const map = await yardMap(core, walls);
    const frames: FrameResult[] = [];
    const supply: Pick<TileSupply, 'moveTo' | 'isComplete'> & { tiles: typeof map; index: object } = {
      isComplete: true,
      tiles: map,
      index: { origin: { lat: 37, lon: 127, ellipsoidalHeight: 0 } },
      moveTo: async () => {},
    };
    const localizer = new Localizer({
      core,
      config: configSchema.parse({
        lidar: { voxelSize: 0.3, minRange: 0, turn: { told: 'none' } },
        initialization: { doubtToldAfter: 2 },
      }),
      clock: { nowMs: () => 0 },
      map: supply as unknown as TileSupply,
      prior: first,
      outputOn: 'points',
      sink: { frame: (frame) => frames.push(frame), update: () => {}, refused: () => {} },
    });
    let sequence = 0;
    const send = (kind: SensorMessage['kind'], value: unknown, stamp: bigint) =>
      localizer.handle({ channel: kind, kind, value, arrival: stamp, sequence: sequence++ } as SensorMessage);
    for (let k = 0; k <= 13 * 20; k++) {
      const stamp = at(k / 20);
      const twist = { linear: [2, 0, 0], angular: [0, 0, 0] };
      const pose: Pose = { position: [k / 10, 0, 0], orientation: quatFromRpy(0, 0, 0) };
      const frame = { stamp, frameId: 'odom', childFrameId: 'base_link', pose, ...twist };
      await send('odometry', frame, stamp);
      if (k % 20 === 0 && k >= 160) {
        const pose: Pose = { position: [k / 10 - 16, 0, 0.6], orientation: quatFromRpy(0, 0, 0) };
        if (fixAt) {
          const { lat: latitude, lon: longitude } = fixAt;
          const fix = { stamp, frameId: 'base_link', latitude, longitude, altitude: 0, status: 0 };
          await send('gnss', { ...fix, covariance: new Array(9).fill(0), covarianceType: 0 }, stamp);
        }
        await send('points', cloudAt(pose, stamp), stamp);
      }
    }
    return frames;
  }

  const startAt = (x: number, y: number): Prior => ({
    T_map_base: { position: [x, y, 0.6], orientation: quatFromRpy(0, 0, 0) },
    sigmaPosition: 0.5,
    sigmaYaw: 0.1,
  });

  it('is found where it has got to', async () => {
    const frames = await drive(startAt(-16, 0));
    expect(frames[1]!.state).toBe('TRACKING');
    expect(norm(sub(frames[0]!.pose!.position, [0, 0, 0.6]))).toBeLessThan(0.1);
    expect(norm(sub(frames.at(-1)!.pose!.position, [10, 0, 0.6]))).toBeLessThan(0.1);
  });

  it('is found by the fix where what it was told is wrong', async () => {
    const frames = await drive(startAt(400, 400), { lat: 37, lon: 127 });
    expect(frames[0]!.pose).toBeUndefined();
    expect(norm(sub(frames.at(-1)!.pose!.position, [10, 0, 0.6]))).toBeLessThan(0.1);
  });
});
