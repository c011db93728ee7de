import type { Cloud, CloudArrays } from '../core.ts';
import { compose, relative } from '../math/se3.ts';
import type { Pose } from '../types.ts';
import { RangeImage } from './range-image.ts';
import { ROW } from './rows.ts';

/** How far a scan saw, from where the sensor was at each point's time. */
export function imageOf(
  cloud: Cloud,
  level: Cloud,
  anchor: Pose,
  T_base_sensor: Pose,
  path: { times: number[]; poses: Pose[] },
): RangeImage {
  const origins = path.poses.map((pose) => compose(relative(anchor, pose), T_base_sensor).position);
  const { times } = cloud.arrays();
  const [first, last] = [path.times[0]!, path.times.at(-1)!];
  const perSecond = last > first ? (path.times.length - 1) / (last - first) : 0;
  return RangeImage.of(anchor.position, level.arrays().positions, (p) => {
    const place = Math.round(((times?.[p] ?? first) - first) * perSecond);
    return origins[Math.min(Math.max(place, 0), origins.length - 1)]!;
  });
}

/** The tile's arrays from its own rows and the first of the normals, turned towards the place they were seen from. */
export function finished(own: Float32Array, normals: Float32Array, curvature: Float32Array): CloudArrays {
  const n = own.length / ROW;
  const positions = new Float32Array(3 * n);
  const intensity = new Float32Array(n);
  const turned = new Float32Array(3 * n);
  for (let p = 0; p < n; p++) {
    const seenFrom = (k: number) => own[ROW * p + 4 + k]! - own[ROW * p + k]!;
    const facing =
      normals[3 * p]! * seenFrom(0) + normals[3 * p + 1]! * seenFrom(1) + normals[3 * p + 2]! * seenFrom(2);
    for (let k = 0; k < 3; k++) {
      positions[3 * p + k] = own[ROW * p + k]!;
      turned[3 * p + k] = normals[3 * p + k]! * (facing < 0 ? -1 : 1);
    }
    intensity[p] = own[ROW * p + 3]!;
  }
  return { positions, intensity, normals: turned, curvature: curvature.slice(0, n) };
}
