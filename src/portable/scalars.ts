/** Number types as sensor_msgs/PointField and PCD have them. */
export type ScalarType = 'i8' | 'u8' | 'i16' | 'u16' | 'i32' | 'u32' | 'i64' | 'u64' | 'f32' | 'f64';

export const SCALAR_BYTES: Readonly<Record<ScalarType, number>> = {
  i8: 1,
  u8: 1,
  i16: 2,
  u16: 2,
  i32: 4,
  u32: 4,
  i64: 8,
  u64: 8,
  f32: 4,
  f64: 8,
};

const READERS: Readonly<Record<ScalarType, (view: DataView, at: number, little: boolean) => number>> = {
  i8: (view, at) => view.getInt8(at),
  u8: (view, at) => view.getUint8(at),
  i16: (view, at, little) => view.getInt16(at, little),
  u16: (view, at, little) => view.getUint16(at, little),
  i32: (view, at, little) => view.getInt32(at, little),
  u32: (view, at, little) => view.getUint32(at, little),
  i64: (view, at, little) => Number(view.getBigInt64(at, little)),
  u64: (view, at, little) => Number(view.getBigUint64(at, little)),
  f32: (view, at, little) => view.getFloat32(at, little),
  f64: (view, at, little) => view.getFloat64(at, little),
};

/** One field of many points in somebody else's bytes: `offsetOf(i)` is where point i's value lies. */
export function readColumn(
  bytes: Uint8Array,
  type: ScalarType,
  points: number,
  offsetOf: (point: number) => number,
  littleEndian = true,
): Float64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = READERS[type];
  const values = new Float64Array(points);
  for (let i = 0; i < points; i++) values[i] = read(view, offsetOf(i), littleEndian);
  return values;
}

/** x y z per point, as float32. */
export function interleave(x: ArrayLike<number>, y: ArrayLike<number>, z: ArrayLike<number>): Float32Array {
  const out = new Float32Array(3 * x.length);
  for (let i = 0; i < x.length; i++) {
    out[3 * i] = x[i]!;
    out[3 * i + 1] = y[i]!;
    out[3 * i + 2] = z[i]!;
  }
  return out;
}
