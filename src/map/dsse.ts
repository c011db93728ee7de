import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { z } from 'zod';
import { Refusal } from '../types.ts';
import { Cursor } from './manifest-scan.ts';

/** What a signature is over; another type of document under the same key is no manifest. */
export const MANIFEST_TYPE = 'application/vnd.dilly-nav.manifest+json';
/** An envelope is the manifest in base64 and a few signatures. */
const MAX_SIGNATURES = 16;
/** Bytes of the manifest that are compared at once; a multiple of three, so that base64 needs no padding in between. */
const COMPARED = 3 << 16;

const envelopeSchema = z.object({
  payloadType: z.literal(MANIFEST_TYPE),
  signatures: z
    .array(z.object({ keyid: z.string().optional(), sig: z.base64() }))
    .min(1)
    .max(MAX_SIGNATURES),
});

/** manifest.json.dsse: a DSSE 1.0 envelope (secure-systems-lab/dsse) with an Ed25519 signature over the exact bytes. */
export function signManifest(manifest: Uint8Array, privateKey: KeyObject): Uint8Array {
  const sig = sign(null, preAuthEncoding(manifest), required(privateKey, 'private'));
  const envelope = {
    payload: Buffer.from(manifest).toString('base64'),
    payloadType: MANIFEST_TYPE,
    signatures: [{ keyid: keyId(createPublicKey(privateKey)), sig: sig.toString('base64') }],
  };
  return new TextEncoder().encode(`${JSON.stringify(envelope)}\n`);
}

/**
 * Checks that one of the keys signed exactly these bytes. `keyid` is a hint that is not trusted: every key is tried.
 * Throws a Refusal `bad-signature`.
 */
export function verifyManifest(
  manifest: Uint8Array,
  envelope: Uint8Array,
  publicKeys: readonly KeyObject[],
): void {
  const { payload, signatures } = parseEnvelope(envelope);
  if (!isBase64Of(payload, manifest))
    throw bad('expected the signed bytes to be those of manifest.json, found others; fetch both again');
  const message = preAuthEncoding(manifest);
  const good = publicKeys.some((key) =>
    signatures.some(({ sig }) => verify(null, message, required(key, 'public'), Buffer.from(sig, 'base64'))),
  );
  if (!good) {
    const expected = publicKeys.map((key) => keyId(key).slice(0, 16)).join(', ');
    const found = signatures.map(({ keyid }) => keyid?.slice(0, 16) ?? 'unnamed').join(', ');
    throw bad(
      `expected a signature by key ${expected || '(none is trusted)'}, found none that fits (says: ${found})`,
    );
  }
}

/** SHA-256 of the public key's SPKI form, hex. */
export function keyId(publicKey: KeyObject): string {
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex');
}

/** PAE of the DSSE protocol: "DSSEv1" SP LEN(type) SP type SP LEN(body) SP body. */
export function preAuthEncoding(body: Uint8Array, type: string = MANIFEST_TYPE): Buffer {
  return Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${body.length} `), body]);
}

/** The envelope with its payload as it stands in the text: that of a large map is never made a string. */
function parseEnvelope(bytes: Uint8Array): z.infer<typeof envelopeSchema> & { payload: Uint8Array } {
  try {
    const cursor = new Cursor(bytes);
    const rest = new Map<string, unknown>();
    let payload: Uint8Array | undefined;
    for (const name of cursor.names()) {
      if (rest.has(name)) throw new Error(`${name}: found twice`);
      if (name === 'payload') payload = cursor.text();
      rest.set(name, name === 'payload' ? '' : cursor.value(name));
    }
    cursor.end();
    if (!payload) throw new Error('payload: found none');
    return { ...envelopeSchema.parse(Object.fromEntries(rest)), payload };
  } catch (error) {
    const issue = error instanceof z.ZodError ? error.issues[0] : undefined;
    const found = issue ? `${issue.path.join('.')}: ${issue.message}` : (error as Error).message;
    throw bad(`expected a DSSE envelope of type ${MANIFEST_TYPE}, found ${found}`);
  }
}

/** Whether a JSON string is these bytes in base64 (RFC 4648, section 4), piece by piece. */
function isBase64Of(text: Uint8Array, bytes: Uint8Array): boolean {
  let quoted = Buffer.from(text.buffer, text.byteOffset, text.length);
  // Some writers escape the slash.
  if (quoted.includes('\\')) quoted = Buffer.from(JSON.stringify(JSON.parse(quoted.toString('utf8'))));
  if (quoted.length !== 4 * Math.ceil(bytes.length / 3) + 2 || quoted[0] !== 0x22) return false;
  const plain = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0, from = 1; at < plain.length; at += COMPARED) {
    const expected = plain.toString('base64', at, at + COMPARED);
    if (quoted.toString('latin1', from, from + expected.length) !== expected) return false;
    from += expected.length;
  }
  return true;
}

function required(key: KeyObject, type: 'private' | 'public'): KeyObject {
  if (key.type === type && key.asymmetricKeyType === 'ed25519') return key;
  throw new Refusal(
    'bad-key',
    `expected a ${type} Ed25519 key, found ${key.type} ${key.asymmetricKeyType ?? ''}`,
  );
}

function bad(message: string): Refusal {
  return new Refusal('bad-signature', `manifest.json.dsse: ${message}`);
}
