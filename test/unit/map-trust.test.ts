import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseManifest } from '../../src/map/manifest.ts';
import { checkManifest, checkSignature } from '../../src/map/manifest-rules.ts';
import { indexOf } from '../../src/map/map-index.ts';
import { refusalReason } from '../../src/types.ts';
import { envelopeOf, fixtureMap, keys, square } from '../tiles/fixture.ts';

const signer = keys();
const other = keys();
const map = fixtureMap(signer, 7, square(2));
const trust = { keys: [signer.publicPem], allowUnsigned: false };
const now = Date.parse('2026-11-27T00:00:00Z');
const facts = { mapId: 'yard', version: 7, expires: '2027-01-31T00:00:00Z' };
const nothing = { version: 0, timeMs: 0 };
const breathe = async () => {};

function reasonOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return refusalReason(error) ?? String(error);
  }
}

async function rejection(work: Promise<unknown>): Promise<string | undefined> {
  return work.then(
    () => undefined,
    (error) => refusalReason(error) ?? String(error),
  );
}

describe('a signature', () => {
  it('is taken by any trusted key, over exactly these bytes', () => {
    expect(checkSignature(map.manifest, map.envelope, trust)).toBe('signed');
    const either = { ...trust, keys: [other.publicPem, signer.publicPem] };
    expect(checkSignature(map.manifest, map.envelope, either)).toBe('signed');
  });

  it('is refused by the smallest change of the manifest, wherever it is', () => {
    fc.assert(
      fc.property(fc.nat(map.manifest.length - 1), fc.nat(7), (at, bit) => {
        const changed = Buffer.from(map.manifest);
        changed[at]! ^= 1 << bit;
        expect(reasonOf(() => checkSignature(changed, map.envelope, trust))).toBe('bad-signature');
      }),
      { seed: 1, numRuns: 100 },
    );
  });

  it('is refused by another key, without one, of another kind, of another type, or when it is no envelope', () => {
    const by = (value: object) => Buffer.from(JSON.stringify(value));
    const parts = JSON.parse(Buffer.from(map.envelope).toString());
    const rsa = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey;
    const rsaPem = rsa.export({ type: 'spki', format: 'pem' }).toString();
    const said = (envelope: Uint8Array | undefined, t = trust) =>
      reasonOf(() => checkSignature(map.manifest, envelope, t));
    expect(said(envelopeOf(other, map.manifest))).toBe('bad-signature');
    expect(said(by({ ...parts, signatures: [] }))).toBe('bad-signature');
    expect(said(by({ ...parts, payloadType: 'text/plain' }))).toBe('bad-signature');
    expect(said(by({ ...parts, payload: 'AAAA' }))).toBe('bad-signature');
    expect(said(Buffer.from('<html>'))).toBe('bad-signature');
    expect(said(map.envelope, { keys: [rsaPem], allowUnsigned: false })).toBe('bad-key');
    expect(said(map.envelope, { keys: ['no key'], allowUnsigned: false })).toBe('bad-key');
    expect(said(undefined)).toBe('unsigned');
    expect(said(map.envelope, { keys: [], allowUnsigned: false })).toBe('unsigned');
  });

  it('may be missing only where that is allowed; a wrong one is refused even then', () => {
    const allowed = { ...trust, allowUnsigned: true };
    expect(checkSignature(map.manifest, undefined, allowed)).toBe('unsigned');
    expect(reasonOf(() => checkSignature(map.manifest, envelopeOf(other, map.manifest), allowed))).toBe(
      'bad-signature',
    );
  });
});

