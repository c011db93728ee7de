import { describe, expect, it } from 'vitest';
import type { Core } from '../../src/core.ts';
import { indexedTile, openIndex, sealIndex } from '../../src/map/tile-index.ts';
import { loadCore } from '../../src/native.ts';
import { refusalReason } from '../../src/types.ts';
import { sha256, tile } from '../tiles/fixture.ts';

const made = tile('0_0', 1, 500);
const TILE = made.entry.sha256;
const body = Uint8Array.from({ length: 300 }, (_, k) => k % 251);

async function reasonOf(work: Promise<unknown>): Promise<string | undefined> {
  return work.then(() => undefined, refusalReason);
}

describe('the file of a tile index', () => {
  it('gives back what was put in', async () => {
    expect(Buffer.compare(await openIndex(TILE, await sealIndex(TILE, body)), body)).toBe(0);
  });

  it('is refused with any bit of it turned', async () => {
    const file = await sealIndex(TILE, body);
    for (let bit = 0; bit < 8 * file.length; bit++) {
      const spoilt = file.slice();
      spoilt[bit >> 3]! ^= 1 << (bit & 7);
      expect(await reasonOf(openIndex(TILE, spoilt))).toMatch(/^index-/);
    }
  });

  it('is refused at any other length', async () => {
    const file = await sealIndex(TILE, body);
    for (let length = 0; length < file.length; length++)
      expect(await reasonOf(openIndex(TILE, file.subarray(0, length)))).toMatch(/^index-(length|hash)$/);
    expect(await reasonOf(openIndex(TILE, Buffer.concat([file, Buffer.of(0)])))).toBe('index-hash');
  });

  it('says why: another version, order of bytes, tile, or kind of file', async () => {
    const file = await sealIndex(TILE, body);
    const changed = (at: number, value: number) => {
      const copy = file.slice();
      copy[at] = value;
      return openIndex(TILE, copy);
    };
    expect(await reasonOf(changed(8, 2))).toBe('index-version');
    expect(await reasonOf(changed(9, 'LB'.charCodeAt(file[9] === 76 ? 1 : 0)))).toBe('index-endianness');
    expect(await reasonOf(changed(0, 0))).toBe('index-magic');
    expect(await reasonOf(openIndex(sha256(Buffer.from('other')), file))).toBe('index-tile');
  });
});

function cores(): Core[] {
  try {
    return [loadCore('portable'), loadCore('native')];
  } catch {
    console.warn('tile index: the portable core alone, the addon is not built; run: make -C native addon');
    return [loadCore('portable')];
  }
}

describe.each(cores())('a tile by its index, $kind core', (core) => {
  const query = Float64Array.of(3, 4, 1, 15, 2, 0.5, 19, 19, 0);
  const cloudOf = async () => (await core.decodePcd(made.bytes)).cloud;
  const answers = async (file: Uint8Array | undefined) => {
    const { tile: found, use } = await indexedTile(core, await cloudOf(), [0, 0, 0], TILE, file);
    const map = core.tileMap(20);
    map.add('0_0', found);
    return { use, nearest: map.nearest(query, 5) };
  };
  const indexOf = async () => {
    const index = await core.tileIndex(await core.tile(await cloudOf(), [0, 0, 0]));
    return index && sealIndex(TILE, index);
  };

  it('answers as the tile that is built', async () => {
    const built = await answers(undefined);
    const read = await answers(await indexOf());
    expect(built.use).toBe('none');
    expect(read.use).toBe(core.kind === 'native' ? 'read' : 'none');
    expect(read.nearest).toEqual(built.nearest);
  });

  it('is built where the index is of another tile, of another cloud, or torn', async () => {
    const file = await indexOf();
    if (!file) return expect(core.kind).toBe('portable');
    const { nearest } = await answers(undefined);
    const otherCloud = await core.decodePcd(tile('0_0', 1, 400).bytes);
    const other = await core.tileIndex(await core.tile(otherCloud.cloud, [0, 0, 0]));
    for (const [spoilt, reason] of [
      [await sealIndex(sha256(Buffer.from('other')), body), 'index-tile'],
      [await sealIndex(TILE, other!), 'index-order'],
      [await sealIndex(TILE, body), 'index-layout'],
      [await sealIndex(TILE, file.subarray(80, -1)), 'index-surfels'],
      [file.subarray(0, 900), 'index-hash'],
    ] as const)
      expect(await answers(spoilt)).toEqual({ use: reason, nearest });
  });

  it('is refused with its cloud', async () => {
    const bare = core.cloud({ positions: Float32Array.of(1, 2, 3) });
    expect(await reasonOf(indexedTile(core, bare, [0, 0, 0], TILE, await indexOf()))).toBe('no-normals');
  });
});
