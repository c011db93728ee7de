import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { z } from 'zod';
import { Refusal } from '../types.ts';

/** What a signature is over; another type of document under the same key is no manifest. */
export const MANIFEST_TYPE = 'application/vnd.dilly-nav.manifest+json';
/** An envelope is the manifest in base64 and a few signatures. */
const MAX_SIGNATURES = 16;

const envelopeSchema = z.object({
  payload: z.base64(),
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
  if (!Buffer.from(payload, 'base64').equals(manifest))
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

function parseEnvelope(bytes: Uint8Array): z.infer<typeof envelopeSchema> {
  try {
    return envelopeSchema.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
  } catch (error) {
    const issue = error instanceof z.ZodError ? error.issues[0] : undefined;
    const found = issue ? `${issue.path.join('.')}: ${issue.message}` : (error as Error).message;
    throw bad(`expected a DSSE envelope of type ${MANIFEST_TYPE}, found ${found}`);
  }
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
