import { mkdir, open, readdir, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { RowBuffer } from './rows.ts';

/** Rows read at once. */
const CHUNK_ROWS = 1 << 16;
const SUFFIX = '.rows';

/**
 * Rows of float32, one file a tile, appended in order. What waits in memory is bounded by whoever calls `flush`. Files
 * longer than the sizes of the last checkpoint are cut back by `restore`, so a killed writer leaves no half row.
 */
export class RowStore {
  readonly #folder: string;
  readonly #width: number;
  readonly #pending = new Map<string, RowBuffer>();
  readonly #sizes = new Map<string, number>();
  #waiting = 0;

  /** @param width float32 values a row */
  constructor(folder: string, width: number) {
    this.#folder = folder;
    this.#width = width;
  }

  push(id: string, row: readonly number[]): void {
    let buffer = this.#pending.get(id);
    if (!buffer) {
      buffer = new RowBuffer();
      this.#pending.set(id, buffer);
    }
    buffer.push(row);
    this.#waiting += 4 * row.length;
  }

  get pendingBytes(): number {
    return this.#waiting;
  }

  /** Tiles with rows, in the order of their first. */
  get ids(): string[] {
    return [...new Set([...this.#sizes.keys(), ...this.#pending.keys()])];
  }

  /** Appends what waits to the files; when it resolves, the bytes are on the disk. Returns the bytes of each file. */
  async flush(): Promise<Record<string, number>> {
    await mkdir(this.#folder, { recursive: true });
    for (const [id, buffer] of this.#pending) {
      const rows = buffer.view();
      const file = await open(this.#path(id), 'a');
      try {
        await file.writeFile(new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength));
        await file.datasync();
      } finally {
        await file.close();
      }
      this.#sizes.set(id, (this.#sizes.get(id) ?? 0) + rows.byteLength);
    }
    this.#pending.clear();
    this.#waiting = 0;
    return Object.fromEntries(this.#sizes);
  }

  /** Goes back to a checkpoint: the sizes that `flush` returned. Files that it does not name are removed. */
  async restore(sizes: Readonly<Record<string, number>>): Promise<void> {
    this.#pending.clear();
    this.#waiting = 0;
    this.#sizes.clear();
    await mkdir(this.#folder, { recursive: true });
    for (const name of await readdir(this.#folder)) {
      if (name.endsWith(SUFFIX) && !Object.hasOwn(sizes, name.slice(0, -SUFFIX.length)))
        await rm(join(this.#folder, name));
    }
    for (const [id, bytes] of Object.entries(sizes)) {
      await truncate(this.#path(id), bytes);
      this.#sizes.set(id, bytes);
    }
  }

  /** The rows of one tile in the order in which they were pushed, whole rows at a time; after `flush`. */
  async *read(id: string): AsyncGenerator<Float32Array> {
    const bytes = this.#sizes.get(id) ?? 0;
    if (bytes === 0) return;
    const file = await open(this.#path(id), 'r');
    try {
      for (let at = 0; at < bytes; ) {
        const rows = new Float32Array(Math.min(CHUNK_ROWS * this.#width, (bytes - at) / 4));
        const target = new Uint8Array(rows.buffer);
        for (let filled = 0; filled < target.length; ) {
          const { bytesRead } = await file.read(target, filled, target.length - filled, at + filled);
          if (bytesRead === 0) throw new Error(`${this.#path(id)}: expected ${bytes} bytes, found fewer`);
          filled += bytesRead;
        }
        yield rows;
        at += target.length;
      }
    } finally {
      await file.close();
    }
  }

  #path(id: string): string {
    return join(this.#folder, `${id}${SUFFIX}`);
  }
}
