import { Refusal } from '../types.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN = 0x7b;
const CLOSE = 0x7d;
const UTF8 = new TextDecoder('utf-8', { fatal: true });
/** Tiles that are read between two breaths: about a millisecond. */
const TILES_A_BREATH = 100;

/**
 * manifest.json, tile by tile: the objects of a large map's tiles would take hundreds of megabytes at once. Gives each
 * entry of `tiles` to `onTile` and returns the rest, with `tiles` empty. `breathe` is awaited now and then, so that
 * others get their turn. Rejects with a Refusal `bad-manifest`; a name that comes twice is one.
 */
export async function scanManifest(
  bytes: Uint8Array,
  onTile: (id: string, entry: unknown) => void,
  breathe: () => Promise<void>,
): Promise<Record<string, unknown>> {
  const rest: Record<string, unknown> = {};
  const cursor = new Cursor(bytes);
  let count = 0;
  for (const name of cursor.names()) {
    if (Object.hasOwn(rest, name)) throw bad(`${name}: found twice`);
    rest[name] = {};
    if (name !== 'tiles') {
      rest[name] = cursor.value(name);
      continue;
    }
    for (const id of cursor.names()) {
      onTile(id, cursor.value(`tiles.${id}`));
      if (++count % TILES_A_BREATH === 0) await breathe();
    }
  }
  cursor.end();
  return rest;
}

/** Walks over JSON text without making strings of it. It finds where values end; whether they are sound is for JSON.parse to say. */
export class Cursor {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The names of the object here; after each, its value must be taken: by `value`, or by `names` of its own. */
  *names(): Generator<string> {
    this.#expect(OPEN, 'an object');
    if (this.#next() === CLOSE) {
      this.#at++;
      return;
    }
    for (;;) {
      if (this.#next() !== QUOTE) throw bad(`expected a name at byte ${this.#at}`);
      const name = this.value('a name') as string;
      this.#expect(COLON, 'a colon');
      yield name;
      if (this.#next() === CLOSE) {
        this.#at++;
        return;
      }
      this.#expect(COMMA, 'a comma');
    }
  }

  /** The text of the value here, as it stands. */
  text(): Uint8Array {
    this.#next();
    const start = this.#at;
    this.#at = this.#valueEnd();
    return this.#bytes.subarray(start, this.#at);
  }

  /** The value here, whatever it is. */
  value(what: string): unknown {
    const text = this.text();
    try {
      return JSON.parse(UTF8.decode(text));
    } catch (error) {
      throw bad(`${what}: expected JSON, found ${(error as Error).message}`);
    }
  }

  end(): void {
    if (this.#next() !== undefined) throw bad(`expected the end at byte ${this.#at}`);
  }

  #expect(byte: number, what: string): void {
    if (this.#next() !== byte) throw bad(`expected ${what} at byte ${this.#at}`);
    this.#at++;
  }

  /** The byte after white space; undefined at the end. */
  #next(): number | undefined {
    while (isWhite(this.#bytes[this.#at])) this.#at++;
    return this.#bytes[this.#at];
  }

  #valueEnd(): number {
    const bytes = this.#bytes;
    let depth = 0;
    for (let at = this.#at; at < bytes.length; at++) {
      const byte = bytes[at]!;
      if (byte === QUOTE) {
        for (at++; at < bytes.length && bytes[at] !== QUOTE; at++) if (bytes[at] === BACKSLASH) at++;
        if (depth === 0) return at + 1;
      } else if (byte === OPEN || byte === OPEN_BRACKET) depth++;
      else if (byte === CLOSE || byte === CLOSE_BRACKET) {
        if (depth === 0) return at;
        if (--depth === 0) return at + 1;
      } else if (depth === 0 && (byte === COMMA || isWhite(byte))) return at;
    }
    throw bad('expected more, found its end: it is cut off');
  }
}

function isWhite(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function bad(what: string): Refusal {
  return new Refusal('bad-manifest', `manifest.json: ${what}`);
}
