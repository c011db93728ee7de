/** Others wait no longer than this for their turn on the event loop, ms. */
const SLICE_MS = 1;

/**
 * Does a small job for each of many, a slice at a time, so that fifty clients never hold up a scan: first what is urgent
 * for each of them, then what can wait. Whoever is asked for again while waiting is done once.
 */
export class Turns<T> {
  readonly #urgent = new Set<T>();
  readonly #later = new Set<T>();
  readonly #job: (one: T, what: 'urgent' | 'rest') => boolean;
  readonly #nowMs: () => number;
  #isDue = false;

  /** `job` says whether something is left that can wait until all others have had what is urgent. */
  constructor(nowMs: () => number, job: (one: T, what: 'urgent' | 'rest') => boolean) {
    this.#nowMs = nowMs;
    this.#job = job;
  }

  add(one: T): void {
    this.#urgent.add(one);
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    const until = this.#nowMs() + SLICE_MS;
    while (this.#urgent.size + this.#later.size > 0) {
      const [one] = this.#urgent;
      if (one !== undefined) {
        this.#urgent.delete(one);
        if (this.#job(one, 'urgent')) this.#later.add(one);
      } else {
        const [slow] = this.#later as Set<T & {}>;
        this.#later.delete(slow!);
        this.#job(slow!, 'rest');
      }
      if (this.#nowMs() >= until) break;
    }
    this.#isDue = this.#urgent.size + this.#later.size > 0;
    if (this.#isDue) setImmediate(() => this.#turn());
  }
}
