/** An upright box: centre and yaw in the map frame (metres, radians), half sizes along its own x and y. */
export interface Box extends Extent {
  readonly kind: 'box';
  readonly yaw: number;
  readonly halfLength: number;
  readonly halfWidth: number;
}

/** An upright cylinder. */
export interface Cylinder extends Extent {
  readonly kind: 'cylinder';
  readonly radius: number;
}

interface Extent {
  readonly x: number;
  readonly y: number;
  readonly bottom: number;
  readonly top: number;
  /** what the LiDAR reports as intensity, 0–255 */
  readonly reflectivity: number;
}

export type Solid = Box | Cylinder;

/** Everything that a ray may hit: the plane z = 0 (the road) and solids, in the map frame. */
export interface World {
  readonly solids: readonly Solid[];
}

/** A solid before it is placed; a box's yaw is relative to its row. */
export type Footprint = Omit<Box, 'x' | 'y'> | Omit<Cylinder, 'x' | 'y'>;

/** Places a part given along (u) and to the right (v) of a line that starts at (x, y) of the street. */
export type Row = (u: number, v: number, part: Footprint) => Solid;
