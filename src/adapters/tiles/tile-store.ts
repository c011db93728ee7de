import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Refusal } from '../../types.ts';
import { diskRefusal, syncFolder } from './disk.ts';
import { Pins } from './pins.ts';
import { readInto } from './read-into.ts';
import type { Sink } from './transfer.ts';

/** A temporary file that nobody has written to for so long is what a dead process left, ms. A download stalls sooner. */
const LEFTOVER_MS = 15 * 60 * 1000;
const NAME = /^([0-9a-f]{64})\.(?:pcd|idx)$/;

/** How a file is opened; tests put a full disk here. */
export type OpenFile = (path: string, flags: string) => Promise<FileHandle>;

/** A file on its way into the store. */
export interface Incoming extends Sink {
  /** Puts it into its place: after this it is there whole, also when the power fails. */
  commit(): Promise<void>;
  abort(): Promise<void>;
}

/** Bytes of a tile's file and of its index, each 0 where it is not there. */
interface Held {
  readonly bytes: number;
  readonly indexBytes: number;
  readonly usedMs: number;
}

/**
 * Files named by their hash, in one folder that any number of processes use at once: a file appears by rename, whole
 * or not at all, and nobody keeps an index but in memory. What was used longest ago goes first when the budget is
 * full, but never a file that is pinned, by this process or another.
 */
export class TileStore {
  readonly #folder: string;
  readonly #budget: number;
  readonly #open: OpenFile;
  readonly #pins: Pins;
  readonly #files = new Map<string, Held>();
  #reserved = 0;

  private constructor(folder: string, budgetBytes: number, openFile: OpenFile) {
    this.#folder = folder;
    this.#budget = budgetBytes;
    this.#open = openFile;
    this.#pins = new Pins(join(folder, 'pins'));
  }

  /** Opens a store, or makes one. Rejects with a Refusal `store-unusable`. */
  static async open(folder: string, budgetBytes: number, openFile: OpenFile = open): Promise<TileStore> {
    const store = new TileStore(folder, budgetBytes, openFile);
    try {
      for (const part of ['sha256', 'incoming', 'pins']) await mkdir(join(folder, part), { recursive: true });
      await store.#clean();
      await store.#scan();
    } catch (error) {
      throw new Refusal(
        'store-unusable',
        `tile store ${folder}: expected a folder to write to, found ${(error as Error).message}; set map.store.folder`,
      );
    }
    return store;
  }

