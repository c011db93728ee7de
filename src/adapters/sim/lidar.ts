import type { Random } from '../../math/random.ts';
import { rotationMatrix } from '../../math/so3.ts';
import type { PointCloud2, PointField, Pose, Stamp } from '../../types.ts';
import { RayCaster } from './ray-caster.ts';
import type { World } from './solids.ts';

/** A spinning multi-ring LiDAR as data. */
export interface LidarModel {
  readonly name: string;
  /** of each ring, radians above the horizontal, the topmost first */
  readonly elevations: readonly number[];
  /** columns fired in one turn */
  readonly columns: number;
  /** turns a second */
  readonly rate: number;
  /** metres */
  readonly minRange: number;
  readonly maxRange: number;
  /** standard deviation of a range, metres */
  readonly rangeSigma: number;
  /** part of the rays that give no return though there is a surface */
  readonly dropOut: number;
}

/**
 * Ouster OS1, 16 channels, mode 1024 × 10. Data sheet of the first OS1 (64 and 16 channels): field of view ±16.6°,
 * 1024 columns at 10 Hz, range 0.8–120 m, range repeatability ±1.5 cm (1σ) at high signal. The drop-out is ours:
 * dark glass and wet paint in a street.
 */
export const OS1_16: LidarModel = {
  name: 'OS1-16',
  elevations: Array.from({ length: 16 }, (_, ring) => ((16.6 - (33.2 * ring) / 15) * Math.PI) / 180),
  columns: 1024,
  rate: 10,
  minRange: 0.8,
  maxRange: 120,
  rangeSigma: 0.015,
  dropOut: 0.01,
};

/** As the Ouster driver names them; `t` is nanoseconds from the header's stamp, the start of the sweep. */
const FIELDS: readonly PointField[] = [
  { name: 'x', offset: 0, datatype: 7, count: 1 },
  { name: 'y', offset: 4, datatype: 7, count: 1 },
  { name: 'z', offset: 8, datatype: 7, count: 1 },
  { name: 'intensity', offset: 12, datatype: 7, count: 1 },
  { name: 't', offset: 16, datatype: 6, count: 1 },
];
const WORDS = 5;

/**
 * One turn of the sensor: an organised cloud, a row per ring, a column per firing, NaN where nothing came back. Each
 * column is cast from `T_map_lidar(seconds from the stamp)`, so the cloud is skewed by motion as a real one is. The
 * turn begins at the back and goes clockwise, as Ouster's does. `random` gives range noise and drop-outs, two draws a
 * ray whether it hits or not.
 */
export function sweep(
  model: LidarModel,
  world: World,
  stamp: Stamp,
  frameId: string,
  T_map_lidar: (seconds: number) => Pose,
  random: Random,
): PointCloud2 {
  const { columns, elevations } = model;
  const period = 1 / model.rate;
  const buffer = new ArrayBuffer(elevations.length * columns * WORDS * 4);
  const floats = new Float32Array(buffer);
  const words = new Uint32Array(buffer);
  const beams = elevations.map((angle) => [Math.cos(angle), Math.sin(angle)] as const);
  const caster = casterFor(model, world, T_map_lidar, period);

  for (let column = 0; column < columns; column++) {
    const seconds = (column / columns) * period;
    const { position, orientation } = T_map_lidar(seconds);
    const [m00, m01, m02, m10, m11, m12, m20, m21, m22] = rotationMatrix(orientation);
    const azimuth = Math.PI * (1 - (2 * column) / columns);
    const [ca, sa] = [Math.cos(azimuth), Math.sin(azimuth)];
    const nanoseconds = Math.round(seconds * 1e9);
    for (let ring = 0; ring < beams.length; ring++) {
      const [ce, z] = beams[ring]!;
      const [x, y] = [ce * ca, ce * sa];
      const range = caster.cast(
        position[0],
        position[1],
        position[2],
        m00 * x + m01 * y + m02 * z,
        m10 * x + m11 * y + m12 * z,
        m20 * x + m21 * y + m22 * z,
      );
      const measured = range + random.gaussian(0, model.rangeSigma);
      const dropped = random.uniform() < model.dropOut;
      const seen = !dropped && measured >= model.minRange && measured <= model.maxRange;
      const at = (ring * columns + column) * WORDS;
      floats[at] = seen ? measured * x : Number.NaN;
      floats[at + 1] = seen ? measured * y : Number.NaN;
      floats[at + 2] = seen ? measured * z : Number.NaN;
      floats[at + 3] = seen ? caster.reflectivity : 0;
      words[at + 4] = nanoseconds;
    }
  }
  return {
    stamp,
    frameId,
    height: elevations.length,
    width: columns,
    fields: FIELDS,
    isBigEndian: false,
    pointStep: WORDS * 4,
    rowStep: columns * WORDS * 4,
    data: new Uint8Array(buffer),
  };
}

function casterFor(
  model: LidarModel,
  world: World,
  T_map_lidar: (s: number) => Pose,
  period: number,
): RayCaster {
  const [start, middle, end] = [0, period / 2, period].map((seconds) => T_map_lidar(seconds).position);
  const away = (p: Pose['position']) => Math.hypot(p[0] - middle![0], p[1] - middle![1]);
  // Half as much again covers a path that bends within the turn; the centimetre covers a sensor that only shakes.
  return new RayCaster(world, middle!, 1.5 * Math.max(away(start!), away(end!)) + 0.01, model.maxRange);
}
