import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Looks now and then at how much memory is held once all that is free was collected. Bytes. */
export class Memory {
  readonly samples: { readonly at: number; readonly heap: number; readonly outside: number }[] = [];
  /** simulated s between two looks; 0: none */
  every = 0;

  see(at: number): void {
    if (this.every === 0 || at < (this.samples.at(-1)?.at ?? 0) + this.every) return;
    collect();
    const { heapUsed, external, rss } = process.memoryUsage();
    this.samples.push({ at, heap: heapUsed + external, outside: rss });
  }

  /** Bytes an hour, by least squares over the second half: what is filled once and kept is no growth. */
  growth(of: 'heap' | 'outside'): number {
    const half = this.samples.slice(Math.floor(this.samples.length / 2));
    if (half.length < 3)
      throw new Error(`expected 6 looks at the memory or more, found ${this.samples.length}`);
    const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
    const [t, m] = [mean(half.map(({ at }) => at)), mean(half.map((one) => one[of]))];
    const up = half.reduce((sum, one) => sum + (one.at - t) * (one[of] - m), 0);
    return (3600 * up) / half.reduce((sum, { at }) => sum + (at - t) ** 2, 0);
  }
}
