import { parseSync } from '@loaders.gl/core';
import { PCDLoader } from '@loaders.gl/pcd';
import { describe, expect, it } from 'vitest';
import { loadCore } from '../../src/native.ts';
import { encodePcd } from '../../src/pointcloud/pcd.ts';
import { refusalReason } from '../../src/types.ts';

/**
 * Where @loaders.gl/pcd 4 is not right, each by a small file; everywhere else its values are ours bit for bit
 * (`pcd-cases.ts`, `native.test.ts`). A newer one that mends a row fails here, and the row goes.
 */

interface Fields {
  readonly names: string;
  readonly sizes?: string;
  readonly types?: string;
  readonly counts?: string;
}
const XYZ: Fields = { names: 'x y z' };

function file(
  { names, sizes, types, counts }: Fields,
  body: Uint8Array | string,
  width = 1,
  points = width,
): Uint8Array {
  const each = (value: string) => names.split(' ').fill(value).join(' ');
  const header = `VERSION 0.7\nFIELDS ${names}\nSIZE ${sizes ?? each('4')}\nTYPE ${types ?? each('F')}\nCOUNT ${counts ?? each('1')}\nWIDTH ${width}\nHEIGHT 1\nVIEWPOINT 0 0 0 1 0 0 0\nPOINTS ${points}\nDATA ${typeof body === 'string' ? 'ascii' : 'binary'}\n`;
  return Uint8Array.from(Buffer.concat([Buffer.from(header), Buffer.from(body as string)]));
}
const floats = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);
const doubles = (...values: number[]) => new Uint8Array(Float64Array.from(values).buffer);
const integers = (...values: number[]) => new Uint8Array(Int32Array.from(values).buffer);

/** Its attributes, or `error` where it throws what is no reason. */
function theirs(bytes: Uint8Array): Record<string, number[]> | 'error' {
  try {
    const { attributes } = parseSync(bytes.buffer as ArrayBuffer, PCDLoader) as unknown as {
      attributes: Record<string, { value: Float32Array }>;
    };
    return Object.fromEntries(Object.entries(attributes).map(([name, { value }]) => [name, [...value]]));
  } catch {
    return 'error';
  }
}

const TINY = [...new Float32Array(Int32Array.of(1, 2, 3).buffer)];
const ROWS: readonly [
  what: string,
  bytes: Uint8Array,
  theirs: Record<string, number[]> | 'error',
  ours: object | string,
][] = [
  [
    'drops intensity, and gives empty colours in its place',
    file({ names: 'x y z intensity' }, floats(1, 2, 3, 4)),
    { POSITION: [1, 2, 3], COLOR_0: [] },
    { positions: [1, 2, 3], intensity: [4] },
  ],
  [
    'reads float64 coordinates as float32',
    file({ ...XYZ, sizes: '8 8 8' }, doubles(1, 2, 3)),
    { POSITION: [0, 0, 0] },
    { positions: [1, 2, 3] },
  ],
  [
    'reads integer coordinates as float32',
    file({ ...XYZ, types: 'I I I' }, integers(1, 2, 3)),
    { POSITION: TINY },
    { positions: [1, 2, 3] },
  ],
  [
    'keeps points that are not finite',
    file(XYZ, floats(1, 2, 3, Number.NaN, 5, 6), 2),
    { POSITION: [1, 2, 3, Number.NaN, 5, 6] },
    { positions: [1, 2, 3] },
  ],
  [
    'takes a word in the text of a point for NaN',
    file(XYZ, '1 two 3\n'),
    { POSITION: [1, Number.NaN, 3] },
    'bad-number',
  ],
  [
    'takes text that ends early for fewer points',
    file(XYZ, '1 2 3\n', 2),
    { POSITION: [1, 2, 3] },
    'truncated',
  ],
  [
    'in text takes fields of several values for one',
    file({ names: 'h x y z', counts: '3 1 1 1' }, '9 8 7 1 2 3\n'),
    { POSITION: [8, 7, 1] },
    { positions: [1, 2, 3] },
  ],
  [
    'believes POINTS where WIDTH × HEIGHT says otherwise',
    file(XYZ, floats(1, 2, 3, 4, 5, 6), 2, 1),
    { POSITION: [1, 2, 3] },
    'count-mismatch',
  ],
  [
    'says nothing of what is wrong with a file cut short',
    file(XYZ, floats(1, 2, 3), 2),
    'error',
    'truncated',
  ],
  [
    'gives colours from the low byte on: blue for red',
    encodePcd({ positions: Float32Array.of(1, 2, 3) }, new Float32Array(Uint32Array.of(0x102030).buffer)),
    { POSITION: [1, 2, 3], COLOR_0: [0x30, 0x20, 0x10] },
    { positions: [1, 2, 3] },
  ],
];

describe('@loaders.gl/pcd', () => {
  it.each(ROWS)('%s', async (_, bytes, expectedTheirs, expectedOurs) => {
    expect(theirs(bytes)).toEqual(expectedTheirs);
    for (const kind of ['portable', 'auto'] as const) {
      const core = loadCore(kind);
      const found = await core.decodePcd(bytes).then(
        ({ cloud }) => {
          const { positions, intensity } = cloud.arrays();
          return { positions: [...positions], ...(intensity && { intensity: [...intensity] }) };
        },
        (error) => refusalReason(error),
      );
      expect(found).toEqual(expectedOurs);
    }
  });
});
