import type { Vec3 } from '../../types.ts';

/** Bytes before the points. All numbers are little-endian. */
export const CLOUD_HEADER = 48;
export const SCAN = 1;
export const TILE = 2;
const HAS_INTENSITY = 1;
/** Coordinates are whole steps of at least this, m. */
const FINEST = 0.005;
const INT16 = 32_767;
const WHOLE = 32_768;
const ROUND = WHOLE + 0.5;

export interface CloudInput {
  /** ns */
  readonly stamp: bigint;
  /** map frame, m */
  readonly origin: Vec3;
  /** x y z per point, relative to the origin, m */
  readonly positions: Float32Array;
  readonly intensity?: Float32Array | undefined;
}

/**
 * Points as one binary message: u8 kind (1 scan, 2 tile), u8 version 1, u16 flags (1: intensity), u32 points, i64 stamp
 * ns, f64 origin x y z, f32 step m, u32 reserved; then int16 x y z in steps a point, then u8 intensity a point (0 the
 * weakest of the cloud, 255 its strongest). The points are shuffled evenly: the first n of them are a fair picture.
 * Points that are not finite are left out; of more than `most` an even part is taken.
 */
export function encodeCloud(kind: typeof SCAN | typeof TILE, cloud: CloudInput, most: number): Buffer {
  const { positions, intensity } = cloud;
  const { far, low, high, isWhole } = extent(positions, intensity);
  const order = evenOrder(positions, most, isWhole);
  const n = order.length;
  // What the other side will multiply by is the float32.
  const step = Math.fround(Math.max(FINEST, far / (INT16 - 1)));
  const bytes = Buffer.from(new ArrayBuffer(CLOUD_HEADER + 6 * n + (intensity ? n : 0)));
  bytes.writeUInt8(kind, 0);
  bytes.writeUInt8(1, 1);
  bytes.writeUInt16LE(intensity ? HAS_INTENSITY : 0, 2);
  bytes.writeUInt32LE(n, 4);
  bytes.writeBigInt64LE(cloud.stamp, 8);
  for (let k = 0; k < 3; k++) bytes.writeDoubleLE(cloud.origin[k]!, 16 + 8 * k);
  bytes.writeFloatLE(step, 40);
  // Node's processors are little-endian. Views and whole numbers, for a scan must not hold up the event loop.
  const steps = new Int16Array(bytes.buffer, CLOUD_HEADER, 3 * n);
  const perStep = 1 / step;
  for (let k = 0, to = 0; k < n; k++) {
    const at = 3 * order[k]!;
    // Rounded by cutting off what is positive.
    steps[to++] = ((positions[at]! * perStep + ROUND) | 0) - WHOLE;
    steps[to++] = ((positions[at + 1]! * perStep + ROUND) | 0) - WHOLE;
    steps[to++] = ((positions[at + 2]! * perStep + ROUND) | 0) - WHOLE;
  }
  if (!intensity) return bytes;
  const shades = new Uint8Array(bytes.buffer, CLOUD_HEADER + 6 * n);
  const scale = high > low ? 255 / (high - low) : 0;
  for (let k = 0; k < n; k++) shades[k] = (intensity[order[k]!]! - low) * scale;
  return bytes;
}

/** The farthest coordinate, the weakest and the strongest of the finite points, and whether all are finite. */
function extent(positions: Float32Array, intensity: Float32Array | undefined) {
  let [far, low, high] = [0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  let isWhole = true;
  for (let i = 0, at = 0; at < positions.length; i++, at += 3) {
    const [x, y, z] = [positions[at]!, positions[at + 1]!, positions[at + 2]!];
    if (!Number.isFinite(x + y + z)) {
      isWhole = false;
      continue;
    }
    far = Math.max(far, x, -x, y, -y, z, -z);
    if (!intensity) continue;
    const shade = intensity[i]!;
    if (shade < low) low = shade;
    if (shade > high) high = shade;
  }
  return { far, low, high, isWhole };
}

/** The first part of a cloud's points, as a cloud of its own. */
export function thinCloud(cloud: Buffer, points: number): Buffer {
  const n = cloud.readUInt32LE(4);
  const kept = Math.min(n, points);
  const head = Buffer.from(cloud.subarray(0, CLOUD_HEADER));
  head.writeUInt32LE(kept, 4);
  const rest =
    cloud.readUInt16LE(2) & HAS_INTENSITY
      ? [cloud.subarray(CLOUD_HEADER + 6 * n, CLOUD_HEADER + 6 * n + kept)]
      : [];
  return Buffer.concat([head, cloud.subarray(CLOUD_HEADER, CLOUD_HEADER + 6 * kept), ...rest]);
}

/** Of the finite points at most `most`, in an order in which every beginning is spread evenly (golden ratio). */
function evenOrder(positions: Float32Array, most: number, isWhole: boolean): Uint32Array {
  const n = positions.length / 3;
  let stride = Math.max(1, Math.round(n * 0.618034));
  while (commonDivisor(stride, n) > 1) stride++;
  const order = new Uint32Array(Math.min(n, most));
  let kept = 0;
  let i = 0;
  for (let k = 0; k < order.length; k++) {
    if (isWhole || isFinite3(positions, i)) order[kept++] = i;
    i += stride;
    if (i >= n) i -= n;
  }
  return order.subarray(0, kept);
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}

function isFinite3(positions: Float32Array, i: number): boolean {
  return Number.isFinite(positions[3 * i]! + positions[3 * i + 1]! + positions[3 * i + 2]!);
}
