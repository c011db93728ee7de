import type { Random } from '../../math/random.ts';
import type { PointCloud2, PointField } from '../../types.ts';
import type { LidarDegradation } from './degrade-config.ts';
import { stream } from './degrade-random.ts';

const DEGREES = 180 / Math.PI;
/** metres: where a ghost may stand */
const GHOST_RANGE = [0.5, 50] as const;

/** Spoils the points of one channel's clouds; hidden points become NaN, so the cloud keeps its layout and times. */
export class LidarSpoiler {
  readonly #config: LidarDegradation;
  readonly #seed: number;
  readonly #outliers: Random;
  readonly #lost = new Map<number, boolean>();
  readonly #spoilsPoints: boolean;

  constructor(config: LidarDegradation, seed: number, channel: string) {
    this.#config = config;
    this.#seed = seed;
    this.#outliers = stream(seed, `lidar outliers ${channel}`);
    const { lostRings, outliers, hiddenSectors } = config;
    const losesRings = typeof lostRings === 'number' ? lostRings > 0 : lostRings.length > 0;
    this.#spoilsPoints = losesRings || outliers > 0 || hiddenSectors.length > 0;
  }

  /** A spoiled copy; the cloud itself where there is nothing to spoil, or no points that the decoder would take. */
  apply(cloud: PointCloud2): PointCloud2 {
    const [x, y, z, ring] = ['x', 'y', 'z', 'ring'].map((name) => cloud.fields.find((f) => f.name === name));
    if (!this.#spoilsPoints || !isFloat(x) || !isFloat(y) || !isFloat(z)) return cloud;
    if (cloud.height * cloud.rowStep > cloud.data.length) return cloud;

    const data = cloud.data.slice();
    const access = new Access(data, !cloud.isBigEndian);
    for (let row = 0; row < cloud.height; row++) {
      for (let column = 0; column < cloud.width; column++) {
        const at = row * cloud.rowStep + column * cloud.pointStep;
        const [px, py, pz] = [access.get(at, x), access.get(at, y), access.get(at, z)];
        const factor = this.#factor(px, py, pz, () =>
          ring ? access.get(at, ring) : cloud.height > 1 ? row : Math.round(elevation(px, py, pz)),
        );
        if (factor === 1) continue;
        access.set(at, x, px * factor);
        access.set(at, y, py * factor);
        access.set(at, z, pz * factor);
      }
    }
    return { ...cloud, data };
  }

  /** What the point's range is multiplied by: 1 leaves it, NaN hides it. */
  #factor(x: number, y: number, z: number, ring: () => number): number {
    // Two draws a point whatever becomes of it, so that other options do not move the outliers.
    const isGhost = this.#config.outliers > 0 && this.#outliers.uniform() < this.#config.outliers;
    const ghostRange = this.#config.outliers > 0 ? this.#outliers.uniform(...GHOST_RANGE) : 0;
    if (this.#isHidden(x, y) || this.#isLost(ring())) return Number.NaN;
    // A zero point, some drivers' word for "no return", has no ray to move along.
    const range = Math.sqrt(x * x + y * y + z * z);
    return isGhost && range > 0 ? ghostRange / range : 1;
  }

  #isHidden(x: number, y: number): boolean {
    const { hiddenSectors } = this.#config;
    if (hiddenSectors.length === 0) return false;
    const azimuth = Math.atan2(y, x) * DEGREES;
    return hiddenSectors.some(({ from, to }) => turn(azimuth - from) <= turn(to - from));
  }

  #isLost(ring: number): boolean {
    const { lostRings } = this.#config;
    if (typeof lostRings !== 'number') return lostRings.includes(ring);
    if (lostRings === 0) return false;
    let lost = this.#lost.get(ring);
    if (lost === undefined) {
      // One number per ring: a larger part loses the same rings and more.
      lost = stream(this.#seed, `lidar ring ${ring}`).uniform() < lostRings;
      this.#lost.set(ring, lost);
    }
    return lost;
  }
}

/** Degrees anticlockwise, in [0, 360). */
function turn(degrees: number): number {
  return ((degrees % 360) + 360) % 360;
}

function elevation(x: number, y: number, z: number): number {
  return Math.atan2(z, Math.hypot(x, y)) * DEGREES;
}

function isFloat(field: PointField | undefined): field is PointField {
  return field?.datatype === 7 || field?.datatype === 8;
}

/** Numbers of a point by field, `at` bytes into the data. */
class Access {
  readonly #view: DataView;
  readonly #little: boolean;

  constructor(data: Uint8Array, little: boolean) {
    this.#view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    this.#little = little;
  }

  get(at: number, { offset, datatype }: PointField): number {
    const place = at + offset;
    switch (datatype) {
      case 1:
        return this.#view.getInt8(place);
      case 2:
        return this.#view.getUint8(place);
      case 3:
        return this.#view.getInt16(place, this.#little);
      case 4:
        return this.#view.getUint16(place, this.#little);
      case 5:
        return this.#view.getInt32(place, this.#little);
      case 6:
        return this.#view.getUint32(place, this.#little);
      case 7:
        return this.#view.getFloat32(place, this.#little);
      case 8:
        return this.#view.getFloat64(place, this.#little);
      default:
        return Number.NaN;
    }
  }

  set(at: number, { offset, datatype }: PointField, value: number): void {
    if (datatype === 8) this.#view.setFloat64(at + offset, value, this.#little);
    else this.#view.setFloat32(at + offset, value, this.#little);
  }
}
