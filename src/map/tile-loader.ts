import type { Core, Tile } from '../core.ts';
import { type MapFile, refusalReason } from '../types.ts';
import type { TileSide } from './tile-side.ts';

/** Where the files of a map come from; `MapSource` of the ports is one. */
export interface TileFiles {
  read(path: string, file: MapFile, into?: Uint8Array): Promise<Uint8Array>;
  want(files: readonly MapFile[]): void;
  discard(file: MapFile): Promise<boolean>;
}

export interface LoaderParts {
  readonly core: Core;
  readonly files: TileFiles;
  /** tiles that are read, checked and built at once; each takes a thread */
  readonly loadAtOnce: number;
  /** results are handed on in the order of the jobs when all are there; else each as soon as it is */
  readonly inOrder: boolean;
  readonly onLoaded: (job: Job, result: Tile | Error) => void;
  readonly onDamaged: (file: MapFile, error: Error) => void;
}

export interface Job {
  readonly side: TileSide;
  readonly id: string;
}

/** A larger file gets memory of its own, which is free again after it: bytes. */
const MOST_REUSED = 8e6;

/** Reads, checks and builds tiles off the event loop, a few at once. */
export class TileLoader {
  readonly #parts: LoaderParts;
  #queue: Job[] = [];
  #workers = 0;

  constructor(parts: LoaderParts) {
    this.#parts = parts;
  }

  /** Replaces what has not been begun. Resolves when nothing of these jobs is left. */
  async load(jobs: readonly Job[]): Promise<void> {
    const { inOrder, loadAtOnce, onLoaded } = this.#parts;
    const results = new Map<Job, Tile | Error>();
    this.#queue = jobs.filter(({ side, id }) => !side.loading.has(id));
    const work = async () => {
      let memory = new Uint8Array();
      for (let job = this.#queue.shift(); job; job = this.#queue.shift()) {
        job.side.loading.add(job.id);
        const { bytes } = job.side.index.file(job.id)!;
        if (bytes > memory.length && bytes <= MOST_REUSED) memory = new Uint8Array(bytes);
        const result = await this.#tile(job, memory);
        job.side.loading.delete(job.id);
        if (inOrder) results.set(job, result);
        else onLoaded(job, result);
      }
    };
    const workers: Promise<void>[] = [];
    for (; this.#workers < loadAtOnce && workers.length < jobs.length; this.#workers++)
      workers.push(work().finally(() => this.#workers--));
    await Promise.all(workers);
    for (const job of jobs) {
      const result = results.get(job);
      if (result) onLoaded(job, result);
    }
  }

  /** A tile out of its file. A damaged file is fetched again once, where it can be. */
  async #tile({ side: { index }, id }: Job, memory: Uint8Array): Promise<Tile | Error> {
    const { core, files, onDamaged } = this.#parts;
    const file = index.file(id)!;
    try {
      const bytes = await files.read(file.path, file, memory);
      try {
        return await index.build(core, id, bytes);
      } catch (error) {
        if (!refusalReason(error) || !(await files.discard(file))) throw error;
        onDamaged(file, error as Error);
        return await index.build(core, id, await files.read(file.path, file, memory));
      }
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }
}
