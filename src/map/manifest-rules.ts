import { createPublicKey, type KeyObject } from 'node:crypto';
import { Refusal } from '../types.ts';
import { verifyManifest } from './dsse.ts';

/** A clock may differ by this from the time last seen, or from the service's, before it counts as wrong: ms. */
const CLOCK_TOLERANCE_MS = 24 * 3600 * 1000;

/** What makes a manifest trusted. */
export interface Trust {
  /** Ed25519 public keys, SPKI in PEM */
  readonly keys: readonly string[];
  /** a manifest without a signature is taken too */
  readonly allowUnsigned: boolean;
}

/** Checks the signature over the exact bytes. Throws a Refusal `unsigned`, `bad-signature` or `bad-key`. */
export function checkSignature(
  manifest: Uint8Array,
  envelope: Uint8Array | undefined,
  { keys, allowUnsigned }: Trust,
): 'signed' | 'unsigned' {
  if (envelope && keys.length > 0) {
    verifyManifest(manifest, envelope, keys.map(publicKey));
    return 'signed';
  }
  if (allowUnsigned) return 'unsigned';
  const what = envelope
    ? 'a signature, but no key to check it with; set map.trustedKeys'
    : 'no manifest.json.dsse; sign the map, or set map.allowUnsigned';
  throw new Refusal('unsigned', `manifest.json: expected a signature by a trusted key, found ${what}`);
}

function publicKey(pem: string): KeyObject {
  try {
    return createPublicKey(pem);
  } catch (error) {
    throw new Refusal(
      'bad-key',
      `map.trustedKeys: expected a public key in PEM, found ${(error as Error).message}`,
    );
  }
}

/** What the store has seen of a map so far. */
export interface SeenBefore {
  /** highest version that was ever taken; 0 for none */
  readonly version: number;
  /** latest time at which our clock and the service's agreed, ms since the Unix epoch; 0 for none */
  readonly timeMs: number;
}

export interface ManifestFacts {
  readonly mapId: string;
  readonly version: number;
  readonly expires: string;
}

/**
 * The rules of time and version. `nowMs`: our clock; `serviceMs`: what the service says the time is (it can make us
 * refuse, never accept). Throws a Refusal: `other-map`, `map-rollback`, `clock-wrong`, `map-expired`.
 */
export function checkManifest(
  { mapId, version, expires }: ManifestFacts,
  expectedMapId: string | undefined,
  seen: SeenBefore,
  nowMs: number,
  serviceMs?: number,
): void {
  if (expectedMapId !== undefined && mapId !== expectedMapId)
    throw new Refusal('other-map', `manifest.json: expected map ${expectedMapId}, found ${mapId}`);
  if (version < seen.version)
    throw new Refusal(
      'map-rollback',
      `map ${mapId}: expected version ${seen.version} or later, found ${version}: an old manifest was given; the newer one stays`,
    );
  const clock = clockProblem(seen, nowMs, serviceMs);
  if (clock) throw new Refusal('clock-wrong', `map ${mapId}: ${clock}; set the clock`);
  if (isExpired(expires, nowMs))
    throw new Refusal(
      'map-expired',
      `map ${mapId} version ${version}: expected one that is valid on ${day(nowMs)}, found one that expired on ${expires}; fetch a newer one`,
    );
}

export function isExpired(expires: string, nowMs: number): boolean {
  return Date.parse(expires) <= nowMs;
}

/** Why our clock cannot be right; undefined where nothing speaks against it. */
export function clockProblem(seen: SeenBefore, nowMs: number, serviceMs?: number): string | undefined {
  if (seen.timeMs > 0 && nowMs < seen.timeMs - CLOCK_TOLERANCE_MS)
    return `expected a time after ${day(seen.timeMs)}, which was seen before, found ${day(nowMs)}`;
  if (serviceMs !== undefined && Math.abs(nowMs - serviceMs) > CLOCK_TOLERANCE_MS)
    return `expected about the time of the map service, ${day(serviceMs)}, found ${day(nowMs)}`;
  return undefined;
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
