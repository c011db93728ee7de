import { describe, expect, it } from 'vitest';
import { countFrames, parseFrameRange, selectsFrame } from '../../src/adapters/replay/frames.ts';
import { Random } from '../../src/math/random.ts';

/** Python's own `range(total)[START:STOP:STEP]`. */
function slice(total: number, start = 0, stop = total, step = 1): number[] {
  const indices: number[] = [];
  for (let i = start; i < Math.min(stop, total); i += step) indices.push(i);
  return indices;
}

function selected(text: string, total: number): number[] {
  const range = parseFrameRange(text);
  return Array.from({ length: total }, (_, i) => i).filter((i) => selectsFrame(range, i));
}

describe('frame ranges', () => {
  it('select as a Python slice does, and count what they select', () => {
    const random = new Random(7);
    for (let round = 0; round < 300; round++) {
      const [start, stop, step] = [random.uint32() % 12, random.uint32() % 15, 1 + (random.uint32() % 4)];
      const total = random.uint32() % 14;
      const text = `${start}:${stop}:${step}`;
      expect(selected(text, total), text).toEqual(slice(total, start, stop, step));
      expect(countFrames(parseFrameRange(text), total), text).toBe(slice(total, start, stop, step).length);
    }
  });

  it.each([
    ['0::2', [0, 2, 4, 6]],
    ['1::2', [1, 3, 5]],
    [':3', [0, 1, 2]],
    ['5:', [5, 6]],
    [':', [0, 1, 2, 3, 4, 5, 6]],
    ['4:2', []],
  ])('%s of seven', (text, expected) => {
    expect(selected(text, 7)).toEqual(expected);
  });

  it.each(['', '3', '-1:', '0:5:0', 'a:b', '1.5:', '0:1:1:1', '99999999999999999999:'])(
    'refuses "%s"',
    (text) => {
      expect(() => parseFrameRange(text)).toThrow(expect.objectContaining({ reason: 'bad-frame-range' }));
    },
  );
});
