import type { CloudArrays, DecodedCloud } from '../core.ts';
import { Refusal } from '../types.ts';
import { PortableCloud, selectPoints } from './cloud.ts';
import { decompressLzf } from './lzf.ts';
import { type PcdField, type PcdHeader, readPcdHeader, splitWords } from './pcd-header.ts';
import { interleave, readColumn, SCALAR_BYTES } from './scalars.ts';

/** The values of one field, for all points of the file. */
type ReadField = (field: PcdField) => Float64Array;

/** A day: times beyond count from an epoch. A file has no stamp, so they become offsets from the earliest. */
const EPOCH_TIME = 86_400;

/**
 * As `Core.decodePcd`. Not by @loaders.gl/pcd, which is the tests' second opinion: it drops intensity, curvature and
 * time, takes every number for a float32, loses its place at COUNT > 1 and answers a lying header with NaN.
 * Throws a Refusal: bad-header, unsupported-version, unsupported-field, missing-field, count-mismatch, truncated,
 * bad-number, bad-compression.
 */
export function decodePcd(bytes: Uint8Array): DecodedCloud {
  const header = readPcdHeader(bytes);
  const xyz = ['x', 'y', 'z'].map((name) => requiredField(header, name));
  const body = bytes.subarray(header.length);
  const read = { ascii: asciiReader, binary: binaryReader, binary_compressed: compressedReader }[header.data](
    header,
    body,
  );
  const [x, y, z] = xyz.map(read);
  const positions = interleave(x!, y!, z!);
  const keep: number[] = [];
  for (let i = 0; i < header.points; i++) {
    if (Number.isFinite(positions[3 * i]! + positions[3 * i + 1]! + positions[3 * i + 2]!)) keep.push(i);
  }
  const cloud = selectPoints({ positions, ...extras(header, read) }, keep);
  const times = readTimes(header, read, keep);
  return {
    cloud: new PortableCloud({ ...cloud, ...(times && { times }) }),
    notFinite: header.points - keep.length,
    outOfRange: 0,
  };
}

function requiredField(header: PcdHeader, name: string): PcdField {
  const field = header.fields.find((f) => f.name === name);
  if (!field) throw new Refusal('missing-field', `expected field '${name}', found none`);
  if (field.count === 1) return field;
  throw new Refusal(
    'unsupported-field',
    `expected one value for field '${name}', found COUNT ${field.count}`,
  );
}

/** A field of several values (a descriptor that happens to bear the name) is not the scalar we look for. */
function scalarField(header: PcdHeader, names: readonly string[]): PcdField | undefined {
  const found = names.map((name) => header.fields.find((f) => f.name === name)).find((f) => f !== undefined);
  return found?.count === 1 ? found : undefined;
}

function extras(header: PcdHeader, read: ReadField): Omit<CloudArrays, 'positions'> {
  const intensity = scalarField(header, ['intensity', 'i', 'reflectivity']);
  const curvature = scalarField(header, ['curvature']);
  const [nx, ny, nz] = ['normal_x', 'normal_y', 'normal_z'].map((name) => scalarField(header, [name]));
  return {
    ...(intensity && { intensity: Float32Array.from(read(intensity)) }),
    ...(nx && ny && nz && { normals: interleave(read(nx), read(ny), read(nz)) }),
    ...(curvature && { curvature: Float32Array.from(read(curvature)) }),
  };
}

/** The format names no unit: a fraction can only be seconds, a whole number could be anything. */
function readTimes(header: PcdHeader, read: ReadField, keep: readonly number[]): Float32Array | undefined {
  const field = scalarField(header, ['t', 'time', 'timestamp']);
  if (!field || (field.type !== 'f32' && field.type !== 'f64')) return undefined;
  const values = read(field);
  const earliest = keep.reduce((low, i) => Math.min(low, values[i]!), Number.POSITIVE_INFINITY);
  const start = earliest > EPOCH_TIME && keep.length > 0 ? earliest : 0;
  return Float32Array.from(keep, (i) => values[i]! - start);
}

function binaryReader(header: PcdHeader, body: Uint8Array): ReadField {
  const { points, pointBytes } = header;
  const there = Math.floor(body.length / pointBytes);
  if (there < points) throw truncated(points, there, 'points');
  requireZeros(body.subarray(points * pointBytes), `${points} points of ${pointBytes} bytes`);
  return (field) => readColumn(body, field.type, points, (i) => i * pointBytes + field.offset);
}

function compressedReader(header: PcdHeader, body: Uint8Array): ReadField {
  const { points, pointBytes } = header;
  if (points === 0 && body.every((byte) => byte === 0)) return () => new Float64Array();
  if (body.length < 8) throw truncated(8, body.length, 'bytes of sizes');
  const sizes = new DataView(body.buffer, body.byteOffset, 8);
  const [packed, unpacked] = [sizes.getUint32(0, true), sizes.getUint32(4, true)];
  if (body.length - 8 < packed) throw truncated(packed, body.length - 8, 'compressed bytes');
  if (unpacked !== points * pointBytes) {
    throw new Refusal(
      'count-mismatch',
      `expected ${points} points of ${pointBytes} bytes, found ${unpacked} bytes`,
    );
  }
  requireZeros(body.subarray(8 + packed), `${packed} compressed bytes`);
  const bytes = decompressLzf(body.subarray(8, 8 + packed), unpacked);
  if (!bytes) {
    throw new Refusal(
      'bad-compression',
      `expected LZF data of ${unpacked} bytes, found data that gives something else`,
    );
  }
  // Field after field, each for all points.
  return (field) => {
    const stride = SCALAR_BYTES[field.type] * field.count;
    return readColumn(bytes, field.type, points, (i) => field.offset * points + i * stride);
  };
}

function asciiReader(header: PcdHeader, body: Uint8Array): ReadField {
  const rows = new TextDecoder('latin1')
    .decode(body)
    .split('\n')
    .map(splitWords)
    .filter((row) => row.length > 0);
  rows.slice(0, header.points).forEach((row, i) => {
    if (row.length === header.pointTokens) return;
    throw new Refusal(
      'count-mismatch',
      `point ${i}: expected ${header.pointTokens} values, found ${row.length}`,
    );
  });
  if (rows.length < header.points) throw truncated(header.points, rows.length, 'points');
  if (rows.length > header.points) {
    throw new Refusal('count-mismatch', `expected ${header.points} points, found more lines`);
  }
  return (field) =>
    Float64Array.from(rows, (row, i) => {
      const value = parseNumber(row[field.token]!, i);
      return field.type === 'f32' ? Math.fround(value) : value;
    });
}

function parseNumber(word: string, point: number): number {
  const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(word) ? Number(word) : Number.NaN;
  if (Number.isFinite(value)) return value;
  if (/^[+-]?nan$/i.test(word)) return Number.NaN;
  if (/^[+-]?inf(inity)?$/i.test(word))
    return word.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  throw new Refusal('bad-number', `point ${point}: expected a number, found '${word.slice(0, 24)}'`);
}

/** PCL pads files to whole pages with zeros; anything else after the points contradicts the header. */
function requireZeros(rest: Uint8Array, expected: string): void {
  if (rest.some((byte) => byte !== 0)) {
    throw new Refusal('count-mismatch', `expected ${expected}, found ${rest.length} more bytes`);
  }
}

function truncated(expected: number, found: number, what: string): Refusal {
  return new Refusal('truncated', `expected ${expected} ${what}, found ${found}; fetch the file again`);
}
