import type { CloudArrays } from '../core.ts';
import { Refusal } from '../types.ts';

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
 * Throws a Refusal `bad-argument` on lengths that do not match.
 */
export function encodePcd(arrays: CloudArrays): Uint8Array {
  const points = arrays.positions.length / 3;
  const columns = [
    ...columnsOf(arrays.positions, ['x', 'y', 'z']),
    ...columnsOf(arrays.intensity, ['intensity']),
    ...columnsOf(arrays.normals, ['normal_x', 'normal_y', 'normal_z']),
    ...columnsOf(arrays.curvature, ['curvature']),
    ...columnsOf(arrays.times, ['time']),
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
