import type { Timing } from './timing.ts';

/** Time that passes only when a test or a simulation says so; no timer of the machine runs. */
export class HandTiming implements Timing {
  #now = 1000;
  readonly #wallOffset: number;
  #queue: { at: number; run: () => void }[] = [];

  constructor(wallStart: number) {
    this.#wallOffset = wallStart - this.#now;
  }

  nowMs(): number {
    return this.#now;
  }

  wallMs(): number {
    return this.#now + this.#wallOffset;
  }

  after(ms: number, run: () => void): () => void {
    const entry = { at: this.#now + ms, run };
    this.#queue.push(entry);
    return () => {
      this.#queue = this.#queue.filter((one) => one !== entry);
    };
  }

  /** Lets `ms` pass, timers in their order, and what follows of each at once. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settleMicrotasks();
    for (;;) {
      const due = this.#queue.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#queue = this.#queue.filter((one) => one !== due);
      this.#now = Math.max(this.#now, due.at);
      due.run();
      await settleMicrotasks();
    }
    this.#now = end;
  }
}

/** More turns than any chain of promises in here is long. */
async function settleMicrotasks(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}
