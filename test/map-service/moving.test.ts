import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { OS1_16, sweep } from '../../src/adapters/sim/lidar.ts';
import type { Solid } from '../../src/adapters/sim/solids.ts';
import { tileOrigin } from '../../src/map/tile-grid.ts';
import { TileBuilder } from '../../src/map-service/tile-builder.ts';
import { Random } from '../../src/math/random.ts';
import { IDENTITY } from '../../src/math/se3.ts';
import { loadCore } from '../../src/native.ts';
import type { Pose, Vec3 } from '../../src/types.ts';
import { temporaryFolder } from './scene.ts';

const core = loadCore();
const root = temporaryFolder();
afterAll(() => rm(root, { recursive: true }));

const LIDAR = {
  ...OS1_16,
  columns: 720,
  elevations: Array.from({ length: 48 }, (_, ring) => ((ring - 36) * 0.6 * Math.PI) / 180),
};
/** A car that crosses in front of a wall, 2 m a scan: where it is in scan k. */
const carAt = (k: number) => ({ x: 8, y: -18 + 2 * k, halfLength: 1, halfWidth: 2.2, height: 1.5 });

function box(x: number, y: number, halfLength: number, halfWidth: number, top: number): Solid {
  return { kind: 'box', x, y, yaw: 0, halfLength, halfWidth, bottom: 0, top, reflectivity: 50 };
}

/** A wall behind, a parked car, a post, and the one that drives. */
function worldAt(k: number) {
  const car = carAt(k);
  return {
    solids: [
      box(20, 0, 0.5, 30, 6),
      box(-10, 3, 2.2, 1, 1.5),
      box(5, -6, 0.1, 0.1, 4),
      box(car.x, car.y, car.halfLength, car.halfWidth, car.height),
    ],
  };
}

/** All points of the map of 16 scans from a slow robot. */
async function mapOf(removeMoving: boolean): Promise<Vec3[]> {
  const options = { tileSize: 20, voxelSize: 0.1, normalNeighbours: 20, margin: 1, removeMoving };
  const builder = await TileBuilder.open(core, options, join(root, String(removeMoving)), 'key');
  const random = new Random(9);
  for (let k = 0; k < 16; k++) {
    const T_map_base: Pose = { position: [0.1 * k, 0.05 * k, 1.7], orientation: [0, 0, 0, 1] };
    const scan = sweep(LIDAR, worldAt(k), BigInt(k), 'lidar', () => T_map_base, random);
    const { cloud } = await core.decodePointCloud2(scan, { minRange: 1, maxRange: 60 });
    await builder.add(cloud, IDENTITY, T_map_base, { times: [0], poses: [T_map_base] });
    await builder.scanDone();
  }
  await builder.seal({ lat: 0, lon: 0, ellipsoidalHeight: 0 });
  await builder.thin(() => {});
  const points: Vec3[] = [];
  for await (const { id, arrays } of builder.finish(() => false)) {
    const [ox, oy] = tileOrigin(id, 20);
    const { positions: p } = arrays;
    for (let at = 0; at < p.length; at += 3) points.push([p[at]! + ox, p[at + 1]! + oy, p[at + 2]!]);
  }
  return points;
}

describe('removeMoving', () => {
  it('takes away what drove through, and leaves wall, ground, post and parked car', async () => {
    const moved = ([x, y, z]: Vec3) => z > 0.1 && Math.abs(x - 8) < 1.15 && Math.abs(y) < 22;
    const [before, after] = [await mapOf(false), await mapOf(true)];
    const count = (points: Vec3[], which: boolean) => points.filter((p) => moved(p) === which).length;
    const removed = 1 - count(after, true) / count(before, true);
    const lost = 1 - count(after, false) / count(before, false);
    console.info(
      `of ${count(before, true)} moving points ${(100 * removed).toFixed(1)} % removed, of ${count(before, false)} still ones ${(100 * lost).toFixed(2)} % lost`,
    );
    expect(count(before, true)).toBeGreaterThan(2000);
    expect(removed).toBeGreaterThan(0.9);
    expect(lost).toBeLessThan(0.01);
  }, 120_000);
});
