import { PNG } from 'pngjs';
import type { Bounds } from './raster.ts';

/** Blue, green, yellow, red from low to high: five stops of viridis and above, told apart in grey too. */
const STOPS = [
  [68, 1, 84],
  [59, 82, 139],
  [33, 145, 140],
  [94, 201, 98],
  [253, 231, 37],
] as const;

/** Points gathered from above into one picture, the highest point of each pixel by its height, north up. */
export class HeightRaster {
  readonly #bounds: Bounds;
  readonly #width: number;
  readonly #height: number;
  readonly #top: Float32Array;

  /** @param width pixels; the height follows from the bounds (metres) */
  constructor(bounds: Bounds, width: number) {
    this.#bounds = bounds;
    this.#width = width;
    this.#height = Math.max(
      1,
      Math.round((width * (bounds.north - bounds.south)) / (bounds.east - bounds.west)),
    );
    this.#top = new Float32Array(this.#width * this.#height).fill(Number.NaN);
  }

  /** x y z of each point relative to `corner`, metres. */
  add(positions: Float32Array, corner: readonly [number, number, number]): void {
    const { west, east, north, south } = this.#bounds;
    for (let p = 0; p < positions.length; p += 3) {
      const u = Math.floor(((positions[p]! + corner[0] - west) / (east - west)) * this.#width);
      const v = Math.floor(((north - positions[p + 1]! - corner[1]) / (north - south)) * this.#height);
      if (u < 0 || v < 0 || u >= this.#width || v >= this.#height) continue;
      const z = positions[p + 2]! + corner[2];
      // Written so that NaN, the empty pixel, loses.
      if (!(this.#top[v * this.#width + u]! >= z)) this.#top[v * this.#width + u] = z;
    }
  }

  /** A PNG on white; colours span the given heights (m), or the 1st to the 99th percentile of those here. */
  png(span?: readonly [low: number, high: number]): Uint8Array {
    const heights = this.#top.filter((z) => !Number.isNaN(z)).sort();
    const low = span?.[0] ?? heights[Math.floor(0.01 * heights.length)] ?? 0;
    const high = span?.[1] ?? heights[Math.floor(0.99 * heights.length)] ?? 1;
    const png = new PNG({ width: this.#width, height: this.#height });
    png.data.fill(255);
    this.#top.forEach((z, pixel) => {
      if (Number.isNaN(z)) return;
      const share = Math.min(1, Math.max(0, (z - low) / Math.max(high - low, 1e-6))) * (STOPS.length - 1);
      const [a, b] = [STOPS[Math.floor(share)]!, STOPS[Math.ceil(share)]!];
      for (let k = 0; k < 3; k++)
        png.data[4 * pixel + k] = Math.round(a[k]! + (share - Math.floor(share)) * (b[k]! - a[k]!));
    });
    return PNG.sync.write(png);
  }
}

/** Squares of the ground, one colour each, as a PNG, north up, 12 pixels a square. */
export function tilePicture(
  tiles: readonly {
    readonly i: number;
    readonly j: number;
    readonly rgb: readonly [number, number, number];
  }[],
): Uint8Array {
  const side = 12;
  const edge = (pick: (a: number, b: number) => number, key: 'i' | 'j') =>
    tiles.reduce((all, tile) => pick(all, tile[key]), tiles[0]?.[key] ?? 0);
  const [left, right] = [edge(Math.min, 'i'), edge(Math.max, 'i')];
  const [bottom, top] = [edge(Math.min, 'j'), edge(Math.max, 'j')];
  const png = new PNG({ width: side * (right - left + 1), height: side * (top - bottom + 1) });
  png.data.fill(255);
  for (const { i, j, rgb } of tiles) {
    for (let v = 0; v < side - 1; v++)
      for (let u = 0; u < side - 1; u++)
        for (let k = 0; k < 3; k++)
          png.data[4 * ((side * (top - j) + v) * png.width + side * (i - left) + u) + k] = rgb[k]!;
  }
  return PNG.sync.write(png);
}
