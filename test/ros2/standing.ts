import { openMap } from '../../src/commands/open-map.ts';
import { loadConfig } from '../../src/config.ts';
import { Random } from '../../src/math/random.ts';
import { inverse, transformPoint } from '../../src/math/se3.ts';
import { loadCore } from '../../src/native.ts';
import type { PointCloud2, Pose } from '../../src/types.ts';

const RADIUS = 40;
const NAMES = ['x', 'y', 'z'];

/**
 * What a LiDAR in base_link would see that sees every second point of the map within 40 m, whatever stands between.
 * @param count points, by seeing each again with 2 cm of noise; default: as many as there are
 */
export async function standingCloud(folder: string, T_map_base: Pose, count?: number): Promise<PointCloud2> {
  const core = loadCore('native');
  const { map } = await loadConfig(undefined, []);
  const { index, source, close } = await openMap(folder, map, Date.now(), 'stored');
  const T_base_map = inverse(T_map_base);
  const [x, y] = T_map_base.position;
  const points: number[] = [];
  const near = (value: number) => Math.floor(value / index.tileSize);
  for (let i = near(x - RADIUS); i <= near(x + RADIUS); i++)
    for (let j = near(y - RADIUS); j <= near(y + RADIUS); j++) {
      const file = index.file(`${i}_${j}`);
      if (!file) continue;
      const origin = index.pointsOrigin(`${i}_${j}`);
      const { positions } = (await core.decodePcd(await source.read(file.path, file))).cloud.arrays();
      for (let at = 0; at < positions.length; at += 6) {
        const p = transformPoint(T_base_map, [
          positions[at]! + origin[0],
          positions[at + 1]! + origin[1],
          positions[at + 2]! + origin[2],
        ]);
        if (Math.hypot(...p) < RADIUS) points.push(...p);
      }
    }
  await close();
  const random = new Random(1);
  const seen = points.length;
  for (let at = 0; points.length < 3 * (count ?? 0); at++)
    points.push(points[at % seen]! + random.gaussian(0, 0.02));
  const data = new Uint8Array(Float32Array.from(points).buffer);
  return {
    stamp: 0n,
    frameId: 'lidar',
    height: 1,
    width: points.length / 3,
    fields: NAMES.map((name, k) => ({ name, offset: 4 * k, datatype: 7, count: 1 })),
    isBigEndian: false,
    pointStep: 12,
    rowStep: data.length,
    data,
  };
}
