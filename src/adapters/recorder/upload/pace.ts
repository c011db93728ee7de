import { setTimeout as sleep } from 'node:timers/promises';

/** Lets bytes through at an even rate: what comes early waits. */
export class Pace {
  readonly #bytesPerMs: number;
  readonly #nowMs: () => number;
  readonly #pause: (ms: number) => Promise<unknown>;
  #freeAt = Number.NEGATIVE_INFINITY;

  constructor(
    bytesPerSecond: number,
    nowMs: () => number = () => performance.now(),
    pause: (ms: number) => Promise<unknown> = sleep,
  ) {
    this.#bytesPerMs = bytesPerSecond / 1000;
    this.#nowMs = nowMs;
    this.#pause = pause;
  }

  /** Resolves when so many bytes may go. */
  async take(bytes: number): Promise<void> {
    const now = this.#nowMs();
    const at = Math.max(now, this.#freeAt);
    this.#freeAt = at + bytes / this.#bytesPerMs;
    if (at > now) await this.#pause(at - now);
  }
}
