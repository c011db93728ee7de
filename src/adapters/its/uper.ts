import { Refusal } from '../../types.ts';

/** Reads bits from the front; beyond the end it throws a Refusal `bad-uper`. */
export class BitReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;

  /** `from`, `end`: bits */
  constructor(bytes: Uint8Array, from = 0, end = bytes.length * 8) {
    this.#bytes = bytes;
    this.#at = from;
    this.#end = end;
  }

  /** Unsigned, most significant bit first; `count` ≤ 32. */
  bits(count: number): number {
    if (this.#at + count > this.#end)
      throw malformed(`expected ${count} bits more at bit ${this.#at}, found ${this.#end - this.#at}`);
    let value = 0;
    for (let left = count; left > 0; ) {
      const inByte = 8 - (this.#at & 7);
      const take = Math.min(inByte, left);
      const part = (this.#bytes[this.#at >> 3]! >> (inByte - take)) & ((1 << take) - 1);
      value = value * 2 ** take + part;
      this.#at += take;
      left -= take;
    }
    return value;
  }

  flag(): boolean {
    return this.bits(1) === 1;
  }

  /** The next `bytes` as a reader of their own; this one goes on behind them. */
  part(bytes: number): BitReader {
    const from = this.#at;
    if (from + bytes * 8 > this.#end)
      throw malformed(`expected ${bytes} bytes more at bit ${from}, found ${(this.#end - from) >> 3}`);
    this.#at += bytes * 8;
    return new BitReader(this.#bytes, from, this.#at);
  }
}

/** Reads one value of an ASN.1 type in unaligned PER (ITU-T X.691). */
export type Decoder<T> = (input: BitReader) => T;

export function malformed(detail: string): Refusal {
  return new Refusal('bad-uper', `unaligned PER: ${detail}`);
}

/** INTEGER (low..high): X.691 §11.5, constrained whole number. */
export function integer(low: number, high: number): Decoder<number> {
  const count = Math.ceil(Math.log2(high - low + 1));
  return (input) => {
    const value = low + input.bits(count);
    if (value > high) throw malformed(`expected ${low} … ${high}, found ${value}`);
    return value;
  };
}

export const boolean: Decoder<boolean> = (input) => input.flag();

/** ENUMERATED of `count` names: its number, or -1 for one of the extension (§14). */
export function enumerated(count: number, extensible: boolean): Decoder<number> {
  const root = integer(0, count - 1);
  return (input) => {
    if (!extensible || !input.flag()) return root(input);
    smallNumber(input);
    return -1;
  };
}

/** BIT STRING (SIZE(size)), size ≤ 32: as a number whose bit i is the string's bit i (first is 0). */
export function bitString(size: number, extensible = false): Decoder<number> {
  return (input) => {
    const length = extensible && input.flag() ? lengthOf(input) : size;
    let value = 0;
    for (let bit = 0; bit < length; bit++) if (input.flag() && bit < 31) value |= 1 << bit;
    return value;
  };
}

/** IA5String (SIZE(low..high)): seven bits a character. */
export function ia5String(low: number, high: number): Decoder<string> {
  const length = integer(low, high);
  return (input) => String.fromCharCode(...Array.from({ length: length(input) }, () => input.bits(7)));
}

/** SEQUENCE (SIZE(low..high)) OF */
export function listOf<T>(low: number, high: number, item: Decoder<T>): Decoder<T[]> {
  const length = integer(low, high);
  return (input) => Array.from({ length: length(input) }, () => item(input));
}

export interface Optional<T> {
  readonly optional: Decoder<T>;
}
type Field = Decoder<unknown> | Optional<unknown>;
type Sequence<F> = {
  [K in keyof F as F[K] extends Optional<unknown> ? never : K]: F[K] extends Decoder<infer T> ? T : never;
} & {
  [K in keyof F as F[K] extends Optional<unknown> ? K : never]?: F[K] extends Optional<infer T> ? T : never;
};

/** OPTIONAL */
export function optional<T>(decoder: Decoder<T>): Optional<T> {
  return { optional: decoder };
}

/** SEQUENCE (§19), with `...` where `extensible`; additions of the extension are skipped. */
export function sequence<F extends Record<string, Field>>(
  fields: F,
  extensible: boolean,
): Decoder<Sequence<F>> {
  const all = Object.entries(fields);
  return (input) => {
    const extended = extensible && input.flag();
    const present = all.map(([, field]) => typeof field === 'function' || input.flag());
    const value: Record<string, unknown> = {};
    all.forEach(([name, field], i) => {
      if (present[i]) value[name] = (typeof field === 'function' ? field : field.optional)(input);
    });
    if (extended) skipExtension(input);
    return value as Sequence<F>;
  };
}

/** CHOICE (§23): the alternative's number and value; -1 for one of the extension, which is skipped. */
export function choice<T>(
  alternatives: readonly Decoder<T>[],
  extensible: boolean,
): Decoder<{ readonly index: number; readonly value?: T }> {
  const root = integer(0, alternatives.length - 1);
  return (input) => {
    if (extensible && input.flag()) {
      smallNumber(input);
      openType(input);
      return { index: -1 };
    }
    const index = root(input);
    return { index, value: alternatives[index]!(input) };
  };
}

/** An open type (§11.2): a length in bytes, then that many. */
export function openType(input: BitReader): BitReader {
  return input.part(lengthOf(input));
}

/** §11.9: one byte below 128, two below 16384; longer ones come in fragments, which no SPaT or MAP needs. */
function lengthOf(input: BitReader): number {
  if (!input.flag()) return input.bits(7);
  if (!input.flag()) return input.bits(14);
  throw malformed('expected a length below 16384, found a fragment');
}

/** §11.6, normally small non-negative number. */
function smallNumber(input: BitReader): number {
  return input.flag() ? openType(input).bits(8) : input.bits(6);
}

function skipExtension(input: BitReader): void {
  const count = smallNumber(input) + 1;
  const present = Array.from({ length: count }, () => input.flag());
  for (const one of present) if (one) openType(input);
}
