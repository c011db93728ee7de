import { BUCKET_S, bucketOf, CountLedger } from '../../quality/count-ledger.ts';
import { compareWindows, type WindowRow } from '../../quality/count-windows.ts';
import type { SensorMessage, Stamp } from '../../types.ts';

/** A rate is learnt from so many gaps between stamps. */
const LEARN_GAPS = 40;
/** Messages that a window may be off by, beside the share. */
const SLACK = 2;
/** Kinds that come at a rate. */
const PERIODIC: ReadonlySet<SensorMessage['kind']> = new Set(['points', 'imu', 'gnss', 'odometry']);

export interface QualityOptions {
  /** messages a second by topic: what is configured goes before what the last drive showed */
  readonly rates: ReadonlyMap<string, number>;
  readonly missing: number;
  /** a chunk is on the disk so long after its first message, s */
  readonly chunkSeconds: number;
}

/** Counts what the sensors should send, what came, and what is on the disk, over windows that slide with the drive. */
export class DriveQuality {
  readonly received = new CountLedger();
  readonly recorded = new CountLedger();
  readonly #options: QualityOptions;
  readonly #gaps = new Map<string, { last: Stamp; gaps: number[] }>();
  readonly #rates: Map<string, number>;
  readonly #learnt = new Map<string, number>();
  /** topics that have been seen since, by their first whole span */
  readonly #since = new Map<string, number>();
  #first: number | undefined;
  #now = 0;

  constructor(options: QualityOptions) {
    this.#options = options;
    this.#rates = new Map(options.rates);
  }

  /** A message has come. True when a span of time is over: then is the time to look at the windows. */
  take(topic: string, kind: SensorMessage['kind'], arrival: Stamp): boolean {
    const bucket = bucketOf(arrival);
    this.received.add(topic, bucket);
    if (!this.#since.has(topic)) this.#since.set(topic, bucket + 1);
    if (PERIODIC.has(kind) && !this.#learnt.has(topic)) this.#learn(topic, arrival);
    return this.pass(arrival);
  }

  /** Time has passed, also where nothing came. */
  pass(now: Stamp): boolean {
    const bucket = bucketOf(now);
    this.#first ??= bucket;
    if (bucket <= this.#now) return false;
    this.#now = bucket;
    return true;
  }

  /** Rates that this drive has shown. */
  get learnt(): ReadonlyMap<string, number> {
    return this.#learnt;
  }

  /** What each topic should have sent, messages a second: configured, of the last drive, or learnt in this one. */
  get rates(): ReadonlyMap<string, number> {
    return this.#rates;
  }

  /** All windows that end with the last whole span. */
  rows(): WindowRow[] {
    if (this.#first === undefined) return [];
    const { missing, chunkSeconds } = this.#options;
    const [first, last] = [this.#first + 1, this.#now - 1];
    const common = { first, tolerance: missing, slack: SLACK };
    const lag = Math.ceil(chunkSeconds / BUCKET_S) + 1;
    return [
      ...compareWindows({
        ...common,
        from: 'sensor',
        to: 'received',
        channels: [...this.#rates.keys()].sort(),
        last,
        found: this.received,
        expected: (topic, from, to) => this.#expected(topic, from, to),
      }),
      ...compareWindows({
        ...common,
        from: 'received',
        to: 'recorded',
        channels: this.received.channels,
        last: last - lag,
        found: this.recorded,
        expected: (topic, from, to) => this.received.between(topic, from, to),
        tolerance: 0,
        slack: 0,
      }),
    ];
  }

  #expected(topic: string, from: number, to: number): number {
    // What nobody asked for and no earlier drive showed counts from when it came.
    const since = this.#options.rates.has(topic) ? from : Math.max(from, this.#since.get(topic) ?? from);
    return Math.max(0, to - since + 1) * BUCKET_S * this.#rates.get(topic)!;
  }

  #learn(topic: string, arrival: Stamp): void {
    const seen = this.#gaps.get(topic);
    if (!seen) {
      this.#gaps.set(topic, { last: arrival, gaps: [] });
      return;
    }
    seen.gaps.push(Number(arrival - seen.last) / 1e9);
    seen.last = arrival;
    if (seen.gaps.length < LEARN_GAPS) return;
    this.#gaps.delete(topic);
    const hertz = rateOf(seen.gaps);
    if (hertz === undefined) return;
    this.#learnt.set(topic, hertz);
    if (!this.#rates.has(topic)) this.#rates.set(topic, hertz);
  }
}

/** The mean without gaps that are far off the median: bursts come together, and what is missing leaves long ones. */
function rateOf(gaps: readonly number[]): number | undefined {
  const sorted = [...gaps].sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)]!;
  const usual = sorted.filter((gap) => gap <= 1.5 * median);
  const mean = usual.reduce((sum, gap) => sum + gap, 0) / usual.length;
  return mean > 0 ? Math.round(1e4 / mean) / 1e4 : undefined;
}
