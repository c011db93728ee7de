import type { Quat, Stamp, Vec3 } from '../types.ts';

/** Where there is no stamp. */
const NONE = -(2n ** 63n);

/**
 * Numbers put down one after another in memory of their own, and taken up again in the same order. For what is kept
 * for seconds and then forgotten: as objects it outlives the collector's young generation and makes its pauses long.
 */
export class NumberRow {
  readonly #numbers: Float64Array;
  readonly #stamps: BigInt64Array;
  #at = 0;

  constructor(length: number) {
    this.#numbers = new Float64Array(length);
    this.#stamps = new BigInt64Array(this.#numbers.buffer);
  }

  /** Goes on at the first number. Throws a RangeError where the last use went beyond the end. */
  rewind(): this {
    if (this.#at > this.#numbers.length)
      throw new RangeError(`expected at most ${this.#numbers.length} numbers, found ${this.#at}`);
    this.#at = 0;
    return this;
  }

  put(value: number): void {
    this.#numbers[this.#at++] = value;
  }

  take(): number {
    return this.#numbers[this.#at++]!;
  }

  putFlag(value: boolean): void {
    this.#numbers[this.#at++] = value ? 1 : 0;
  }

  takeFlag(): boolean {
    return this.#numbers[this.#at++] === 1;
  }

  putStamp(value: Stamp | undefined): void {
    this.#stamps[this.#at++] = value ?? NONE;
  }

  /** of one that is known */
  takeStamp(): Stamp {
    return this.#stamps[this.#at++]!;
  }

  takeStampIfAny(): Stamp | undefined {
    const stamp = this.#stamps[this.#at++]!;
    return stamp === NONE ? undefined : stamp;
  }

  put3(value: Vec3): void {
    this.#numbers[this.#at++] = value[0];
    this.#numbers[this.#at++] = value[1];
    this.#numbers[this.#at++] = value[2];
  }

  take3(): Vec3 {
    return [this.take(), this.take(), this.take()];
  }

  put4(value: Quat): void {
    this.#numbers[this.#at++] = value[0];
    this.#numbers[this.#at++] = value[1];
    this.#numbers[this.#at++] = value[2];
    this.#numbers[this.#at++] = value[3];
  }

  take4(): Quat {
    return [this.take(), this.take(), this.take(), this.take()];
  }
}
