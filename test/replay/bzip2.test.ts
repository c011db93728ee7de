import { describe, expect, it } from 'vitest';
import { bunzip2 } from '../../src/adapters/replay/bzip2.ts';
import { refusalReason } from '../../src/types.ts';

/** `bzip2 -1` of 700 × "a", 40 × "navigation ", 259 × NUL, "bbbb": long and short runs, and a run at the end. */
const PACKED = Buffer.from(
  'QlpoMTFBWSZTWaXg4esAABpRiMAAQAAwoYUAABAACCAASCpFPSaDBUqMBo/q6MpsRi9J2IwRc1M2I+EUIoRUkO4EbgjXzwu5IpwoSFLwcPWA',
  'base64',
);
const TEXT = Buffer.concat([
  Buffer.from('a'.repeat(700) + 'navigation '.repeat(40)),
  Buffer.alloc(259),
  Buffer.from('bbbb'),
]);

describe('bzip2', () => {
  it('is unpacked', () => {
    expect(Buffer.from(bunzip2(PACKED, TEXT.length)).equals(TEXT)).toBe(true);
  });

  it('is refused where it is cut, flipped or of another size', () => {
    const broken: [Uint8Array, number][] = [
      [PACKED, TEXT.length - 1],
      [PACKED, TEXT.length + 1],
    ];
    for (let i = 0; i < PACKED.length; i++) {
      broken.push([PACKED.subarray(0, i), TEXT.length]);
      const flipped = Buffer.from(PACKED);
      flipped[i]! ^= 0x20;
      // The last bytes hold the stream's own CRC, which repeats what the blocks' CRCs have proven, and padding.
      if (i < PACKED.length - 5) broken.push([flipped, TEXT.length]);
    }
    for (const [data, size] of broken) {
      let reason: string | undefined = 'none';
      try {
        bunzip2(data, size);
      } catch (error) {
        reason = refusalReason(error) ?? `threw ${error}`;
      }
      expect(reason).toBe('damaged-bag');
    }
  });
});
