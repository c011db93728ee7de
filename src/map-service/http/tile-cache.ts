import { createHash } from 'node:crypto';
import { Refusal } from '../../types.ts';
import type { MapStore } from './store.ts';

/** Tiles by map and hash, checked when they are read, the least recently used out first. Their names never change content. */
export class TileCache {
  readonly #store: MapStore;
  readonly #budget: number;
  readonly #held = new Map<string, Buffer>();
  readonly #underway = new Map<string, Promise<Buffer | undefined>>();
  #bytes = 0;

  constructor(store: MapStore, budgetBytes: number) {
    this.#store = store;
    this.#budget = budgetBytes;
  }

  /** Undefined where there is no such tile; rejects with a Refusal where it is damaged. */
  get(mapId: string, hex: string): Buffer | undefined | Promise<Buffer | undefined> {
    const path = `${mapId}/tiles/sha256/${hex}.pcd`;
    const held = this.#held.get(path);
    if (held) {
      this.#held.delete(path);
      this.#held.set(path, held);
      return held;
    }
    const running = this.#underway.get(path);
    if (running) return running;
    const read = this.#read(path, hex).finally(() => this.#underway.delete(path));
    this.#underway.set(path, read);
    return read;
  }

  async #read(path: string, hex: string): Promise<Buffer | undefined> {
    const bytes = await this.#store.read(path);
    if (!bytes) return undefined;
    const found = createHash('sha256').update(bytes).digest('hex');
    if (found !== hex)
      throw new Refusal(
        'tile-damaged',
        `${path}: expected sha256 ${hex}, found ${found}; put the tile there again`,
      );
    if (bytes.length > this.#budget) return bytes;
    this.#held.set(path, bytes);
    this.#bytes += bytes.length;
    for (const [oldest, old] of this.#held) {
      if (this.#bytes <= this.#budget) break;
      this.#held.delete(oldest);
      this.#bytes -= old.length;
    }
    return bytes;
  }
}
