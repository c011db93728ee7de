import type { Stamp, Vec3 } from '../../types.ts';
import { header, whole } from './header.ts';

const FLOAT32 = 7;

/** sensor_msgs/PointCloud2 of x y z (and intensity), `positions` relative to `origin`. */
export function cloudMessage(
  stamp: Stamp,
  frame: string,
  positions: Float32Array,
  origin: Vec3 = [0, 0, 0],
  intensity?: Float32Array,
) {
  const names = ['x', 'y', 'z', ...(intensity ? ['intensity'] : [])];
  const width = positions.length / 3;
  const values = new Float32Array(width * names.length);
  for (let n = 0; n < width; n++) {
    const at = n * names.length;
    for (let axis = 0; axis < 3; axis++) values[at + axis] = positions[3 * n + axis]! + origin[axis]!;
    if (intensity) values[at + 3] = intensity[n]!;
  }
  const pointStep = 4 * names.length;
  return {
    header: header(stamp, frame),
    height: 1,
    width,
    fields: names.map((name, k) => ({ name, offset: 4 * k, datatype: FLOAT32, count: 1 })),
    is_bigendian: false,
    point_step: pointStep,
    row_step: pointStep * width,
    data: whole(new Uint8Array(values.buffer)),
    is_dense: true,
  };
}
