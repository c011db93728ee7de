import type { Random } from '../../src/math/random.ts';
import { compose, transformPoint } from '../../src/math/se3.ts';
import { expSo3, quatRotate } from '../../src/math/so3.ts';
import type { PointCloud2, Pose, Vec3 } from '../../src/types.ts';
import { pointCloud2 } from './clouds.ts';

/** Half the sides of the room, m: the sensor's base starts in its middle. */
const HALF: Vec3 = [14, 9, 3];
export const RINGS = 16;
export const COLUMNS = 360;
export const PERIOD = 0.1;

/** m/s and rad/s of the base: it drives and turns while the sensor looks round. */
export const TWIST = { kind: 'twist', linear: [1.5, 0, 0], angular: [0, 0, 1] } as const;

/** T_base(stamp)_base(stamp + τ) of the twist: a wheel on a circle of 1.5 m. */
export const moved = (tau: number): Pose => ({
  position: [1.5 * Math.sin(tau), 1.5 * (1 - Math.cos(tau)), 0],
  orientation: expSo3([0, 0, tau]),
});

/** How the points of a turn lie in the message. */
export type Kept = 'column by firing' | 'row by firing' | 'one by one' | 'ring by ring';

export interface TurnOptions {
  readonly kept: Kept;
  readonly clockwise: boolean;
  /** azimuth of the first firing, rad */
  readonly start: number;
  readonly stampAt: number;
  readonly T_base_lidar: Pose;
  readonly frameId?: string;
  readonly stamp?: bigint;
  /** seconds of the room's motion at the message's stamp */
  readonly at?: number;
  readonly random?: Random;
  /** adds the field `time` */
  readonly timed?: boolean;
}

/**
 * One turn of a LiDAR on a base that moves by `TWIST` through a room, T_room_base(0) = 1, without times. Each ring looks
 * up to 4° aside, as those of many sensors do. With `random` a sixth of the rays bring nothing back.
 */
export function turnInRoom(options: TurnOptions): PointCloud2 {
  const { kept, clockwise, start, stampAt, T_base_lidar, random, at = 0, timed = false } = options;
  const rows: number[][] = [];
  const shoot = (column: number, ring: number) => {
    const share = column / COLUMNS;
    const tau = at + (share - stampAt) * PERIOD;
    const aside = ((ring % 4) - 1.5) * 0.045;
    const azimuth = start + (clockwise ? -1 : 1) * 2 * Math.PI * share + aside;
    const elevation = ((ring - RINGS / 2 + 0.5) * 3 * Math.PI) / 180;
    const flat = Math.cos(elevation);
    const ray: Vec3 = [flat * Math.cos(azimuth), flat * Math.sin(azimuth), Math.sin(elevation)];
    const T_room_lidar = compose(moved(tau), T_base_lidar);
    const range = rangeOf(T_room_lidar.position, quatRotate(T_room_lidar.orientation, ray));
    const lost = random !== undefined && random.uniform() < 1 / 6;
    if (lost && kept === 'one by one') return;
    const point = lost ? [Number.NaN, Number.NaN, Number.NaN] : ray.map((v) => v * range);
    rows.push(timed ? [...point, (share - stampAt) * PERIOD] : point);
  };
  if (kept === 'row by firing' || kept === 'one by one')
    for (let column = 0; column < COLUMNS; column++)
      for (let ring = 0; ring < RINGS; ring++) shoot(column, ring);
  else
    for (let ring = 0; ring < RINGS; ring++)
      for (let column = 0; column < COLUMNS; column++) shoot(column, ring);
  const height = kept === 'column by firing' ? RINGS : kept === 'row by firing' ? COLUMNS : 1;
  const fields = ['x', 'y', 'z', ...(timed ? ['time'] : [])].map(
    (name, k) => ({ name, offset: 4 * k, datatype: 7 }) as const,
  );
  const message = pointCloud2({ fields, pointStep: 16, height, ...pick(options) }, rows);
  return { ...message, frameId: options.frameId ?? message.frameId };
}

const pick = ({ stamp }: TurnOptions) => (stamp === undefined ? {} : { stamp });

function rangeOf(from: Vec3, ray: Vec3): number {
  const each = ray.map((v, a) =>
    v === 0 ? Number.POSITIVE_INFINITY : (Math.sign(v) * HALF[a]! - from[a]!) / v,
  );
  return Math.min(...each);
}

/** The mean and the largest distance of points of the base frame at `seconds` from the walls, m. */
export function offWalls(positions: Float32Array, seconds = 0): { mean: number; max: number } {
  const T_room_base = moved(seconds);
  let [sum, max] = [0, 0];
  for (let i = 0; i < positions.length; i += 3) {
    const p = transformPoint(T_room_base, [positions[i]!, positions[i + 1]!, positions[i + 2]!]);
    const off = Math.min(...p.map((v, a) => Math.abs(HALF[a]! - Math.abs(v))));
    sum += off;
    max = Math.max(max, off);
  }
  return { mean: sum / (positions.length / 3), max };
}
