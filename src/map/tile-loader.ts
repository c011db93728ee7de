import type { Core, Tile } from '../core.ts';
import { type MapFile, refusalReason } from '../types.ts';
import type { MakeTile } from './load-tile.ts';
import type { TileFinder } from './nearest-tiles.ts';
import { type IndexFiles, type IndexUse, indexedTile, sealIndex } from './tile-index.ts';
import type { TileSide } from './tile-side.ts';

/** Where the files of a map come from; `MapSource` of the ports is one. */
export interface TileFiles {
  read(path: string, file: MapFile, into?: Uint8Array): Promise<Uint8Array>;
  want(files: readonly MapFile[]): void;
  discard(file: MapFile): Promise<boolean>;
  /** where tiles' search structures are kept, if anywhere */
  readonly indices?: IndexFiles | undefined;
  /** who says off the route what is nearest; undefined: the manifest alone */
  readonly finder?: TileFinder | undefined;
}

export interface LoaderParts {
  readonly core: Core;
  readonly files: TileFiles;
  /** tiles that are read, checked and built at once; each takes a thread */
  readonly loadAtOnce: number;
  /** between two tiles that are loaded at leisure */
  readonly rest?: (() => Promise<void>) | undefined;
  /** results are handed on in the order of the jobs when all are there; else each as soon as it is */
  readonly inOrder: boolean;
  readonly onLoaded: (job: Job, result: Tile | Error) => void;
  readonly onDamaged: (file: MapFile, error: Error) => void;
  readonly onIndex: (use: IndexUse, detail?: string) => void;
}

export interface Job {
  readonly side: TileSide;
  readonly id: string;
}

/** A larger file gets memory of its own, which is free again after it: bytes. */
const MOST_REUSED = 8e6;
/** Most indices are smaller: 5 bytes a point. */
const INDEX_REUSED = 512e3;

/** Reads, checks and builds tiles off the event loop, a few at once. */
export class TileLoader {
  readonly #parts: LoaderParts;
  #queue: Job[] = [];
  #workers = 0;

  constructor(parts: LoaderParts) {
    this.#parts = parts;
  }

  /**
   * Replaces what has not been begun. Resolves when nothing of these jobs is left. `atLeisure`: one by one, with rests,
   * so that scans find a thread.
   */
  async load(jobs: readonly Job[], atLeisure = false): Promise<void> {
    const { inOrder, loadAtOnce, rest, onLoaded } = this.#parts;
    const results = new Map<Job, Tile | Error>();
    this.#queue = jobs.filter(({ side, id }) => !side.loading.has(id));
    const work = async () => {
      let memory = new Uint8Array();
      const indexMemory = new Uint8Array(INDEX_REUSED);
      for (let job = this.#queue.shift(); job; job = this.#queue.shift()) {
        job.side.loading.add(job.id);
        const { bytes } = job.side.index.file(job.id)!;
        if (bytes > memory.length && bytes <= MOST_REUSED) memory = new Uint8Array(bytes);
        const result = await this.#tile(job, memory, indexMemory);
        job.side.loading.delete(job.id);
        if (inOrder) results.set(job, result);
        else onLoaded(job, result);
        if (atLeisure) await rest?.();
      }
    };
    const workers: Promise<void>[] = [];
    const most = atLeisure ? 1 : loadAtOnce;
    for (; this.#workers < most && workers.length < jobs.length; this.#workers++)
      workers.push(work().finally(() => this.#workers--));
    await Promise.all(workers);
    for (const job of jobs) {
      const result = results.get(job);
      if (result) onLoaded(job, result);
    }
  }

  /** A tile out of its file. A damaged file is fetched again once, where it can be. */
  async #tile({ side: { index }, id }: Job, memory: Uint8Array, other: Uint8Array): Promise<Tile | Error> {
    const { core, files, onDamaged } = this.#parts;
    const file = index.file(id)!;
    const make = this.#maker(file, other);
    try {
      const bytes = await files.read(file.path, file, memory);
      try {
        return await index.build(core, id, bytes, make);
      } catch (error) {
        if (!refusalReason(error) || !(await files.discard(file))) throw error;
        onDamaged(file, error as Error);
        return await index.build(core, id, await files.read(file.path, file, memory), make);
      }
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  /** Makes the tile of a file by its index, or makes both. */
  #maker({ sha256 }: MapFile, memory: Uint8Array): MakeTile | undefined {
    const { core, files, onIndex } = this.#parts;
    const { indices } = files;
    if (!indices || sha256 === undefined) return undefined;
    const reading = indices.readIndex(sha256, memory).catch(() => undefined);
    return async (cloud, origin) => {
      const { tile, use, detail } = await indexedTile(core, cloud, origin, sha256, await reading);
      onIndex(use, detail);
      if (use !== 'read') await this.#keepIndex(indices, sha256, tile);
      return tile;
    };
  }

  /** The next load is quicker by it; none is worse without. */
  async #keepIndex(indices: IndexFiles, sha256: string, tile: Tile): Promise<void> {
    try {
      const body = await this.#parts.core.tileIndex(tile);
      if (body) await indices.writeIndex(sha256, await sealIndex(sha256, body));
    } catch (error) {
      this.#parts.onIndex('index-not-written', (error as Error).message);
    }
  }
}
