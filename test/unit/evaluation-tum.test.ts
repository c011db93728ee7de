import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatSeconds,
  formatTum,
  parseSeconds,
  parseTum,
  readTum,
  writeTum,
} from '../../src/evaluation/tum.ts';
import { quatFromRpy } from '../../src/math/so3.ts';
import type { StampedPose } from '../../src/types.ts';

const pose: StampedPose = {
  stamp: 1_700_000_000_123_456_789n,
  pose: { position: [1.5, -2, 1e-12], orientation: [0, 0, 0, 1] },
};
const LINE =
  '1700000000.123456789 1.500000000 -2.000000000 0.000000000 0.000000000 0.000000000 0.000000000 1.000000000\n';

describe('stamps', () => {
  it('go to text and back without loss, which a double could not', () => {
    fc.assert(
      fc.property(fc.bigInt(-(10n ** 19n), 10n ** 19n), (stamp) => {
        expect(parseSeconds(formatSeconds(stamp))).toBe(stamp);
      }),
    );
    expect(formatSeconds(-1n)).toBe('-0.000000001');
  });

  it.each([
    ['12', 12_000_000_000n],
    ['12.', 12_000_000_000n],
    ['1.403636579763555527e+09', 1_403_636_579_763_555_527n],
    ['5e-10', 1n], // half a nanosecond is rounded up
    ['4.9e-10', 0n],
  ])('%s s', (text, stamp) => expect(parseSeconds(text)).toBe(stamp));

  it.each(['', 'x', '1,5', '0x10', 'NaN', 'Infinity', '1e9999'])('"%s" is no number', (text) =>
    expect(parseSeconds(text)).toBeUndefined(),
  );
});

describe('TUM text', () => {
  it('has nine decimals and no negative zero', () => {
    expect(formatTum([pose])).toBe(LINE);
    expect(formatTum([{ ...pose, pose: { ...pose.pose, position: [1.5, -2, -1e-12] } }])).toBe(LINE);
  });

  it('survives the way to text and back: text → poses → text is the same text', () => {
    const angle = fc.double({ min: -3, max: 3, noNaN: true });
    const metres = fc.double({ min: -1e5, max: 1e5, noNaN: true });
    const poses = fc.array(fc.tuple(metres, metres, metres, angle, angle, angle), { maxLength: 20 });
    fc.assert(
      fc.property(poses, (numbers) => {
        const before = numbers.map(([x, y, z, r, p, w], index) => ({
          stamp: BigInt(index) * 100_000_001n,
          pose: { position: [x, y, z] as const, orientation: quatFromRpy(r, p, w) },
        }));
        const after = parseTum(formatTum(before));
        expect(after.map(({ stamp }) => stamp)).toEqual(before.map(({ stamp }) => stamp));
        after.forEach(({ pose }, index) => {
          const expected = before[index]!.pose;
          // half a unit of the ninth decimal, and what a unit quaternion gains by being normalised again
          pose.position.forEach(
            (value, axis) => void expect(Math.abs(value - expected.position[axis]!)).toBeLessThan(6e-10),
          );
          pose.orientation.forEach(
            (value, axis) => void expect(Math.abs(value - expected.orientation[axis]!)).toBeLessThan(3e-9),
          );
        });
      }),
    );
  });

  it('skips comments and empty lines, takes tabs and CRLF, makes quaternions unit', () => {
    const poses = parseTum('# header\r\n\r\n1\t0 0 0  0 0 0 1.0009\r\n  # more\n2 1 2 3 0 0 1 0');
    expect(poses.map(({ stamp }) => stamp)).toEqual([1_000_000_000n, 2_000_000_000n]);
    expect(poses[0]!.pose.orientation).toEqual([0, 0, 0, 1]);
  });

  it.each([
    ['1 0 0 0 0 0 0', 'tum-line', 'line 2'],
    ['1 0 0 0 0 0 0 1 9', 'tum-line', 'line 2'],
    ['1 0 0 nan 0 0 0 1', 'tum-line', 'line 2'],
    ['1 0 0 0 0 0 0 1.002', 'tum-line', 'unit quaternion'],
    ['0 0 0 0 0 0 0 1', 'tum-order', 'line 2'],
  ])('refuses "%s"', (line, reason, words) => {
    const parse = () => parseTum(`0 0 0 0 0 0 0 1\n${line}\n`, 'est.tum');
    expect(parse).toThrow(expect.objectContaining({ reason }));
    expect(parse).toThrow(words);
    expect(parse).toThrow('est.tum');
  });

  it('is written to a file with its hash', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tum-'));
    const path = join(folder, 'trajectory.tum');
    const { sha256 } = await writeTum(path, [pose]);
    expect(await readFile(path, 'utf8')).toBe(LINE);
    expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    expect((await readTum(path))[0]!.stamp).toBe(pose.stamp);
    await rm(folder, { recursive: true });
  });
});
