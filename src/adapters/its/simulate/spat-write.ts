import { SPAT_MESSAGE } from '../j2735.ts';
import { stateOfName } from '../phases.ts';
import type { Mark, SpatIntersection } from '../spat.ts';

/** Collects bits, most significant first. */
class BitWriter {
  readonly #bits: number[] = [];

  put(value: number, count: number): void {
    for (let bit = count - 1; bit >= 0; bit--) this.#bits.push(Math.floor(value / 2 ** bit) & 1);
  }

  bytes(): Uint8Array {
    const bytes = new Uint8Array(Math.ceil(this.#bits.length / 8));
    this.#bits.forEach((bit, i) => {
      bytes[i >> 3]! |= bit << (7 - (i & 7));
    });
    return bytes;
  }
}

/** A MessageFrame with a SPaT in unaligned PER, as `spatFromUper` reads it: what a fake city sends. */
export function spatToUper(intersections: readonly SpatIntersection[]): Uint8Array {
  const out = new BitWriter();
  out.put(0, 4); // no extension, no timeStamp, no name, no regional
  out.put(intersections.length - 1, 5);
  for (const one of intersections) putIntersection(out, one);
  const value = out.bytes();
  const frame = new BitWriter();
  frame.put(SPAT_MESSAGE, 16);
  if (value.length < 128) frame.put(value.length, 8);
  else frame.put(0x8000 + value.length, 16);
  return Uint8Array.of(...frame.bytes(), ...value);
}

function putIntersection(out: BitWriter, one: SpatIntersection): void {
  out.put(0, 2); // no extension, no name
  out.put(one.moy === undefined ? 0 : 1, 1);
  out.put(one.timeStamp === undefined ? 0 : 1, 1);
  out.put(0, 3); // no enabledLanes, no maneuverAssistList, no regional
  out.put(one.region === undefined ? 0 : 1, 1);
  if (one.region !== undefined) out.put(one.region, 16);
  out.put(one.id, 16);
  out.put(0, 7);
  for (let bit = 0; bit < 16; bit++) out.put((one.status >> bit) & 1, 1);
  if (one.moy !== undefined) out.put(one.moy, 20);
  if (one.timeStamp !== undefined) out.put(one.timeStamp, 16);
  out.put(one.movements.length - 1, 8);
  for (const { signalGroup, eventState, minEnd, maxEnd, likely } of one.movements) {
    out.put(0, 4); // no extension, no movementName, no maneuverAssistList, no regional
    out.put(signalGroup, 8);
    out.put(0, 4); // one event
    out.put(0, 1);
    out.put(minEnd ? 1 : 0, 1);
    out.put(0, 2); // no speeds, no regional
    out.put(stateOfName(eventState) ?? 0, 4);
    if (!minEnd) continue;
    out.put(0, 1); // no startTime
    out.put(maxEnd ? 1 : 0, 1);
    out.put(likely ? 1 : 0, 1);
    out.put(0, 2); // no confidence, no nextTime
    for (const mark of [minEnd, maxEnd, likely]) if (mark) out.put(tenths(mark), 16);
  }
}

function tenths(mark: Mark): number {
  return 'tenths' in mark ? mark.tenths : Math.round(mark.utcTime / 100) % 36_000;
}