  /** Bytes of all files, as far as this process knows. */
  get bytes(): number {
    return [...this.#files.values()].reduce((sum, held) => sum + held.bytes + held.indexBytes, 0);
  }

  async has(sha256: string): Promise<boolean> {
    return stat(this.#path(sha256)).then(
      () => true,
      () => false,
    );
  }

  /** The bytes of a file, not yet checked (a disk forgets); undefined where it is not there. */
  async read(sha256: string, into?: Uint8Array): Promise<Uint8Array | undefined> {
    try {
      const bytes = await readInto(this.#path(sha256), into);
      const now = new Date();
      this.#note(sha256, { bytes: bytes.length }, now.getTime());
      // The other processes see by this what is in use. It may have been removed just now.
      await utimes(this.#path(sha256), now, now).catch(() => {});
      return bytes;
    } catch (error) {
      this.#files.delete(sha256);
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw diskRefusal(error, this.#path(sha256));
    }
  }

  /** Makes room for a file and begins it. Rejects with a Refusal `disk-full`, `disk-budget` or `disk-error`. */
  async begin(sha256: string, bytes: number): Promise<Incoming> {
    await this.#makeRoom(bytes);
    const temporary = join(
      this.#folder,
      'incoming',
      `${sha256}.${process.pid}.${randomBytes(6).toString('hex')}`,
    );
    const file = await this.#open(temporary, 'wx').catch((error) => {
      throw diskRefusal(error, temporary);
    });
    this.#reserved += bytes;
    let isOpen = true;
    const end = async () => {
      if (!isOpen) return;
      isOpen = false;
      this.#reserved -= bytes;
      await file.close().catch(() => {});
    };
    const guard = async (work: () => Promise<unknown>) => {
      try {
        await work();
      } catch (error) {
        throw diskRefusal(error, temporary);
      }
    };
    let at = 0;
    return {
      write: (chunk) =>
        guard(async () => {
          for (let done = 0; done < chunk.length; )
            done += (await file.write(chunk, done, chunk.length - done, at + done)).bytesWritten;
          at += chunk.length;
        }),
      restart: () =>
        guard(async () => {
          await file.truncate(0);
          at = 0;
        }),
      commit: () =>
        guard(async () => {
          await file.sync();
          await end();
          await rename(temporary, this.#path(sha256));
          await syncFolder(join(this.#folder, 'sha256'));
          this.#note(sha256, { bytes: at });
        }),
      abort: async () => {
        await end();
        await rm(temporary, { force: true });
      },
    };
  }

  async discard(sha256: string): Promise<void> {
    this.#files.delete(sha256);
    for (const path of [this.#path(sha256), this.#indexPath(sha256)]) await rm(path, { force: true });
  }

  /** The search structures of a tile, not yet checked; undefined where there are none. */
  async readIndex(sha256: string, into?: Uint8Array): Promise<Uint8Array | undefined> {
    return readInto(this.#indexPath(sha256), into).catch(() => undefined);
  }

  /** Keeps them beside the tile. Not synced: one that a power failure tore is refused by its hash and made anew. */
  async writeIndex(sha256: string, bytes: Uint8Array): Promise<void> {
    await this.#makeRoom(bytes.length);
    const temporary = join(this.#folder, 'incoming', `${sha256}.idx.${randomBytes(6).toString('hex')}`);
    try {
      await writeFile(temporary, bytes);
      await rename(temporary, this.#indexPath(sha256));
    } catch (error) {
      await rm(temporary, { force: true });
      throw diskRefusal(error, temporary);
    }
    this.#note(sha256, { indexBytes: bytes.length });
  }

  /** These are not removed by anybody while this process lives; replaces what was pinned before. */
  async pin(sha256s: readonly string[]): Promise<void> {
    await this.#pins.set(sha256s);
  }

  /** Removes what was used longest ago until `bytes` more would be within the budget, whatever the disk holds. */
  async free(bytes: number): Promise<void> {
    await this.#scan();
    await this.#evict(Math.max(0, this.bytes - bytes));
  }

  async close(): Promise<void> {
    await this.#pins.close();
  }

  async #makeRoom(bytes: number): Promise<void> {
    if (this.bytes + this.#reserved + bytes <= this.#budget) return;
    await this.#scan();
    await this.#evict(this.#budget - this.#reserved - bytes);
    const held = this.bytes + this.#reserved;
    if (held + bytes > this.#budget)
      throw new Refusal(
        'disk-budget',
        `tile store ${this.#folder}: expected room for ${bytes} bytes within ${this.#budget}, found ${held} in files of the active route; raise map.store.budget`,
      );
  }

  async #evict(most: number): Promise<void> {
    const pinned = await this.#pins.all();
    const oldestFirst = [...this.#files].sort(([, a], [, b]) => a.usedMs - b.usedMs);
    let total = this.bytes;
    for (const [sha256, { bytes, indexBytes }] of oldestFirst) {
      if (total <= most) return;
      if (pinned.has(sha256)) continue;
      await this.discard(sha256);
      total -= bytes + indexBytes;
    }
  }

  /** What lies in the folder, whoever put it there. */
  async #scan(): Promise<void> {
    const found: [sha256: string, part: Partial<Held>, usedMs: number][] = [];
    for (const name of await readdir(join(this.#folder, 'sha256'))) {
      const sha256 = NAME.exec(name)?.[1];
      const facts = sha256 && (await stat(join(this.#folder, 'sha256', name)).catch(() => undefined));
      const size = facts && (name.endsWith('.idx') ? { indexBytes: facts.size } : { bytes: facts.size });
      if (sha256 && size) found.push([sha256, size, facts.mtimeMs]);
    }
    this.#files.clear();
    for (const one of found) this.#note(...one);
  }

  #note(sha256: string, part: Partial<Held>, usedMs: number = Date.now()): void {
    const before = this.#files.get(sha256) ?? { bytes: 0, indexBytes: 0, usedMs: 0 };
    this.#files.set(sha256, { ...before, ...part, usedMs: Math.max(before.usedMs, usedMs) });
  }

  async #clean(): Promise<void> {
    const folder = join(this.#folder, 'incoming');
    for (const name of await readdir(folder)) {
      const facts = await stat(join(folder, name)).catch(() => undefined);
      if (facts && Date.now() - facts.mtimeMs > LEFTOVER_MS) await rm(join(folder, name), { force: true });
    }
  }

  #indexPath(sha256: string): string {
    return join(this.#folder, 'sha256', `${sha256}.idx`);
  }

  #path(sha256: string): string {
    return join(this.#folder, 'sha256', `${sha256}.pcd`);
  }
}
