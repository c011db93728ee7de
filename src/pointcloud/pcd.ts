import type { CloudArrays } from '../core.ts';
import { Refusal } from '../types.ts';

/** What the points begin after. */
const DATA = 'DATA binary\n';

/** One float32 column of the file: value of point i is `values[perPoint · i + at]`. */
interface Column {
  readonly name: string;
  readonly values: Float32Array;
  readonly perPoint: number;
  readonly at: number;
}

/**
 * A PCD 0.7 file, `DATA binary`, float32: x y z and, where present, intensity, normal_x normal_y normal_z, curvature and
 * time (seconds from the cloud's stamp), in this order. The same arrays give the same bytes.
 * @param rgb colours, 0x00RRGGBB in the bits of each value: the field `rgb` as the Point Cloud Library keeps it
 * Throws a Refusal `bad-argument` on lengths that do not match.
 */
export function encodePcd(arrays: CloudArrays, rgb?: Float32Array): Uint8Array {
  const points = arrays.positions.length / 3;
  const columns = [
    ...columnsOf(arrays.positions, ['x', 'y', 'z']),
    ...columnsOf(arrays.intensity, ['intensity']),
    ...columnsOf(arrays.normals, ['normal_x', 'normal_y', 'normal_z']),
    ...columnsOf(arrays.curvature, ['curvature']),
    ...columnsOf(arrays.times, ['time']),
    ...columnsOf(rgb, ['rgb']),
  ];
  if (!Number.isInteger(points)) throw new Refusal('bad-argument', 'expected positions of x y z per point');
  for (const { name, values, perPoint } of columns) {
    if (values.length === perPoint * points) continue;
    throw new Refusal(
      'bad-argument',
      `expected ${perPoint * points} values for ${name}, found ${values.length}`,
    );
  }
  const header = new TextEncoder().encode(headerOf(columns, points));
  const bytes = new Uint8Array(header.length + 4 * columns.length * points);
  bytes.set(header);
  // DataView, because the points begin at whatever byte the header ends.
  const view = new DataView(bytes.buffer, header.length);
  columns.forEach(({ values, perPoint, at }, k) => {
    for (let i = 0; i < points; i++)
      view.setFloat32(4 * (i * columns.length + k), values[perPoint * i + at]!, true);
  });
  return bytes;
}

/** The field `rgb` of a file that `encodePcd` wrote, as it was given; undefined where it has none. */
export function readRgb(bytes: Uint8Array): Float32Array | undefined {
  const end = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf(DATA);
  const header = new TextDecoder('latin1').decode(bytes.subarray(0, Math.max(0, end)));
  const names = /^FIELDS (.*)$/m.exec(header)?.[1]?.split(' ') ?? [];
  const at = names.indexOf('rgb');
  if (end < 0 || at < 0 || new Set(/^SIZE (.*)$/m.exec(header)?.[1]?.split(' ')).size !== 1) return undefined;
  const body = end + DATA.length;
  const view = new DataView(bytes.buffer, bytes.byteOffset + body);
  const points = Math.floor((bytes.length - body) / (4 * names.length));
  return Float32Array.from({ length: points }, (_, i) => view.getFloat32(4 * (i * names.length + at), true));
}

function columnsOf(values: Float32Array | undefined, names: readonly string[]): Column[] {
  return values ? names.map((name, at) => ({ name, values, perPoint: names.length, at })) : [];
}

function headerOf(columns: readonly Column[], points: number): string {
  const each = (word: string) => columns.map(() => word).join(' ');
  return [
    '# .PCD v0.7 - Point Cloud Data file format',
    'VERSION 0.7',
    `FIELDS ${columns.map(({ name }) => name).join(' ')}`,
    `SIZE ${each('4')}`,
    `TYPE ${each('F')}`,
    `COUNT ${each('1')}`,
    `WIDTH ${points}`,
    'HEIGHT 1',
    'VIEWPOINT 0 0 0 1 0 0 0',
    `POINTS ${points}`,
    'DATA binary',
    '',
  ].join('\n');
}
