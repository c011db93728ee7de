/** Int32 words in front of the bytes: where the reader is, where the writer is. */
const READ = 0;
const WRITE = 1;
const HEAD_BYTES = 64;
/** Records begin on this border, behind their length. */
const ALIGN = 8;
const LENGTH_BYTES = 4;
/** Instead of a length: the next record begins at the start. */
const WRAP = 0xffffffff;

/**
 * A queue of records in shared memory from one thread to another: the writer never waits, the reader may. A record is
 * copied once, by the writer. Each side makes its own over the same buffer.
 */
export class Ring {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #next = 0;

  /** @param buffer of another side, or the number of bytes to hold */
  constructor(buffer: SharedArrayBuffer | number) {
    this.buffer = typeof buffer === 'number' ? new SharedArrayBuffer(HEAD_BYTES + aligned(buffer)) : buffer;
    this.#words = new Int32Array(this.buffer, 0, 2);
    this.#bytes = new Uint8Array(this.buffer, HEAD_BYTES);
    this.#view = new DataView(this.buffer, HEAD_BYTES);
  }

  get capacity(): number {
    return this.#bytes.length;
  }

  /** Bytes that wait to be read. */
  get used(): number {
    const gap = Atomics.load(this.#words, WRITE) - Atomics.load(this.#words, READ);
    return gap < 0 ? gap + this.capacity : gap;
  }

  /** Puts one record of several parts in, unless less than `reserve` bytes would stay free; false: no room. */
  push(parts: readonly Uint8Array[], reserve = 0): boolean {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    const size = aligned(LENGTH_BYTES + length);
    const read = Atomics.load(this.#words, READ);
    let write = Atomics.load(this.#words, WRITE);
    const toEnd = this.capacity - write;
    const skipped = toEnd < size ? toEnd : 0;
    // One border stays free, so that full and empty differ.
    const free = (read <= write ? this.capacity : 0) + read - write - ALIGN;
    if (skipped + size + reserve > free) return false;
    if (skipped > 0) {
      this.#view.setUint32(write, WRAP, true);
      write = 0;
    }
    this.#view.setUint32(write, length, true);
    let at = write + LENGTH_BYTES;
    for (const part of parts) {
      this.#bytes.set(part, at);
      at += part.length;
    }
    Atomics.store(this.#words, WRITE, (write + size) % this.capacity);
    Atomics.notify(this.#words, WRITE);
    return true;
  }

  /** The oldest record as a view, valid until `release`; undefined where none comes within `waitMs`. */
  take(waitMs: number): Uint8Array | undefined {
    let read = Atomics.load(this.#words, READ);
    if (read === Atomics.load(this.#words, WRITE)) {
      Atomics.wait(this.#words, WRITE, read, waitMs);
      if (read === Atomics.load(this.#words, WRITE)) return undefined;
    }
    if (this.#view.getUint32(read, true) === WRAP) read = 0;
    const length = this.#view.getUint32(read, true);
    this.#next = (read + aligned(LENGTH_BYTES + length)) % this.capacity;
    return this.#bytes.subarray(read + LENGTH_BYTES, read + LENGTH_BYTES + length);
  }

  /** The record that was taken is done with; its room is the writer's again. */
  release(): void {
    Atomics.store(this.#words, READ, this.#next);
  }
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGN) * ALIGN;
}
