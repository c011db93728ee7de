import { randomBytes } from 'node:crypto';
import { readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Pins that nobody has renewed for so long are those of a process that is dead, ms. */
const STALE_MS = 60 * 60 * 1000;
const RENEW_MS = STALE_MS / 6;

/** Which files may not be removed: one list for each process, as a file, so that all processes see all. */
export class Pins {
  readonly #folder: string;
  readonly #path: string;
  readonly #renewal: NodeJS.Timeout;
  #own: ReadonlySet<string> = new Set();
  #writing: Promise<void> = Promise.resolve();

  constructor(folder: string) {
    this.#folder = folder;
    this.#path = join(folder, `${process.pid}.${randomBytes(6).toString('hex')}`);
    this.#renewal = setInterval(() => {
      const now = new Date();
      utimes(this.#path, now, now).catch(() => {}); // nothing was pinned yet
    }, RENEW_MS).unref();
  }

  /** Replaces this process's pins. They hold here at once, and for others when this resolves. */
  async set(sha256s: readonly string[]): Promise<void> {
    const next = new Set(sha256s);
    if (next.size === this.#own.size && sha256s.every((one) => this.#own.has(one))) return this.#writing;
    this.#own = next;
    const text = [...next].join('\n');
    this.#writing = this.#writing.then(async () => {
      const temporary = `${this.#path}.tmp`;
      try {
        await writeFile(temporary, text);
        await rename(temporary, this.#path);
      } catch {
        // A full disk: this process keeps its own pins in memory, and where nothing can be written little is removed.
        await rm(temporary, { force: true });
      }
    });
    return this.#writing;
  }

  /** The pins of all processes that live. Lists of dead ones are removed. */
  async all(): Promise<Set<string>> {
    const pinned = new Set(this.#own);
    for (const name of await readdir(this.#folder)) {
      const path = join(this.#folder, name);
      if (path === this.#path) continue;
      try {
        if (Date.now() - (await stat(path)).mtimeMs > STALE_MS) await rm(path, { force: true });
        else for (const line of (await readFile(path, 'utf8')).split('\n')) pinned.add(line);
      } catch {
        // Removed by its owner just now.
      }
    }
    return pinned;
  }

  async close(): Promise<void> {
    clearInterval(this.#renewal);
    await this.#writing;
    await rm(this.#path, { force: true });
  }
}
