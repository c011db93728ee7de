import type { Cloud, Core } from '../../src/core.ts';
import type { Random } from '../../src/math/random.ts';
import { inverse, transformPoint } from '../../src/math/se3.ts';
import type { PointCloud2, PointField, Pose, Vec3 } from '../../src/types.ts';

/** x y z per point, each drawn by `draw`. */
export function scatter(points: number, draw: () => Vec3): Float32Array {
  return Float32Array.from(Array.from({ length: points }, draw).flat());
}

/** The distributions on which trees go wrong: even, lumpy, flat, on a line, and mostly the same few points. */
export function distributions(random: Random, points: number): Readonly<Record<string, Float32Array>> {
  const u = () => random.uniform(-20, 20);
  return {
    uniform: scatter(points, () => [u(), u(), u()]),
    clusters: scatter(points, () => {
      const centre = 15 * Math.floor(random.uniform(0, 4));
      return [centre + random.gaussian(0, 0.1), random.gaussian(0, 0.1), random.gaussian(0, 0.1)];
    }),
    plane: scatter(points, () => [u(), u(), 1.5]),
    line: scatter(points, () => [u(), 0, 0]),
    duplicates: scatter(points, () => [Math.round(u() / 10), Math.round(u() / 10), Math.round(u() / 10)]),
  };
}

/**
 * Points of a room's corner in the map frame: the floor z = 0 and the walls x = 12 and y = 9, seen from inside; normals
 * point into the room. Points keep `margin` metres from the edges, beyond which the nearest is of the same plane.
 */
export function corner(
  random: Random,
  pointsPerPlane: number,
  margin = 0,
): { positions: number[]; normals: number[] } {
  const positions: number[] = [];
  const normals: number[] = [];
  const x = () => random.uniform(2, 12 - margin);
  const y = () => random.uniform(1, 9 - margin);
  const z = () => random.uniform(margin, 4);
  for (let i = 0; i < pointsPerPlane; i++) {
    positions.push(x(), y(), 0, 12, y(), z(), x(), 9, z());
    normals.push(0, 0, 1, -1, 0, 0, 0, -1, 0);
  }
  return { positions, normals };
}

/** What a base at `T_map_base` sees of map points. */
export function seenFrom(core: Core, positions: readonly number[], T_map_base: Pose): Cloud {
  const T_base_map = inverse(T_map_base);
  const seen = new Float32Array(positions.length);
  for (let i = 0; i < positions.length; i += 3) {
    seen.set(transformPoint(T_base_map, [positions[i]!, positions[i + 1]!, positions[i + 2]!]), i);
  }
  return core.cloud({ positions: seen });
}

const WRITERS = {
  2: (view: DataView, at: number, v: number) => view.setUint8(at, v),
  4: (view: DataView, at: number, v: number, little: boolean) => view.setUint16(at, v, little),
  5: (view: DataView, at: number, v: number, little: boolean) => view.setInt32(at, v, little),
  6: (view: DataView, at: number, v: number, little: boolean) => view.setUint32(at, v, little),
  7: (view: DataView, at: number, v: number, little: boolean) => view.setFloat32(at, v, little),
  8: (view: DataView, at: number, v: number, little: boolean) => view.setFloat64(at, v, little),
} as const;

export interface Layout {
  readonly fields: readonly (Omit<PointField, 'count'> & { readonly datatype: keyof typeof WRITERS })[];
  readonly pointStep: number;
  readonly height?: number;
  readonly rowPadding?: number;
  readonly isBigEndian?: boolean;
  readonly stamp?: bigint;
}

/** A PointCloud2 of `rows` (one value per field and point); `rows.length` must be a multiple of the height. */
export function pointCloud2(layout: Layout, rows: readonly (readonly number[])[]): PointCloud2 {
  const {
    fields,
    pointStep,
    height = 1,
    rowPadding = 0,
    isBigEndian = false,
    stamp = 1_700_000_000_000_000_000n,
  } = layout;
  const width = rows.length / height;
  const rowStep = width * pointStep + rowPadding;
  // Not at the start of its buffer, as messages of a bag are not.
  const data = new Uint8Array(new ArrayBuffer(height * rowStep + 3), 3);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  rows.forEach((row, i) => {
    const at = Math.floor(i / width) * rowStep + (i % width) * pointStep;
    fields.forEach(({ offset, datatype }, k) => {
      WRITERS[datatype](view, at + offset, row[k]!, !isBigEndian);
    });
  });
  const counted = fields.map((field) => ({ ...field, count: 1 }));
  return { stamp, frameId: 'lidar', height, width, fields: counted, isBigEndian, pointStep, rowStep, data };
}
