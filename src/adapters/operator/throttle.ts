import type { Clock } from '../../ports.ts';

/** Lets the newest of a quick row of values through, at most one a period; the last one always comes. */
export class Throttle<T> {
  readonly #periodMs: number;
  readonly #clock: Clock;
  readonly #use: (value: T) => void;
  #usedMs = Number.NEGATIVE_INFINITY;
  #waiting: { value: T; readonly timer: NodeJS.Timeout } | undefined;

  constructor(periodMs: number, clock: Clock, use: (value: T) => void) {
    this.#periodMs = periodMs;
    this.#clock = clock;
    this.#use = use;
  }

  offer(value: T): void {
    if (this.#waiting) {
      this.#waiting.value = value;
      return;
    }
    // A millisecond early is on time: timers and frames are not exact.
    const early = this.#usedMs + this.#periodMs - 1 - this.#clock.nowMs();
    if (early <= 0) {
      this.#now(value);
      return;
    }
    const timer = setTimeout(() => {
      const last = this.#waiting!.value;
      this.#waiting = undefined;
      this.#now(last);
    }, early);
    timer.unref();
    this.#waiting = { value, timer };
  }

  stop(): void {
    clearTimeout(this.#waiting?.timer);
    this.#waiting = undefined;
  }

  #now(value: T): void {
    this.#usedMs = this.#clock.nowMs();
    this.#use(value);
  }
}
