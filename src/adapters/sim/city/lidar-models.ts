/** A LiDAR as data: which rays it fires when, and how well it measures. */
export interface CityLidar {
  readonly name: string;
  /** frames a second */
  readonly rate: number;
  /** rays fired at once, and how often in a frame: the cloud has a row for each of the one, a column of the other */
  readonly rows: number;
  readonly columns: number;
  /** azimuth and elevation of a ray in the sensor's frame, rad, x ahead */
  readonly direction: (row: number, column: number) => readonly [azimuth: number, elevation: number];
  /** m */
  readonly minRange: number;
  readonly maxRange: number;
  /** at right angles and near, m, 1 sigma */
  readonly rangeSigma: number;
}

const DEGREES = Math.PI / 180;

/** Turns clockwise from behind, as Ouster's do. `top`, `bottom`: degrees; `rangeSigma`: m. */
export function spinning(
  name: string,
  rows: number,
  top: number,
  bottom: number,
  rangeSigma: number,
  columns = 1024,
): CityLidar {
  return {
    name,
    rate: 10,
    rows,
    columns,
    direction: (row, column) => [
      Math.PI * (1 - (2 * column) / columns),
      (top - ((top - bottom) * row) / (rows - 1)) * DEGREES,
    ],
    minRange: 0.8,
    maxRange: 100,
    rangeSigma,
  };
}

/**
 * Ouster's data sheets: OS1 ±16.6° (first OS1, 16 channels) and 45° (later ones), 1024 × 10 Hz, ±1.5 cm to ±2.5 cm (1σ).
 * Solid state: the field of RoboSense's M1 by its data sheet, 120° × 25°, 787,500 points/s; the raster is ours.
 */
export const CITY_LIDARS: Readonly<Record<string, CityLidar>> = {
  'spin-16': spinning('spin-16', 16, 16.6, -16.6, 0.015),
  'spin-32': spinning('spin-32', 32, 22.5, -22.5, 0.02),
  'spin-64': spinning('spin-64', 64, 22.5, -22.5, 0.02),
  'solid-state': {
    name: 'solid-state',
    rate: 10,
    rows: 126,
    columns: 625,
    direction: (row, column) => [(60 - (120 * column) / 624) * DEGREES, (12.5 - (25 * row) / 125) * DEGREES],
    minRange: 0.5,
    maxRange: 150,
    rangeSigma: 0.03,
  },
};
