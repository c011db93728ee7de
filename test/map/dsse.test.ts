import { generateKeyPairSync, sign } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MANIFEST_TYPE, preAuthEncoding, signManifest, verifyManifest } from '../../src/map/dsse.ts';

const pair = generateKeyPairSync('ed25519');
const other = generateKeyPairSync('ed25519');
const manifest = Buffer.from('{"mapId":"demo"}\n');
const refused = (bytes: Uint8Array, envelope: Uint8Array | string, key = pair.publicKey) =>
  expect(() => verifyManifest(bytes, Buffer.from(envelope), [key]));

describe('signed manifest', () => {
  it('encodes as the DSSE protocol says', () => {
    // The example of protocol.md: "DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    expect(preAuthEncoding(Buffer.from('hello world'), 'http://example.com/HelloWorld').toString()).toBe(
      'DSSEv1 29 http://example.com/HelloWorld 11 hello world',
    );
  });

  it('is accepted by its key, alone or among others', () => {
    const envelope = signManifest(manifest, pair.privateKey);
    verifyManifest(manifest, envelope, [pair.publicKey]);
    verifyManifest(manifest, envelope, [other.publicKey, pair.publicKey]);
    refused(manifest, envelope, other.publicKey).toThrow(/expected a signature by key/);
    expect(() => verifyManifest(manifest, envelope, [])).toThrow('none is trusted');
  });

  it('is refused after a change of any bit of the manifest or the signature', () => {
    const envelope = signManifest(manifest, pair.privateKey);
    const { payload, payloadType, signatures } = JSON.parse(Buffer.from(envelope).toString());
    fc.assert(
      fc.property(fc.nat(manifest.length * 8 - 1), fc.nat(511), (m, s) => {
        const changed = Buffer.from(manifest);
        changed[m >> 3]! ^= 1 << (m & 7);
        refused(changed, envelope).toThrow(/those of manifest.json/);
        const again = JSON.stringify({ payload: changed.toString('base64'), payloadType, signatures });
        refused(changed, again).toThrow(/none that fits/);
        const sig = Buffer.from(signatures[0].sig, 'base64');
        sig[s >> 3]! ^= 1 << (s & 7);
        const spoiled = [{ sig: sig.toString('base64') }];
        refused(manifest, JSON.stringify({ payload, payloadType, signatures: spoiled })).toThrow(
          /none that fits/,
        );
      }),
      { seed: 4, numRuns: 60 },
    );
  });

  it('is refused with another type, without signatures, or as plain bytes', () => {
    const envelope = JSON.parse(Buffer.from(signManifest(manifest, pair.privateKey)).toString());
    refused(manifest, JSON.stringify({ ...envelope, payloadType: 'text/plain' })).toThrow(/payloadType/);
    refused(manifest, JSON.stringify({ ...envelope, signatures: [] })).toThrow(/signatures/);
    refused(manifest, '{').toThrow(/DSSE envelope/);
    const plain = sign(null, manifest, pair.privateKey).toString('base64');
    refused(manifest, JSON.stringify({ ...envelope, signatures: [{ sig: plain }] })).toThrow(
      /none that fits/,
    );
  });

  it('takes a payload whose slashes are escaped, and no other text of the same bytes', () => {
    const large = Buffer.alloc(700_001, 0xff); // base64 of it is full of slashes, and longer than one comparison
    const text = Buffer.from(signManifest(large, pair.privateKey)).toString();
    verifyManifest(large, Buffer.from(text), [pair.publicKey]);
    verifyManifest(large, Buffer.from(text.replaceAll('/', '\\/')), [pair.publicKey]);
    const { payload } = JSON.parse(text);
    for (const other of ['', payload.slice(4), `${payload}AAAA`, payload.replaceAll('/', '_')])
      refused(large, text.replace(payload, other)).toThrow(/those of manifest.json/);
    refused(large, text.replace(/^{/, '{"payload":"AAAA",')).toThrow(/payload: found twice/);
    refused(large, text.replace(`"${payload}"`, '7')).toThrow(/those of manifest.json/);
    refused(large, text.replace('"payload"', '"load"')).toThrow(/payload: found none/);
  });

  it('wants Ed25519 keys of the right kind', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 });
    expect(() => signManifest(manifest, rsa.privateKey)).toThrow(/private Ed25519/);
    refused(manifest, signManifest(manifest, pair.privateKey), pair.privateKey).toThrow(/public Ed25519/);
    expect(MANIFEST_TYPE).toContain('manifest');
  });
});
