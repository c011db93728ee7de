import type { Stamp } from '../types.ts';
import { secondsBetween } from './filter-state.ts';

/** Samples kept: three seconds at 200 Hz. */
const KEPT = 600;

interface Sample {
  readonly stamp: Stamp;
  /** rad/s */
  readonly rate: number;
  /** integral of the rate since some time, rad */
  readonly angle: number;
}

/** How the robot turned over the last seconds about one axis, by its gyro. */
export class TurnTrack {
  readonly #maxGap: number;
  #samples: Sample[] = [];

  /** @param maxGap s: over a longer silence the turn is not known */
  constructor(maxGap: number) {
    this.#maxGap = maxGap;
  }

  get newest(): Stamp | undefined {
    return this.#samples.at(-1)?.stamp;
  }

  /** rad/s */
  add(stamp: Stamp, rate: number): void {
    const last = this.#samples.at(-1);
    const dt = last ? secondsBetween(last.stamp, stamp) : 0;
    if (last && dt <= 0) return;
    if (dt > this.#maxGap) this.#samples = [];
    const known = dt > this.#maxGap ? undefined : last;
    const angle = known ? known.angle + (dt * (known.rate + rate)) / 2 : 0;
    this.#samples.push({ stamp, rate, angle });
    if (this.#samples.length > 2 * KEPT) this.#samples = this.#samples.slice(-KEPT);
  }

  /** Rate and angle at a stamp; undefined where it is not between two samples. */
  at(stamp: Stamp): { readonly rate: number; readonly angle: number } | undefined {
    let after = this.#samples.length - 1;
    while (after > 0 && this.#samples[after - 1]!.stamp >= stamp) after--;
    const [a, b] = [this.#samples[after - 1], this.#samples[after]];
    if (!a || !b || stamp > b.stamp) return undefined;
    const dt = secondsBetween(a.stamp, stamp);
    const rate = a.rate + ((b.rate - a.rate) * dt) / secondsBetween(a.stamp, b.stamp);
    return { rate, angle: a.angle + (dt * (a.rate + rate)) / 2 };
  }
}
