import type { Random } from '../../../src/math/random.ts';

/** What is done to a scan, x y z in the base frame. */
export type Spoil = (positions: Float32Array, random: Random) => Float32Array;

/** Of the elevations that a spinning LiDAR of 64 rings has, degrees (Velodyne HDL-64E), 16 are kept. */
const [LOWEST, HIGHEST, KEPT_RINGS] = [-24.8, 2, 16];
const SENSOR_HEIGHT_M = 1.7;

export const SPOILS: Readonly<Record<string, Spoil>> = {
  none: (positions) => positions,
  '16 rings': (positions) =>
    kept(positions, (x, y, z) => {
      const elevation = (Math.atan2(z - SENSOR_HEIGHT_M, Math.hypot(x, y)) * 180) / Math.PI;
      const ring = ((elevation - LOWEST) / (HIGHEST - LOWEST)) * 64;
      return Math.floor(ring) % (64 / KEPT_RINGS) === 0;
    }),
  '10 % outliers': (positions, random) =>
    positions.map((v, at) => {
      const isOutlier = hash(Math.floor(at / 3)) < 0.1;
      return isOutlier ? (at % 3 === 2 ? random.uniform(-2, 8) : random.uniform(-40, 40)) : v;
    }),
  '40 % behind trucks': (positions, random) => {
    const first = random.uniform(-Math.PI, Math.PI);
    const far = random.uniform(4, 8);
    return Float32Array.from(
      rows(positions).flatMap(([x, y, z]) => {
        const turn = (((Math.atan2(y, x) - first) % (2 * Math.PI)) + 2 * Math.PI) % (2 * Math.PI);
        // Two trucks, each over a fifth of the view, 3.5 m high.
        const truck = turn % Math.PI < 0.4 * Math.PI;
        const range = Math.hypot(x, y);
        if (!truck || range < far) return [x, y, z];
        const share = far / range;
        const height = SENSOR_HEIGHT_M + (z - SENSOR_HEIGHT_M) * share;
        return height > 3.5 ? [x, y, z] : height < 0 ? [] : [x * share, y * share, height];
      }),
    );
  },
};

function kept(positions: Float32Array, keep: (x: number, y: number, z: number) => boolean): Float32Array {
  return Float32Array.from(rows(positions).flatMap(([x, y, z]) => (keep(x, y, z) ? [x, y, z] : [])));
}

function rows(positions: Float32Array): [number, number, number][] {
  return Array.from({ length: positions.length / 3 }, (_, i) => [
    positions[3 * i]!,
    positions[3 * i + 1]!,
    positions[3 * i + 2]!,
  ]);
}

/** Of an integer, uniform in [0, 1): the same points are outliers along all axes. */
function hash(n: number): number {
  const s = Math.sin(n * 12.9898 + 4.1414) * 43758.5453;
  return s - Math.floor(s);
}
