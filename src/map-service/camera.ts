import { z } from 'zod';
import { compose, inverse, transformPoint } from '../math/se3.ts';
import type { Pose, Vec3 } from '../types.ts';

const finite = z.number();
const vector = z.tuple([finite, finite, finite]);

/** `camera.yaml`: a pinhole camera with the distortion of OpenCV, and where it is on the robot. */
export const cameraSchema = z.strictObject({
  fx: z.number().positive().describe('pixels'),
  fy: z.number().positive().describe('pixels'),
  cx: finite.describe('pixels'),
  cy: finite.describe('pixels'),
  distortion: z
    .array(finite)
    .max(5)
    .default([])
    .describe('k1 k2 p1 p2 k3, as OpenCV and ROS plumb_bob have them'),
  T_base_camera: z
    .strictObject({
      position: vector.describe('m'),
      orientation: z
        .tuple([finite, finite, finite, finite])
        .refine((q) => Math.abs(Math.hypot(...q) - 1) < 1e-3, 'expected a unit quaternion x y z w'),
    })
    .describe('optical frame: x right, y down, z ahead (REP-103)'),
});
export type Camera = z.infer<typeof cameraSchema>;

/** Pixels of a picture, red green blue alpha each. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** A colour that a point has from no camera. */
export const NO_COLOUR = -1;
/** Nearer points are on the robot itself, m. */
const NEAREST_M = 0.5;
/** Points are hidden by nearer ones in squares of this many pixels: as far apart as the points of a scan. */
const HIDING_PX = 8;
/** What lies this much behind the nearest is hidden, as a share of its distance, and m. */
const HIDDEN_SHARE = 0.02;
const HIDDEN_M = 0.3;

/**
 * The colour of each point in a picture, 0xRRGGBB, or `NO_COLOUR` where it is out of sight.
 * @param positions x y z relative to `anchor`, axes of the map, m
 * @param T_map_base at the time of the picture
 */
export function paint(
  camera: Camera,
  picture: Picture,
  T_map_base: Pose,
  anchor: Vec3,
  positions: Float32Array,
): Float32Array {
  const T_camera_anchor = compose(inverse(compose(T_map_base, camera.T_base_camera)), {
    position: anchor,
    orientation: [0, 0, 0, 1],
  });
  const points = positions.length / 3;
  const pixels = new Float32Array(3 * points).fill(Number.NaN);
  const columns = Math.ceil(picture.width / HIDING_PX);
  const nearest = new Float32Array(columns * Math.ceil(picture.height / HIDING_PX)).fill(
    Number.POSITIVE_INFINITY,
  );
  const square = (u: number, v: number) => Math.floor(v / HIDING_PX) * columns + Math.floor(u / HIDING_PX);
  for (let p = 0; p < points; p++) {
    const at = transformPoint(T_camera_anchor, [
      positions[3 * p]!,
      positions[3 * p + 1]!,
      positions[3 * p + 2]!,
    ]);
    const pixel = project(camera, at);
    if (!pixel) continue;
    const [u, v] = pixel;
    if (!(u >= 0 && v >= 0 && u < picture.width && v < picture.height)) continue;
    pixels.set([u, v, at[2]], 3 * p);
    const k = square(u, v);
    if (at[2] < nearest[k]!) nearest[k] = at[2];
  }
  return Float32Array.from({ length: points }, (_, p) => {
    const [u, v, depth] = [pixels[3 * p]!, pixels[3 * p + 1]!, pixels[3 * p + 2]!];
    if (!(depth <= nearest[square(u, v)]! * (1 + HIDDEN_SHARE) + HIDDEN_M)) return NO_COLOUR;
    const at = 4 * (Math.floor(v) * picture.width + Math.floor(u));
    return picture.data[at]! * 65536 + picture.data[at + 1]! * 256 + picture.data[at + 2]!;
  });
}

/** Pixel of a point in the optical frame (OpenCV's pinhole model); undefined where the camera does not look. */
export function project(
  { fx, fy, cx, cy, distortion }: Camera,
  [x, y, z]: Vec3,
): [u: number, v: number] | undefined {
  if (z < NEAREST_M) return undefined;
  const [k1 = 0, k2 = 0, p1 = 0, p2 = 0, k3 = 0] = distortion;
  const [a, b] = [x / z, y / z];
  const r2 = a * a + b * b;
  // Beyond where the distortion turns back, far points would come into the picture again.
  if (1 + r2 * (3 * k1 + r2 * (5 * k2 + r2 * 7 * k3)) <= 0) return undefined;
  const radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3));
  return [
    fx * (a * radial + 2 * p1 * a * b + p2 * (r2 + 2 * a * a)) + cx,
    fy * (b * radial + p1 * (r2 + 2 * b * b) + 2 * p2 * a * b) + cy,
  ];
}
