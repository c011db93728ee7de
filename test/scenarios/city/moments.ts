/** One result of the localisation, held against the truth. Metres and seconds. */
export interface Moment {
  readonly at: number;
  readonly state: string;
  readonly reason: string | undefined;
  /** horizontal; undefined without a pose */
  readonly error: number | undefined;
  readonly level: number | undefined;
  readonly speed: number;
}

/** at, error, level, speed, word; an absent number is NaN */
const COLUMNS = 5;

/** All moments of a drive, in memory that is taken before it begins: a look at the memory must not see them grow. */
export class MomentLog {
  readonly #numbers: Float64Array;
  /** each pair of state and reason once */
  readonly #words: Pick<Moment, 'state' | 'reason'>[] = [];
  #size = 0;

  /** @param most moments, no more */
  constructor(most: number) {
    this.#numbers = new Float64Array(COLUMNS * most);
  }

  add({ at, state, reason, error, level, speed }: Moment): void {
    if (COLUMNS * this.#size >= this.#numbers.length)
      throw new Error(`expected fewer than ${this.#size} moments`);
    let word = this.#words.findIndex((one) => one.state === state && one.reason === reason);
    if (word < 0) word = this.#words.push({ state, reason }) - 1;
    const row = [at, error ?? Number.NaN, level ?? Number.NaN, speed, word];
    this.#numbers.set(row, COLUMNS * this.#size++);
  }

  all(): Moment[] {
    return Array.from({ length: this.#size }, (_, n) => {
      const [at, error, level, speed, word] = this.#numbers.subarray(COLUMNS * n, COLUMNS * (n + 1));
      const known = (value: number | undefined) => (Number.isNaN(value) ? undefined : value);
      return { at: at!, ...this.#words[word!]!, error: known(error), level: known(level), speed: speed! };
    });
  }
}
