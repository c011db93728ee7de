import { Refusal } from '../types.ts';
import { SCALAR_BYTES, type ScalarType } from './scalars.ts';

export interface PcdField {
  readonly name: string;
  readonly type: ScalarType;
  readonly count: number;
  /** bytes from the start of a point, and values before it in a line of ascii */
  readonly offset: number;
  readonly token: number;
}

export interface PcdHeader {
  readonly fields: readonly PcdField[];
  readonly points: number;
  readonly pointBytes: number;
  readonly pointTokens: number;
  readonly data: 'ascii' | 'binary' | 'binary_compressed';
  /** bytes of the header, its last newline included */
  readonly length: number;
}

const KEYS = ['VERSION', 'FIELDS', 'SIZE', 'TYPE', 'COUNT', 'WIDTH', 'HEIGHT', 'VIEWPOINT', 'POINTS', 'DATA'];
const MAX_FIELDS = 1024;
const MAX_COUNT = 65536;
const MAX_POINTS = 2 ** 32;

/**
 * The header of a PCD file, 0.5 to 0.7 (https://pointclouds.org/documentation/tutorials/pcd_file_format.html).
 * Throws a Refusal: bad-header, unsupported-version, unsupported-field, count-mismatch.
 */
export function readPcdHeader(bytes: Uint8Array): PcdHeader {
  const { lines, length } = readLines(bytes);
  const data = lines.get('DATA')![0];
  if (data !== 'ascii' && data !== 'binary' && data !== 'binary_compressed') {
    throw badHeader(`expected DATA ascii, binary or binary_compressed, found '${data}'`);
  }
  const version = lines.get('VERSION')?.[0];
  // Compression came with 0.7; files of older versions that claim it were written in layouts nobody described.
  if (version !== undefined && !(data === 'binary_compressed' ? /^0?\.7$/ : /^0?\.[567]$/).test(version)) {
    throw new Refusal('unsupported-version', `expected PCD 0.5 to 0.7 (compressed: 0.7), found '${version}'`);
  }
  const fields = readFields(lines);
  const last = fields.at(-1)!;
  return {
    fields,
    points: readPoints(lines),
    pointBytes: last.offset + SCALAR_BYTES[last.type] * last.count,
    pointTokens: last.token + last.count,
    data,
    length,
  };
}

type Lines = ReadonlyMap<string, readonly string[]>;

function readLines(bytes: Uint8Array): { lines: Lines; length: number } {
  const lines = new Map<string, string[]>();
  let at = 0;
  while (!lines.has('DATA')) {
    const end = bytes.indexOf(10, at);
    if (end < 0)
      throw badHeader(
        `expected a header that ends with a DATA line, found ${bytes.length} bytes without one`,
      );
    const [key, ...words] = splitWords(String.fromCharCode(...bytes.subarray(at, Math.min(end, at + 65536))));
    at = end + 1;
    if (key === undefined || key.startsWith('#')) continue;
    const name = key === 'COLUMNS' ? 'FIELDS' : key;
    if (!KEYS.includes(name)) throw badHeader(`expected a header line, found '${key.slice(0, 24)}'`);
    if (lines.has(name) || words.length === 0) throw badHeader(`expected one ${key} line with a value`);
    if (words.length > MAX_FIELDS)
      throw badHeader(`expected at most ${MAX_FIELDS} fields, found ${words.length}`);
    lines.set(name, words);
  }
  return { lines, length: at };
}

/** A file without SIZE and TYPE holds float32, one without COUNT single values: as PCL reads the old versions. */
function readFields(lines: Lines): PcdField[] {
  const names = lines.get('FIELDS') ?? [];
  if (names.length === 0) throw badHeader('expected a FIELDS line, found none');
  const valuesOf = (key: string, otherwise: string) => {
    const values = lines.get(key) ?? names.map(() => otherwise);
    if (values.length !== names.length) {
      throw badHeader(`expected ${names.length} values of ${key}, found ${values.length}`);
    }
    return values;
  };
  const [sizes, types, counts] = [valuesOf('SIZE', '4'), valuesOf('TYPE', 'F'), valuesOf('COUNT', '1')];
  let offset = 0;
  let token = 0;
  return names.map((name, k) => {
    const type = `${types[k]!.toLowerCase()}${8 * Number(sizes[k])}` as ScalarType;
    if (!/^[FIU]$/.test(types[k]!) || !/^\d+$/.test(sizes[k]!) || !(type in SCALAR_BYTES)) {
      throw new Refusal(
        'unsupported-field',
        `expected F 4/8, I 1/2/4/8 or U 1/2/4/8 for field '${name}', found ${types[k]} of ${sizes[k]} bytes`,
      );
    }
    const field = { name, type, count: whole('COUNT', counts[k]!, MAX_COUNT), offset, token };
    offset += SCALAR_BYTES[type] * field.count;
    token += field.count;
    return field;
  });
}

function readPoints(lines: Lines): number {
  const read = (key: string) => {
    const word = lines.get(key)?.[0];
    return word === undefined ? undefined : whole(key, word, MAX_POINTS);
  };
  const [width, height, points] = [read('WIDTH'), read('HEIGHT') ?? 1, read('POINTS')];
  const total = width === undefined ? points : width * height;
  if (total === undefined) throw badHeader('expected a WIDTH or a POINTS line, found neither');
  if (total > MAX_POINTS)
    throw badHeader(`expected at most ${MAX_POINTS} points, found ${width} × ${height}`);
  if (points !== undefined && points !== total) {
    throw new Refusal(
      'count-mismatch',
      `expected WIDTH × HEIGHT = POINTS, found ${width} × ${height} and ${points}`,
    );
  }
  return total;
}

export function splitWords(line: string): string[] {
  return line.split(/[ \t\r\v\f]+/).filter((word) => word !== '');
}

function whole(key: string, word: string, limit: number): number {
  if (/^\d+$/.test(word) && Number(word) <= limit) return Number(word);
  throw badHeader(`expected ${key} to be a whole number of at most ${limit}, found '${word.slice(0, 24)}'`);
}

function badHeader(message: string): Refusal {
  return new Refusal('bad-header', message);
}