describe('the rules of version and time', () => {
  it('let the same and any later version pass, and no older one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 0, max: 100 }), (version, seen) => {
        const said = reasonOf(() =>
          checkManifest({ ...facts, version }, 'yard', { version: seen, timeMs: 0 }, now),
        );
        expect(said).toBe(version < seen ? 'map-rollback' : undefined);
      }),
      { seed: 1 },
    );
  });

  it('refuse what has expired, from that millisecond on', () => {
    const end = Date.parse(facts.expires);
    expect(reasonOf(() => checkManifest(facts, 'yard', nothing, end - 1))).toBeUndefined();
    expect(reasonOf(() => checkManifest(facts, 'yard', nothing, end))).toBe('map-expired');
  });

  it('refuse another map', () => {
    expect(reasonOf(() => checkManifest(facts, 'park', nothing, now))).toBe('other-map');
  });

  it('say that the clock is wrong: a year behind what was seen, a year before or behind the service', () => {
    const year = 365 * 86_400_000;
    const seen = { version: 7, timeMs: now };
    expect(reasonOf(() => checkManifest(facts, 'yard', seen, now - year))).toBe('clock-wrong');
    expect(reasonOf(() => checkManifest(facts, 'yard', nothing, now - year, now))).toBe('clock-wrong');
    // Not 'map-expired', though by this clock it is: the operator must set the clock, not fetch a map.
    expect(reasonOf(() => checkManifest(facts, 'yard', nothing, now + year, now))).toBe('clock-wrong');
    expect(reasonOf(() => checkManifest(facts, 'yard', nothing, now + year))).toBe('map-expired');
    expect(reasonOf(() => checkManifest(facts, 'yard', seen, now + 60_000, now))).toBeUndefined();
  });
});

describe('the index of a manifest', () => {
  it('has what the manifest says of each tile', async () => {
    const index = await indexOf(map.manifest, true, breathe);
    expect(index.size).toBe(16);
    expect(index).toMatchObject({
      mapId: 'yard',
      version: 7,
      tileSize: 20,
      expires: facts.expires,
      isSigned: true,
    });
    for (const [id, entry] of Object.entries(parseManifest(map.manifest).tiles)) {
      const { sha256, bytes } = entry;
      expect(index.file(id)).toEqual({ path: `tiles/sha256/${sha256}.pcd`, sha256, bytes });
      expect(index.memoryOf(id)).toBeGreaterThan(60 * 24);
    }
    expect(index.file('50_50')).toBeUndefined();
    expect(index.memoryOf('50_50')).toBeUndefined();
  });

  it('reads JSON in whatever way it is set', async () => {
    const texts = [
      JSON.stringify(map.value),
      JSON.stringify(map.value, null, '\t'),
      `\r\n ${JSON.stringify(map.value)}  `,
    ];
    for (const text of texts) expect((await indexOf(Buffer.from(text), true, breathe)).size).toBe(16);
    const empty = JSON.stringify({ ...map.value, tiles: {} });
    expect((await indexOf(Buffer.from(empty), true, breathe)).size).toBe(0);
  });

  it('refuses whatever parseManifest refuses: cut anywhere, a byte changed anywhere', async () => {
    const small = fixtureMap(signer, 1, { '0_0': 1, '0_1': 2 }).manifest;
    const agree = async (bytes: Uint8Array) => {
      const theirs = reasonOf(() => parseManifest(bytes));
      const ours = await rejection(indexOf(bytes, true, breathe));
      // A name that comes twice is refused here and overlooked there.
      if (theirs !== undefined)
        expect([Buffer.from(bytes).toString(), ours]).toEqual([expect.anything(), 'bad-manifest']);
      else expect([undefined, 'bad-manifest']).toContain(ours);
    };
    for (let cut = 0; cut < small.length - 1; cut += 7) {
      await agree(small.subarray(0, cut));
      expect(await rejection(indexOf(small.subarray(0, cut), true, breathe))).toBe('bad-manifest');
    }
    await fc.assert(
      fc.asyncProperty(fc.nat(small.length - 1), fc.integer({ min: 0, max: 255 }), async (at, byte) => {
        const changed = Buffer.from(small);
        changed[at] = byte;
        await agree(changed);
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  it('refuses a tile or a field that comes twice', async () => {
    const text = JSON.stringify(map.value);
    const entry = JSON.stringify(map.value.tiles['0_0']);
    const tiles = text.replace('"tiles":{', `"tiles":{"0_0":${entry},`);
    const field = text.replace('"version":7', '"version":7,"version":8');
    for (const twice of [tiles, field])
      expect(await rejection(indexOf(Buffer.from(twice), true, breathe))).toBe('bad-manifest');
  });

  it('lets others have their turn while a large one is read', async () => {
    let breaths = 0;
    const large = Buffer.from(JSON.stringify(fixtureMap(signer, 1, square(8), { points: 1 }).value));
    await indexOf(large, true, async () => void breaths++);
    expect(breaths).toBe(2);
  });
});
