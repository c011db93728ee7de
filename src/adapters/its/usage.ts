import { readFileSync, renameSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import type { Traffic } from '../../ports.ts';
import type { Timing } from './timing.ts';

const tally = z.object({
  calls: z.number().min(0),
  bytes: z.number().min(0),
  errors: z.number().min(0),
  cost: z.number().min(0),
});
export type Tally = z.infer<typeof tally>;
const file = z.object({
  usageVersion: z.literal(1),
  months: z.record(z.string(), z.record(z.string(), tally)),
});

const SAVE_AFTER_MS = 5000;

/** Calls, bytes, errors and cost by month (UTC, `2026-03`) and vendor, kept in a file across restarts. */
export class Usage {
  readonly #path: string | undefined;
  readonly #timing: Timing;
  readonly #onProblem: (detail: string) => void;
  readonly #months: Record<string, Record<string, Tally>>;
  #cancel: (() => void) | undefined;
  #saving: Promise<void> = Promise.resolve();

  /** Without a path nothing is kept. A file that cannot be read is set aside as `PATH.bad`, and said. */
  constructor(path: string | undefined, timing: Timing, onProblem: (detail: string) => void) {
    this.#path = path;
    this.#timing = timing;
    this.#onProblem = onProblem;
    this.#months = path === undefined ? {} : this.#load(path);
  }

  get months(): Readonly<Record<string, Readonly<Record<string, Tally>>>> {
    return this.#months;
  }

  add(vendor: string, traffic: Traffic, error: boolean, costPerCall: number): void {
    const month = new Date(this.#timing.wallMs()).toISOString().slice(0, 7);
    this.#months[month] ??= {};
    this.#months[month][vendor] ??= { calls: 0, bytes: 0, errors: 0, cost: 0 };
    const sum = this.#months[month][vendor];
    sum.calls += traffic.calls;
    sum.bytes += traffic.bytes;
    sum.errors += error ? 1 : 0;
    sum.cost += traffic.calls * costPerCall;
    if (this.#path !== undefined) this.#cancel ??= this.#timing.after(SAVE_AFTER_MS, () => void this.save());
  }

  /** Writes a new file beside the old one, makes sure that it is on the disk, and puts it in its place. Never rejects. */
  save(): Promise<void> {
    this.#cancel?.();
    this.#cancel = undefined;
    const path = this.#path;
    if (path === undefined) return Promise.resolve();
    const text = `${JSON.stringify({ usageVersion: 1, months: this.#months }, null, 1)}\n`;
    this.#saving = this.#saving
      .then(() => replaceFile(path, text))
      .catch((error: Error) => this.#onProblem(`${path}: not written, ${error.message}`));
    return this.#saving;
  }

  #load(path: string): Record<string, Record<string, Tally>> {
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
        this.#onProblem(`${path}: not read, ${(error as Error).message}`);
      return {};
    }
    try {
      return file.parse(JSON.parse(text)).months;
    } catch (error) {
      renameSync(path, `${path}.bad`);
      this.#onProblem(
        `${path}: no usage file (${(error as Error).message.slice(0, 100)}); set aside as .bad`,
      );
      return {};
    }
  }
}

async function replaceFile(path: string, text: string): Promise<void> {
  const next = await open(`${path}.next`, 'w');
  try {
    await next.writeFile(text);
    await next.sync();
  } finally {
    await next.close();
  }
  await rename(`${path}.next`, path);
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
