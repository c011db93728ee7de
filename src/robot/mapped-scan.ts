import type { Cloud } from '../core.ts';
import { rotationMatrix } from '../math/so3.ts';
import type { MappedScan } from '../ports/robot.ts';
import type { Pose, Stamp } from '../types.ts';

/** A registered scan for people to look at: every so many-th of its points, about its own place in the map. */
export function mappedScan(cloud: Cloud, stamp: Stamp, T_map_base: Pose, maxPoints: number): MappedScan {
  const { positions, intensity } = cloud.arrays();
  const step = Math.max(1, Math.ceil(cloud.size / maxPoints));
  const count = Math.ceil(cloud.size / step);
  const r = rotationMatrix(T_map_base.orientation);
  const turned = new Float32Array(3 * count);
  const shades = intensity && new Float32Array(count);
  for (let n = 0; n < count; n++) {
    const from = n * step;
    const [x, y, z] = [positions[3 * from]!, positions[3 * from + 1]!, positions[3 * from + 2]!];
    turned[3 * n] = r[0] * x + r[1] * y + r[2] * z;
    turned[3 * n + 1] = r[3] * x + r[4] * y + r[5] * z;
    turned[3 * n + 2] = r[6] * x + r[7] * y + r[8] * z;
    if (shades) shades[n] = intensity[from]!;
  }
  return {
    stamp,
    origin: T_map_base.position,
    positions: turned,
    ...(shades && { intensity: shades }),
  };
}
