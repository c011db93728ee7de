import { Refusal } from '../../types.ts';
import { excerpt, isRecord, parseBody } from './body.ts';
import { MAP_MESSAGE, SPAT_MESSAGE } from './j2735.ts';
import { type MapIntersection, mapFromUper } from './map-uper.ts';
import type { SpatIntersection } from './spat.ts';
import { spatFromJson } from './spat-json.ts';
import { spatFromUper } from './spat-uper.ts';

export type Payload =
  | { readonly kind: 'spat'; readonly intersections: SpatIntersection[] }
  | { readonly kind: 'map'; readonly intersections: MapIntersection[] };

/**
 * A SPaT or MAP as it comes over MQTT: a MessageFrame in unaligned PER, the same as hex text (alone, or in the ODE's
 * `payload.data.bytes`), or a SPaT in JSON. Throws a Refusal: `bad-uper`, `not-a-spat`, those of `parseBody`.
 */
export function readPayload(bytes: Uint8Array): Payload {
  // JSON and hex text begin with a printable character, a MessageFrame of SPaT or MAP with the byte 0.
  if (bytes[0] === 0) return fromUper(bytes);
  if (bytes[0] === 0x30) return fromUper(fromHex(Buffer.from(bytes).toString('latin1')));
  const message = parseBody(bytes);
  const data = isRecord(message) && isRecord(message.payload) ? message.payload.data : undefined;
  if (isRecord(data) && typeof data.bytes === 'string') return fromUper(fromHex(data.bytes));
  return { kind: 'spat', intersections: spatFromJson(message) };
}

function fromUper(bytes: Uint8Array): Payload {
  const id = bytes.length < 2 ? undefined : bytes[0]! * 256 + bytes[1]!;
  if (id === MAP_MESSAGE) return { kind: 'map', intersections: mapFromUper(bytes) };
  if (id === SPAT_MESSAGE) return { kind: 'spat', intersections: spatFromUper(bytes) };
  throw new Refusal(
    'not-a-spat',
    `expected message ${SPAT_MESSAGE} (SPaT) or ${MAP_MESSAGE} (MAP), found ${id ?? 'nothing'}`,
  );
}

function fromHex(text: string): Uint8Array {
  const digits = text.trim();
  if (digits.length % 2 === 0 && /^[\da-f]+$/i.test(digits)) return Buffer.from(digits, 'hex');
  throw new Refusal('bad-uper', `expected pairs of hex digits, found ${excerpt(text)}`);
}
