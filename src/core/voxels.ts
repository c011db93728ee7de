import type { Vec3 } from '../types.ts';

/** Cubes of `size` metres from the corner `origin` on (map frame), `counts` of them along x, y, z. */
export interface VoxelBlock {
  readonly origin: Vec3;
  readonly size: number;
  readonly counts: readonly [number, number, number];
}

/** Scans one after the other. */
export interface VoxelScans {
  /** where the sensor was, map frame, m: x y z per scan */
  readonly origins: Float64Array;
  /** points per scan */
  readonly lengths: Int32Array;
  /** relative to the scan's origin, axes of the map, m: x y z per point */
  readonly points: Float32Array;
}

/** Numbers of scans per cube, x fastest: cube (x, y, z) is at `(z · ny + y) · nx + x`. */
export interface VoxelEvidence {
  readonly hits: Uint16Array;
  readonly passes: Uint16Array;
}
