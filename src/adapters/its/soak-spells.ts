import type { Random } from '../../math/random.ts';

/** Bursts last 10 to 300 s, 155 s on average. */
const BURST_S: readonly [min: number, max: number] = [10, 300];
const MEAN_S = (BURST_S[0] + BURST_S[1]) / 2;

/** One evil that comes and goes by chance, `share` of the time on the whole; asked about times that never go back. */
export class Spells {
  readonly #random: Random;
  readonly #meanGapS: number;
  #startMs: number;
  #endMs: number;
  /** uniform in [0, 1), another for each burst: what kind it is */
  roll = 0;

  /** `share` in (0, 1); the first burst comes after `fromMs`. */
  constructor(share: number, fromMs: number, random: Random) {
    this.#random = random;
    this.#meanGapS = (MEAN_S * (1 - share)) / share;
    this.#startMs = this.#endMs = fromMs;
    this.#next();
  }

  holds(nowMs: number): boolean {
    while (nowMs >= this.#endMs) this.#next();
    return nowMs >= this.#startMs;
  }

  #next(): void {
    const random = this.#random;
    // Pauses without memory: exponential.
    this.#startMs = this.#endMs - 1000 * this.#meanGapS * Math.log(1 - random.uniform());
    this.#endMs = this.#startMs + 1000 * random.uniform(...BURST_S);
    this.roll = random.uniform();
  }
}
