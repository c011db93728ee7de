/**
 * Seeded pseudo-random numbers for simulation and tests: sfc32, the 32-bit "small fast counter" generator of Chris
 * Doty-Humphrey's PractRand (2010), period ≥ 2³². The same seed gives the same sequence on every machine.
 */
export class Random {
  #a: number;
  #b: number;
  #c = 0x9e3779b9;
  #counter = 1;
  #spare: number | undefined;

  /** `seed`: any integer up to 2⁵³; its low and high words both count. */
  constructor(seed: number) {
    this.#a = seed | 0;
    this.#b = Math.floor(seed / 2 ** 32) | 0;
    // PractRand mixes a seed by dropping the first outputs.
    for (let drop = 0; drop < 15; drop++) this.uint32();
  }

  /** Uniform integer in [0, 2³²). */
  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** Uniform in [min, max), with 53 random bits. */
  uniform(min = 0, max = 1): number {
    const unit = ((this.uint32() >>> 5) * 2 ** 26 + (this.uint32() >>> 6)) / 2 ** 53;
    return min + (max - min) * unit;
  }

  /** Normal by Box & Muller 1958; the second of each pair is kept for the next call. */
  gaussian(mean = 0, sigma = 1): number {
    const spare = this.#spare;
    if (spare !== undefined) {
      this.#spare = undefined;
      return mean + sigma * spare;
    }
    // 1 − u is in (0, 1], whose logarithm is finite.
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.#spare = radius * Math.sin(angle);
    return mean + sigma * radius * Math.cos(angle);
  }
}
