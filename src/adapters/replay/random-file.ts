import { type FileHandle, open } from 'node:fs/promises';
import { Refusal } from '../../types.ts';

/** A damaged length field must not make us allocate the machine's memory. */
const MAX_READ = 512 * 2 ** 20;
const WINDOW = 64 * 2 ** 10;

/** A file that is read in pieces, never as a whole. */
export class RandomFile {
  readonly path: string;
  readonly size: number;
  readonly #handle: FileHandle;
  #window: Uint8Array = new Uint8Array(0);
  #windowStart = 0;

  private constructor(path: string, size: number, handle: FileHandle) {
    this.path = path;
    this.size = size;
    this.#handle = handle;
  }

  static async open(path: string): Promise<RandomFile> {
    const handle = await open(path, 'r');
    return new RandomFile(path, (await handle.stat()).size, handle);
  }

  /** Exactly `length` bytes in a buffer of their own. Rejects with a Refusal `truncated-bag` past the end. */
  async read(offset: number, length: number): Promise<Uint8Array> {
    if (!(offset >= 0 && length >= 0 && length <= MAX_READ)) {
      throw new Refusal(
        'damaged-bag',
        `expected at most ${MAX_READ} bytes to read at ${offset}, found ${length}`,
      );
    }
    const buffer = new Uint8Array(length);
    for (let filled = 0; filled < length; ) {
      const { bytesRead } = await this.#handle.read(buffer, filled, length - filled, offset + filled);
      if (bytesRead === 0) {
        throw new Refusal('truncated-bag', `expected ${length} bytes at ${offset}, found ${filled}`);
      }
      filled += bytesRead;
    }
    return buffer;
  }

  /** A small read for walking over records: served from a window, so that a walk does not cost a call per record. */
  async peek(offset: number, length: number): Promise<Uint8Array> {
    const end = this.#windowStart + this.#window.length;
    if (offset < this.#windowStart || offset + length > end) {
      this.#window = await this.read(offset, Math.max(length, Math.min(WINDOW, this.size - offset)));
      this.#windowStart = offset;
    }
    return this.#window.subarray(offset - this.#windowStart, offset - this.#windowStart + length);
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}
