/** Others wait no longer than this for their turn on the event loop, ms. */
const SLICE_MS = 1;

/**
 * Does a small job for each of many, a slice at a time, so that fifty clients never hold up a scan. Whoever is asked
 * for again while waiting is done once.
 */
export class Turns<T> {
  readonly #waiting = new Set<T>();
  readonly #job: (one: T) => void;
  readonly #nowMs: () => number;
  #isDue = false;

  constructor(nowMs: () => number, job: (one: T) => void) {
    this.#nowMs = nowMs;
    this.#job = job;
  }

  add(one: T): void {
    this.#waiting.add(one);
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    const until = this.#nowMs() + SLICE_MS;
    for (const one of this.#waiting) {
      this.#waiting.delete(one);
      this.#job(one);
      if (this.#nowMs() >= until) break;
    }
    this.#isDue = this.#waiting.size > 0;
    if (this.#isDue) setImmediate(() => this.#turn());
  }
}
