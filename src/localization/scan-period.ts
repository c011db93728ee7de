import type { Stamp } from '../types.ts';
import { secondsBetween } from './filter-state.ts';

/** Intervals that the period is the median of: two gaps among them change nothing. */
const INTERVALS = 5;
/** A good scan may be this many periods late: one that comes late is no alarm, one that is missing is. */
const PATIENCE = 1.5;

/** How often scans come, by themselves: a LiDAR of 5 Hz is not silent after the 0.25 s that are two turns of another. */
export class ScanPeriod {
  #last: Stamp | undefined;
  readonly #intervals: number[] = [];

  /** A scan came in, used or not; `now` as the newest stamp of any sensor. */
  scan(now: Stamp): void {
    const interval = this.#last === undefined ? 0 : secondsBetween(this.#last, now);
    this.#last = now;
    if (interval <= 0) return;
    this.#intervals.push(interval);
    if (this.#intervals.length > INTERVALS) this.#intervals.shift();
  }

  /** s: without a good scan for longer, the LiDAR is silent; between `least` and `most`. */
  patience(least: number, most: number): number {
    if (this.#intervals.length < INTERVALS) return least;
    const median = [...this.#intervals].sort((a, b) => a - b)[INTERVALS >> 1]!;
    return Math.min(Math.max(least, PATIENCE * median), Math.max(least, most));
  }
}
