/**
 * Numbers of one solid: kind (0 box, 1 upright cylinder, 2 upright ellipsoid, 3 wedge: a box whose top rises along its
 * own x from bottom to top), x, y, bottom, top (m), yaw (rad), half length or radius, half width (m), velocity x, y (m/s).
 */
export const SOLID_NUMBERS = 10;

export interface RayScene {
  readonly size: number;
  /** The first surface along each ray. A ray that starts within a solid does not see that one. */
  cast(sweep: RaySweep): Promise<RayHits>;
}

/** Rays are fired shot by shot, the same number each: rays of one shot come from one place. */
export interface RaySweep {
  /** unit vectors in the sensor's frame, x y z per ray */
  readonly directions: Float64Array;
  /** T_map_sensor of each shot: x y z qx qy qz qw */
  readonly poses: Float64Array;
  /** of each shot, seconds: solids that move have moved for so long */
  readonly times: Float64Array;
  /** solids that the scene does not hold, `SOLID_NUMBERS` each */
  readonly moving: Float64Array;
  /** metres */
  readonly maxRange: number;
}

/** Per ray. */
export interface RayHits {
  /** metres; Infinity where nothing is met */
  readonly ranges: Float32Array;
  /** of the angle between the ray and the surface's normal, 0 … 1 */
  readonly cosines: Float32Array;
  /** which solid: of the scene, then of those that move; −1 where none */
  readonly solids: Int32Array;
}
