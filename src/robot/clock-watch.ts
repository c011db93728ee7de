/** So many steps in a row without a tick of the clock are no chance: it is read to the microsecond. */
const STEPS = 20;

/** Notices a monotonic clock that stands or goes back: with it nothing would ever grow old. */
export class ClockWatch {
  #lastMs = Number.NEGATIVE_INFINITY;
  #still = 0;

  /** To be called at each step. */
  see(nowMs: number): void {
    if (nowMs > this.#lastMs) this.#still = 0;
    else this.#still++;
    this.#lastMs = nowMs;
  }

  get stands(): boolean {
    return this.#still >= STEPS || !Number.isFinite(this.#lastMs);
  }
}
