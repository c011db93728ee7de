import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { quatNormalize } from '../math/so3.ts';
import { type Quat, Refusal, type Stamp, type StampedPose } from '../types.ts';

/**
 * Trajectories as text, in the format of the TUM RGB-D benchmark (Sturm et al. 2012): one `seconds x y z qx qy qz qw`
 * a line, `#` begins a comment. Stamps go between text and nanoseconds by digits alone, because a double holds the
 * seconds since 1970 only to about 0.2 µs.
 */

/** A quaternion further from unit length than this was not a rotation; nearer, it was only rounded. */
const UNIT_TOLERANCE = 1e-3;
const DECIMAL = /^([+-]?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/;

/**
 * Poses of TUM text, quaternions made unit. `name` is said in errors.
 * Throws a Refusal `tum-line` or `tum-order` with the number of the first bad line.
 */
export function parseTum(text: string, name = 'trajectory'): StampedPose[] {
  const poses: StampedPose[] = [];
  let lineNumber = 0;
  for (const line of text.split('\n')) {
    lineNumber++;
    const content = line.trim();
    if (content === '' || content.startsWith('#')) continue;
    const where = `${name}, line ${lineNumber}`;
    const pose = parseLine(content, where);
    const previous = poses.at(-1);
    if (previous !== undefined && pose.stamp <= previous.stamp) {
      throw new Refusal(
        'tum-order',
        `${where}: expected a stamp after ${formatSeconds(previous.stamp)}, found ${formatSeconds(pose.stamp)}; sort the lines and remove doubles`,
      );
    }
    poses.push(pose);
  }
  return poses;
}

/** TUM text with nine decimals everywhere: equal poses give equal bytes. */
export function formatTum(poses: readonly StampedPose[]): string {
  return poses
    .map(({ stamp, pose }) => {
      const numbers = [...pose.position, ...pose.orientation].map(fixed);
      return `${formatSeconds(stamp)} ${numbers.join(' ')}\n`;
    })
    .join('');
}

/** `parseTum` of a file; a file that cannot be read rejects with the error of the file system. */
export async function readTum(path: string): Promise<StampedPose[]> {
  return parseTum(await readFile(path, 'utf8'), path);
}

/** Writes `formatTum` to a file and tells the SHA-256 of its bytes, in hex. */
export async function writeTum(path: string, poses: readonly StampedPose[]): Promise<{ sha256: string }> {
  const text = formatTum(poses);
  await writeFile(path, text);
  return { sha256: createHash('sha256').update(text).digest('hex') };
}

/** Decimal seconds (also `1.5e+09`) as nanoseconds, digits beyond the ninth rounded half up; undefined if no number. */
export function parseSeconds(text: string): Stamp | undefined {
  const match = DECIMAL.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  const digits = BigInt(whole + fraction);
  const shift = 9 + Number(exponent) - fraction.length;
  const ns = shift >= 0 ? digits * 10n ** BigInt(shift) : roundedQuotient(digits, 10n ** BigInt(-shift));
  return sign === '-' ? -ns : ns;
}

/** Nanoseconds as decimal seconds with nine decimals. */
export function formatSeconds(stamp: Stamp): string {
  const magnitude = stamp < 0n ? -stamp : stamp;
  const digits = magnitude.toString().padStart(10, '0');
  return `${stamp < 0n ? '-' : ''}${digits.slice(0, -9)}.${digits.slice(-9)}`;
}

function parseLine(content: string, where: string): StampedPose {
  const words = content.split(/\s+/);
  const stamp = parseSeconds(words[0] ?? '');
  const numbers = words.slice(1).map(Number);
  const [x, y, z, qx, qy, qz, qw] = numbers as [number, number, number, number, number, number, number];
  if (stamp === undefined || numbers.length !== 7 || !numbers.every(Number.isFinite)) {
    throw new Refusal(
      'tum-line',
      `${where}: expected 8 numbers "seconds x y z qx qy qz qw", found "${content.slice(0, 120)}"`,
    );
  }
  const orientation: Quat = [qx, qy, qz, qw];
  const length = Math.hypot(qx, qy, qz, qw);
  if (Math.abs(length - 1) > UNIT_TOLERANCE) {
    throw new Refusal(
      'tum-line',
      `${where}: expected a unit quaternion qx qy qz qw, found length ${length.toPrecision(6)}; check the order of the columns`,
    );
  }
  return { stamp, pose: { position: [x, y, z], orientation: quatNormalize(orientation) } };
}

function fixed(value: number): string {
  const text = value.toFixed(9);
  // −1e-12 and 0 are the same to nine decimals, so they must be the same bytes.
  return text === '-0.000000000' ? '0.000000000' : text;
}

function roundedQuotient(numerator: bigint, denominator: bigint): bigint {
  return (2n * numerator + denominator) / (2n * denominator);
}
