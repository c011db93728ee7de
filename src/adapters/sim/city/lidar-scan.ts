import type { RayScene } from '../../../core.ts';
import type { Random } from '../../../math/random.ts';
import type { PointCloud2, PointField, Pose, Stamp } from '../../../types.ts';
import type { CityLidar } from './lidar-models.ts';
import { MATERIALS } from './materials.ts';
import { type CitySolid, solidNumbers } from './solid.ts';

/** As Ouster's driver names them; `t` is nanoseconds from the header's stamp, the start of the sweep. */
const FIELDS: readonly PointField[] = ['x', 'y', 'z', 'intensity', 't'].map((name, i) => ({
  name,
  offset: 4 * i,
  datatype: name === 't' ? 6 : 7,
  count: 1,
}));
const WORDS = 5;
/** Loss of light on the way there and back per metre and (mm/h)^0.63: 20 dB/km at 100 mm/h (ITU-R P.1817-1, near infrared). */
const RAIN_LOSS = 1.3e-4;
const RAIN_EXPONENT = 0.63;
/** Share of the rays that a drop sends back before anything else does, per mm/h. Estimate. */
const RAIN_ECHO = 4e-4;

/** Fires a LiDAR model in the city. */
export class LidarScanner {
  readonly model: CityLidar;
  readonly #directions: Float64Array;

  constructor(model: CityLidar) {
    this.model = model;
    const { rows, columns, direction } = model;
    this.#directions = new Float64Array(3 * rows * columns);
    for (let column = 0; column < columns; column++) {
      for (let row = 0; row < rows; row++) {
        const [azimuth, elevation] = direction(row, column);
        const flat = Math.cos(elevation);
        this.#directions.set(
          [flat * Math.cos(azimuth), flat * Math.sin(azimuth), Math.sin(elevation)],
          3 * (column * rows + row),
        );
      }
    }
  }

  /**
   * One frame that began at `stamp`. `T_map_lidar(seconds from it)`: each shot is cast from where the sensor then was.
   * `still` are the solids of the scene, `moving` further ones, at their places at the stamp. `rain`: mm/h.
   */
  async scan(
    scene: RayScene,
    { still, moving }: { still: readonly CitySolid[]; moving: readonly CitySolid[] },
    { stamp, frameId, rain }: { stamp: Stamp; frameId: string; rain: number },
    T_map_lidar: (seconds: number) => Pose,
    random: Random,
  ): Promise<PointCloud2> {
    const { rows, columns, rate, maxRange } = this.model;
    const times = Float64Array.from({ length: columns }, (_, column) => column / columns / rate);
    const poses = new Float64Array(7 * columns);
    for (let column = 0; column < columns; column++) {
      const { position, orientation } = T_map_lidar(times[column]!);
      poses.set([...position, ...orientation], 7 * column);
    }
    const directions = this.#directions;
    const hits = await scene.cast({ directions, poses, times, moving: solidNumbers(moving), maxRange });
    const buffer = new ArrayBuffer(rows * columns * WORDS * 4);
    const floats = new Float32Array(buffer);
    const words = new Uint32Array(buffer);
    for (let column = 0; column < columns; column++) {
      const nanoseconds = Math.round(times[column]! * 1e9);
      for (let row = 0; row < rows; row++) {
        const ray = column * rows + row;
        const at = (row * columns + column) * WORDS;
        const index = hits.solids[ray]!;
        const solid = index < still.length ? still[index] : moving[index - still.length];
        const seen = this.#measure(solid, hits.ranges[ray]!, hits.cosines[ray]!, rain, random);
        floats[at] = seen ? seen.range * directions[3 * ray]! : Number.NaN;
        floats[at + 1] = seen ? seen.range * directions[3 * ray + 1]! : Number.NaN;
        floats[at + 2] = seen ? seen.range * directions[3 * ray + 2]! : Number.NaN;
        floats[at + 3] = seen ? seen.intensity : 0;
        words[at + 4] = nanoseconds;
      }
    }
    return {
      stamp,
      frameId,
      height: rows,
      width: columns,
      fields: FIELDS,
      isBigEndian: false,
      pointStep: WORDS * 4,
      rowStep: columns * WORDS * 4,
      data: new Uint8Array(buffer),
    };
  }

  /** What comes back of one ray, if anything. Draws once or more of `random`, in the order of the rays. */
  #measure(
    solid: CitySolid | undefined,
    range: number,
    cosine: number,
    rain: number,
    random: Random,
  ): { range: number; intensity: number } | undefined {
    const { minRange, maxRange, rangeSigma } = this.model;
    const chance = random.uniform();
    if (rain > 0 && chance < RAIN_ECHO * rain) {
      const echo = minRange - 4 * Math.log(1 - random.uniform());
      if (echo < range && echo < maxRange) return { range: echo, intensity: 3 };
    }
    if (!solid) return undefined;
    const { reflectance, lost } = MATERIALS[solid.material];
    const light = reflectance * cosine * Math.exp(-2 * RAIN_LOSS * rain ** RAIN_EXPONENT * range);
    // A range is given for 10 % of reflectance at two thirds of the greatest; what comes back falls with its square.
    const reach = (2 / 3) * maxRange * Math.sqrt(light / 0.1);
    if (range > reach || random.uniform() < lost) return undefined;
    const measured = range + random.gaussian(0, rangeSigma * (1 + range / reach));
    if (measured < minRange || measured > maxRange) return undefined;
    return { range: measured, intensity: Math.round(255 * light) };
  }
}
