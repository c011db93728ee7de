import { Refusal } from '../types.ts';

/** Ends waiting for what is never answered, without a timer of its own: `pass` is to be called as time goes on. */
export class Deadlines {
  readonly #waiting = new Set<{ readonly atMs: number; readonly give: () => void }>();

  /** Rejects with a Refusal `too-late` at `atMs` (monotonic), else as `work` does. */
  async within<T>(work: Promise<T>, atMs: number, what: string): Promise<T> {
    let waiting: { atMs: number; give: () => void } | undefined;
    const late = new Promise<never>((_, reject) => {
      waiting = { atMs, give: () => reject(new Refusal('too-late', `${what} took too long`)) };
      this.#waiting.add(waiting);
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      this.#waiting.delete(waiting!);
    }
  }

  pass(nowMs: number): void {
    for (const waiting of this.#waiting) if (nowMs >= waiting.atMs) waiting.give();
  }
}
