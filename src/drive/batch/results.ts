import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { writeWhole } from '../layer.ts';
import type { Job } from './content-key.ts';

/** Not `result.json`, which a replay writes. */
const RESULT = 'job.json';
const WORK = '.work';

/** What is written beside the files of a result. */
export interface Result {
  readonly key: string;
  readonly kind: string;
  /** HOST/PID that did it */
  readonly worker: string;
  readonly seconds: number;
  /** what the command would have answered with --json */
  readonly answer: unknown;
}

/** Does a job into a folder; says how far it is, 0 … 1. Rejects where it cannot be done. */
export type Perform = (job: Job, out: string, progress: (share: number) => void) => Promise<unknown>;

/**
 * The results in one folder, one below its key each. A job works in a folder of its own, which gets the key's name when
 * all is in it; who comes second finds the name taken. So a key has one result, whoever worked on it, and how often.
 */
export class Results {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = resolve(folder);
  }

  folderOf(key: string): string {
    return join(this.folder, key);
  }

  async find(key: string): Promise<Result | undefined> {
    const text = await readFile(join(this.folderOf(key), RESULT), 'utf8').catch(() => undefined);
    return text === undefined ? undefined : (JSON.parse(text) as Result);
  }

  /** The result of a job: the one that is there, or the one that is made now. */
  async make(
    job: Job,
    perform: Perform,
    progress: (share: number) => void,
  ): Promise<{ result: Result; isNew: boolean }> {
    const { key, spec } = job;
    const there = await this.find(key);
    if (there) return { result: there, isNew: false };
    const work = join(this.folder, WORK, `${key}.${randomUUID()}`);
    await mkdir(work, { recursive: true });
    const began = performance.now();
    try {
      const answer = await perform(job, work, progress);
      const seconds = Math.round(performance.now() - began) / 1000;
      const worker = `${hostname()}/${process.pid}`;
      const result: Result = { key, kind: spec.kind, worker, seconds, answer };
      await writeWhole(join(work, RESULT), Buffer.from(`${JSON.stringify(result)}\n`));
      await rename(work, this.folderOf(key));
      await this.#clear(key);
      return { result, isNew: true };
    } catch (error) {
      await rm(work, { recursive: true, force: true });
      // Somebody else was done first: theirs is the result.
      const theirs = await this.find(key);
      if (theirs) return { result: theirs, isNew: false };
      throw error;
    }
  }

  /** What killed workers left of a job that is done. */
  async #clear(key: string): Promise<void> {
    const left = await readdir(join(this.folder, WORK)).catch(() => []);
    for (const name of left.filter((one) => one.startsWith(key)))
      await rm(join(this.folder, WORK, name), { recursive: true, force: true });
  }
}
