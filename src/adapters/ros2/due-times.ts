import type { Stamp } from '../../types.ts';

/** A stamp may be this share of a period early: clocks do not tick together. */
const EARLY = 0.05;

/** Thins a stream of rising stamps to a rate. */
export class DueTimes {
  readonly #period: bigint | undefined;
  readonly #early: bigint;
  #due: Stamp | undefined;

  /** @param rate Hz; 0: nothing is ever due */
  constructor(rate: number) {
    this.#period = rate > 0 ? BigInt(Math.round(1e9 / rate)) : undefined;
    this.#early = BigInt(Math.round(rate > 0 ? (1e9 * EARLY) / rate : 0));
  }

  isDue(stamp: Stamp): boolean {
    if (this.#period === undefined) return false;
    const due = this.#due;
    // Far behind the due time: the clock leapt back.
    const before = due !== undefined && stamp < due - this.#early && due - stamp < 2n * this.#period;
    if (before) return false;
    const late = due === undefined || stamp - due > this.#period || stamp < due - this.#early;
    this.#due = (late ? stamp : due) + this.#period;
    return true;
  }
}
