import type { ServerResponse } from 'node:http';
import type { Random } from '../../../math/random.ts';

const HUGE_BYTES = 10_000_000;
const DRIP_MS = 1000;

/** `least` bytes and up to four times as many changed, and sometimes the end cut off. */
export function damaged(bytes: Uint8Array, random: Random, least = 5): Uint8Array {
  const out = Uint8Array.from(bytes);
  const at = () => Math.floor(random.uniform(0, out.length));
  for (let n = Math.floor(random.uniform(least, 4 * least + 1)); n > 0; n--) out[at()] = random.uint32();
  return random.uniform() < 0.3 ? out.subarray(0, at()) : out;
}

/** 10 MB that begin as an answer does. */
export function huge(): Uint8Array {
  return Buffer.alloc(HUGE_BYTES, '[');
}

/** An answer that never ends, a byte a second. */
export function drip(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.write('[');
  const timer = setInterval(() => response.write(' '), DRIP_MS);
  response.once('close', () => clearInterval(timer));
}
