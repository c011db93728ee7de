import { Decompress } from 'fzstd';

/** Fed in pieces, so that a fault in one costs no more than the rest. */
const PIECE = 1 << 16;

/** What the blocks of a zstd frame hold that are whole, of a frame that was cut (RFC 8878: blocks of at most 128 kB). */
export function beginning(frame: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  const decoder = new Decompress((part) => parts.push(part.slice()));
  try {
    for (let at = 0; at < frame.length; at += PIECE) decoder.push(frame.subarray(at, at + PIECE));
  } catch {
    // What came before the fault stays.
  }
  return Buffer.concat(parts);
}
