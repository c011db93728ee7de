import type { Stamp } from '../types.ts';

/** Counts are kept by spans of so many seconds of the arrival; windows slide by one of them. */
export const BUCKET_S = 5;
const BUCKET_NS = BigInt(BUCKET_S) * 1_000_000_000n;

export type LedgerJson = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** The span that a time falls into, numbered since the Unix epoch. */
export function bucketOf(stamp: Stamp): number {
  return Number(stamp / BUCKET_NS);
}

/** Messages of each channel by span of time: what two places that saw the same drive can compare. */
export class CountLedger {
  readonly #channels = new Map<string, Map<number, number>>();

  static from(json: LedgerJson): CountLedger {
    const ledger = new CountLedger();
    for (const [channel, buckets] of Object.entries(json))
      for (const [bucket, count] of Object.entries(buckets)) ledger.add(channel, Number(bucket), count);
    return ledger;
  }

  add(channel: string, bucket: number, count = 1): void {
    let buckets = this.#channels.get(channel);
    if (!buckets) {
      buckets = new Map();
      this.#channels.set(channel, buckets);
    }
    buckets.set(bucket, (buckets.get(bucket) ?? 0) + count);
  }

  addAll(other: CountLedger): void {
    for (const [channel, buckets] of other.#channels)
      for (const [bucket, count] of buckets) this.add(channel, bucket, count);
  }

  get channels(): string[] {
    return [...this.#channels.keys()].sort();
  }

  /** First and last span of any channel; undefined where nothing was counted. */
  get span(): readonly [first: number, last: number] | undefined {
    let span: [number, number] | undefined;
    for (const buckets of this.#channels.values())
      for (const bucket of buckets.keys())
        span = span ? [Math.min(span[0], bucket), Math.max(span[1], bucket)] : [bucket, bucket];
    return span;
  }

  /** Messages of the spans `from` … `to`, both included. */
  between(channel: string, from: number, to: number): number {
    let sum = 0;
    const buckets = this.#channels.get(channel);
    if (!buckets) return 0;
    if (to - from > buckets.size) {
      for (const [bucket, count] of buckets) if (bucket >= from && bucket <= to) sum += count;
      return sum;
    }
    for (let bucket = from; bucket <= to; bucket++) sum += buckets.get(bucket) ?? 0;
    return sum;
  }

  total(channel: string): number {
    let sum = 0;
    for (const count of this.#channels.get(channel)?.values() ?? []) sum += count;
    return sum;
  }

  toJSON(): LedgerJson {
    return Object.fromEntries(
      this.channels.map((channel) => [channel, Object.fromEntries(this.#channels.get(channel)!)]),
    );
  }
}
