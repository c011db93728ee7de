import type { Sink } from './transfer.ts';

const FIRST_BYTES = 65_536;

/** A sink in memory, of one piece: the many pieces of a large body would stay with the allocator. */
export class GrowingBuffer implements Sink {
  readonly #most: number;
  #buffer = new Uint8Array(FIRST_BYTES);
  #length = 0;

  /** @param mostBytes whoever writes keeps to it */
  constructor(mostBytes: number) {
    this.#most = mostBytes;
  }

  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  expect(bytes: number): void {
    if (this.#length === 0 && bytes > this.#buffer.length) this.#buffer = new Uint8Array(bytes);
  }

  async write(chunk: Uint8Array): Promise<void> {
    const needed = this.#length + chunk.length;
    if (needed > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(needed, Math.min(2 * this.#buffer.length, this.#most)));
      larger.set(this.bytes);
      this.#buffer = larger;
    }
    this.#buffer.set(chunk, this.#length);
    this.#length = needed;
  }

  async restart(): Promise<void> {
    this.#length = 0;
  }
}
