import type { Vec3 } from '../types.ts';

/** Pixels of half a degree: two rays of a 64-ring sensor fall into each, so that few stay empty. */
export const COLUMNS = 720;
export const ROWS = 128;
/** Elevation of the lowest row, and of a pixel, rad; rays beyond ±32° tell nothing. */
const LOWEST = (-32 * Math.PI) / 180;
const PIXEL = Math.PI / 360;
/** Ranges are kept in centimetres in 16 bits; 0 is a pixel without a ray. */
const PER_METRE = 100;
const MAX_CM = 65535;

/** float64 place of the scan, float32 origins of the rays of each column, uint16 ranges. */
export const IMAGE_BYTES = 3 * 8 + COLUMNS * 3 * 4 + COLUMNS * ROWS * 2;

/**
 * How far one scan saw in each direction (axes of the map), the nearest return of each pixel. A sensor that moves
 * during its turn has another origin for each column.
 */
export class RangeImage {
  readonly bytes: Uint8Array;
  readonly #place: Float64Array;
  readonly #origins: Float32Array;
  readonly #ranges: Uint16Array;

  /** @param bytes of `IMAGE_BYTES`, as `bytes` of another image; owned from now on */
  constructor(bytes: Uint8Array = new Uint8Array(IMAGE_BYTES)) {
    this.bytes = bytes;
    const { buffer, byteOffset } = bytes;
    this.#place = new Float64Array(buffer, byteOffset, 3);
    this.#origins = new Float32Array(buffer, byteOffset + 24, 3 * COLUMNS);
    this.#ranges = new Uint16Array(buffer, byteOffset + 24 + 12 * COLUMNS, COLUMNS * ROWS);
  }

  /**
   * @param positions x y z of each point, relative to `place`, map axes, metres
   * @param originOf where point number p was seen from, likewise
   */
  static of(place: Vec3, positions: Float32Array, originOf: (p: number) => Vec3): RangeImage {
    const image = new RangeImage();
    image.#place.set(place);
    const seen = new Uint32Array(COLUMNS);
    const sums = new Float64Array(3 * COLUMNS);
    const all = [0, 0, 0];
    const points = positions.length / 3;
    for (let p = 0; p < points; p++) {
      const origin = originOf(p);
      const [x, y, z] = [0, 1, 2].map((k) => positions[3 * p + k]! - origin[k]!) as [number, number, number];
      const column = columnOf(x, y);
      seen[column]!++;
      for (let k = 0; k < 3; k++) {
        sums[3 * column + k]! += origin[k]!;
        all[k]! += origin[k]! / points;
      }
      const row = rowOf(x, y, z);
      if (row < 0 || row >= ROWS) continue;
      const range = Math.min(MAX_CM, Math.round(PER_METRE * Math.hypot(x, y, z)));
      const pixel = row * COLUMNS + column;
      const before = image.#ranges[pixel]!;
      if (range > 0 && (before === 0 || range < before)) image.#ranges[pixel] = range;
    }
    for (let c = 0; c < COLUMNS; c++)
      for (let k = 0; k < 3; k++)
        image.#origins[3 * c + k] = seen[c]! > 0 ? sums[3 * c + k]! / seen[c]! : all[k]!;
    return image;
  }

  get place(): Vec3 {
    return [this.#place[0]!, this.#place[1]!, this.#place[2]!];
  }

  /**
   * How far this scan looked through a place of the map, metres: by how much the nearest return of the pixel and of
   * those around it lies further. 0 where it saw something there, within `margin` metres; −1 where it cannot say.
   */
  look(mx: number, my: number, mz: number, margin: number): number {
    const x = mx - this.#place[0]!;
    const y = my - this.#place[1]!;
    const z = mz - this.#place[2]!;
    // The first guess by any column's origin, then by that of the column itself.
    const guess = columnOf(x - this.#origins[0]!, y - this.#origins[1]!);
    const dx = x - this.#origins[3 * guess]!;
    const dy = y - this.#origins[3 * guess + 1]!;
    const dz = z - this.#origins[3 * guess + 2]!;
    const column = columnOf(dx, dy);
    const row = rowOf(dx, dy, dz);
    if (row < 1 || row >= ROWS - 1) return -1;
    const range = Math.sqrt(dx * dx + dy * dy + dz * dz) * PER_METRE;
    const centre = this.#ranges[row * COLUMNS + column]!;
    if (centre === 0) return -1;
    const near = margin * PER_METRE;
    if (Math.abs(centre - range) <= near) return 0;
    let nearest = centre;
    for (let r = row - 1; r <= row + 1; r++) {
      for (let c = column - 1; c <= column + 1; c++) {
        const other = this.#ranges[r * COLUMNS + ((c + COLUMNS) % COLUMNS)]!;
        if (other === 0) continue;
        if (Math.abs(other - range) <= near) return 0;
        if (other < nearest) nearest = other;
      }
    }
    return nearest > range + near ? (nearest - range) / PER_METRE : -1;
  }
}

function columnOf(x: number, y: number): number {
  const column = Math.floor((Math.atan2(y, x) + Math.PI) / PIXEL);
  return column >= COLUMNS ? COLUMNS - 1 : column;
}

function rowOf(x: number, y: number, z: number): number {
  return Math.floor((Math.atan2(z, Math.sqrt(x * x + y * y)) - LOWEST) / PIXEL);
}
