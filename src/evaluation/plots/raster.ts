import { PNG } from 'pngjs';

/** A rectangle of the ground, metres east and north. */
export interface Bounds {
  readonly west: number;
  readonly east: number;
  readonly south: number;
  readonly north: number;
}

const GREY = 0x78;

/**
 * The points within the bounds seen from above, north up, as a PNG: grey, the more opaque the more points fall on a
 * pixel (by logarithm, full at the 99th percentile). Grey on nothing reads on light and dark alike.
 * `points`: x y z of each, map frame, metres. Undefined when no point lies within.
 */
export function rasterOf(
  points: Float32Array,
  bounds: Bounds,
  width: number,
  height: number,
): Buffer | undefined {
  const counts = new Uint32Array(width * height);
  const perEast = width / (bounds.east - bounds.west);
  const perNorth = height / (bounds.north - bounds.south);
  for (let i = 0; i + 2 < points.length; i += 3) {
    const column = Math.floor((points[i]! - bounds.west) * perEast);
    const row = Math.floor((bounds.north - points[i + 1]!) * perNorth);
    if (column >= 0 && column < width && row >= 0 && row < height) counts[row * width + column]!++;
  }
  const filled = counts.filter((count) => count > 0).sort();
  if (filled.length === 0) return undefined;
  const full = Math.log1p(filled[Math.floor(0.99 * (filled.length - 1))]!);
  const png = new PNG({ width, height });
  counts.forEach((count, pixel) => {
    // A single point must show, hence not from nothing.
    const alpha = count === 0 ? 0 : 60 + 150 * Math.min(1, Math.log1p(count) / full);
    png.data.fill(GREY, 4 * pixel, 4 * pixel + 3);
    png.data[4 * pixel + 3] = Math.round(alpha);
  });
  return PNG.sync.write(png);
}
