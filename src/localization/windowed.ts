import type { Stamp } from '../types.ts';

/** Of the values of a window; null while there are none. */
export type WindowFigures = { readonly mean: number; readonly max: number } | null;

const BUCKETS = 10;
const BUCKET_NS = 1_000_000_000n;

interface Bucket {
  second: bigint;
  count: number;
  sum: number;
  max: number;
}

/** Mean, most and rate of values over the last ten seconds, in buckets of one: no garbage however fast they come. */
export class Windowed {
  readonly #buckets: Bucket[] = Array.from({ length: BUCKETS }, () => ({
    second: -1n,
    count: 0,
    sum: 0,
    max: Number.NEGATIVE_INFINITY,
  }));

  /** `now` never goes back. */
  add(now: Stamp, value: number): void {
    const second = now / BUCKET_NS;
    const bucket = this.#buckets[Number(second % BigInt(BUCKETS))]!;
    if (bucket.second !== second) {
      bucket.second = second;
      bucket.count = 0;
      bucket.sum = 0;
      bucket.max = Number.NEGATIVE_INFINITY;
    }
    bucket.count++;
    bucket.sum += value;
    if (value > bucket.max) bucket.max = value;
  }

  figures(now: Stamp): WindowFigures {
    const used = this.#within(now);
    const count = used.reduce((all, bucket) => all + bucket.count, 0);
    if (count === 0) return null;
    return {
      mean: used.reduce((all, bucket) => all + bucket.sum, 0) / count,
      max: Math.max(...used.map(({ max }) => max)),
    };
  }

  /** Values a second, over the window or since `first` where that is later. */
  rate(now: Stamp, first: Stamp): number {
    const begin = (now / BUCKET_NS - BigInt(BUCKETS - 1)) * BUCKET_NS;
    const seconds = Number(now - (first > begin ? first : begin)) * 1e-9;
    const count = this.#within(now).reduce((all, bucket) => all + bucket.count, 0);
    return seconds > 0 ? count / seconds : 0;
  }

  #within(now: Stamp): Bucket[] {
    const oldest = now / BUCKET_NS - BigInt(BUCKETS - 1);
    return this.#buckets.filter(({ second, count }) => count > 0 && second >= oldest);
  }
}
