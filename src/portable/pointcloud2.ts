import type { DecodedScan, ScanLimits } from '../core.ts';
import type { PointCloud2, PointField } from '../types.ts';
import { Refusal } from '../types.ts';
import { PortableCloud, selectPoints } from './cloud.ts';
import { pointTimes } from './point-time.ts';
import { interleave, readColumn, SCALAR_BYTES, type ScalarType } from './scalars.ts';
import { checkTurn, turnTimes } from './turn-times.ts';

/** sensor_msgs/PointField.datatype, from 1. */
const TYPES: readonly ScalarType[] = ['i8', 'u8', 'i16', 'u16', 'i32', 'u32', 'f32', 'f64'];
const INTENSITY = ['intensity', 'i', 'reflectivity'];
const TIME = ['t', 'time', 'timestamp', 'time_stamp', 'offset_time'];

/** As `Core.decodePointCloud2`. Throws a Refusal: bad-range, missing-field, unsupported-field, bad-layout, truncated. */
export function decodePointCloud2(
  message: PointCloud2,
  { minRange, maxRange, turn }: ScanLimits,
): DecodedScan {
  if (turn) checkTurn(turn);
  if (!(minRange >= 0 && maxRange >= minRange)) {
    throw new Refusal('bad-range', `expected 0 ≤ minRange ≤ maxRange, found ${minRange} and ${maxRange}`);
  }
  const points = message.width * message.height;
  if (points === 0)
    return {
      cloud: new PortableCloud({ positions: new Float32Array() }),
      notFinite: 0,
      outOfRange: 0,
      times: 'none',
    };
  checkLayout(message);

  const column = (names: readonly string[]) => readField(message, names);
  const required = (name: string) => {
    const found = column([name]);
    if (!found) throw new Refusal('missing-field', `expected field '${name}', found none`);
    return found.values;
  };
  const positions = interleave(required('x'), required('y'), required('z'));
  const intensity = column(INTENSITY);
  const time = column(TIME);

  const [min2, max2] = [Math.fround(minRange) ** 2, Math.fround(maxRange) ** 2];
  const keep: number[] = [];
  let notFinite = 0;
  for (let i = 0; i < points; i++) {
    const range2 = positions[3 * i]! ** 2 + positions[3 * i + 1]! ** 2 + positions[3 * i + 2]! ** 2;
    if (!Number.isFinite(range2)) notFinite++;
    else if (range2 >= min2 && range2 <= max2) keep.push(i);
  }
  const wholeNumbers = time?.type !== 'f32' && time?.type !== 'f64';
  const told =
    time &&
    pointTimes(
      Float64Array.from(keep, (i) => time.values[i]!),
      wholeNumbers,
      message.stamp,
    );
  const kept = selectPoints(
    { positions, ...(intensity && { intensity: Float32Array.from(intensity.values) }) },
    keep,
  );
  const turned = told || !turn ? undefined : turnTimes(kept.positions, keep, message, turn);
  const times = told ?? turned;
  const cloud = new PortableCloud({ ...kept, ...(times && { times }) });
  return {
    cloud,
    notFinite,
    outOfRange: points - notFinite - keep.length,
    times: told ? 'driver' : turned ? 'turn' : 'none',
  };
}

function checkLayout({ width, height, pointStep, rowStep, data }: PointCloud2): void {
  const row = width * pointStep;
  if (pointStep === 0) throw new Refusal('bad-layout', 'expected a pointStep above 0, found 0');
  // With one row nobody needs rowStep, and drivers leave it wrong.
  if (height > 1 && rowStep < row) {
    throw new Refusal('bad-layout', `expected a rowStep of at least ${row}, found ${rowStep}`);
  }
  if ((height - 1) * rowStep + row > data.length) {
    throw new Refusal(
      'truncated',
      `expected ${height} rows of ${row} bytes, found ${data.length} bytes in all; fetch the message again`,
    );
  }
}

function readField(
  message: PointCloud2,
  names: readonly string[],
): { values: Float64Array; type: ScalarType } | undefined {
  const field = names.map((name) => message.fields.find((f) => f.name === name)).find((f) => f !== undefined);
  if (!field) return undefined;
  const type = scalarType(field);
  if (field.offset + SCALAR_BYTES[type] > message.pointStep) {
    throw new Refusal(
      'bad-layout',
      `expected field '${field.name}' within pointStep ${message.pointStep}, found offset ${field.offset}`,
    );
  }
  const { width, height, pointStep, rowStep, data, isBigEndian } = message;
  const offsetOf = (i: number) => Math.floor(i / width) * rowStep + (i % width) * pointStep + field.offset;
  return { values: readColumn(data, type, width * height, offsetOf, !isBigEndian), type };
}

function scalarType({ name, datatype, count }: PointField): ScalarType {
  const type = TYPES[datatype - 1];
  if (!type)
    throw new Refusal(
      'unsupported-field',
      `expected a datatype of 1 to 8 for field '${name}', found ${datatype}`,
    );
  if (count > 1)
    throw new Refusal('unsupported-field', `expected one value for field '${name}', found count ${count}`);
  return type;
}
