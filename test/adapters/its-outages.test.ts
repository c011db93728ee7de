import { describe, expect, it } from 'vitest';
import { Mediator } from '../../src/adapters/its/mediator.ts';
import { truthAt } from '../../src/adapters/its/simulate/plan.ts';
import { Random } from '../../src/math/random.ts';
import type { SignalAnswer, SignalFeed } from '../../src/ports.ts';
import type { RouteSignal } from '../../src/types.ts';
import { HandTiming, slotConfig, times } from './its-fakes.ts';
import { signal, T0 } from './its-samples.ts';

const PLAN = { cycle: 90, walk: 25 };
const crossing = signal();
const LIES = ['inverted', 'shifted', 'longer'] as const;

/** A vendor that goes through good times and, by seed, bursts of 10 to 300 s of every evil. */
class MoodyVendor implements SignalFeed {
  mood: 'good' | 'down' | 'stale' | 'lying' = 'good';
  #lie: (typeof LIES)[number] = 'inverted';
  #untilMs = 0;
  #frozen = 0;
  readonly #timing: HandTiming;
  readonly #random: Random;

  constructor(timing: HandTiming, random: Random) {
    this.#timing = timing;
    this.#random = random;
  }

  /** Once a second. `share` of the time is bad on the whole. */
  live(share: number): void {
    const now = this.#timing.nowMs();
    if (now < this.#untilMs) return;
    this.mood = 'good';
    // A burst is 155 s on average.
    if (this.#random.uniform() > share / 155) return;
    this.mood = (['down', 'down', 'stale', 'lying'] as const)[Math.floor(this.#random.uniform(0, 4))]!;
    this.#untilMs = now + this.#random.uniform(10_000, 300_000);
    this.#frozen = this.#timing.wallMs();
    this.#lie = LIES[Math.floor(this.#random.uniform(0, 3))]!;
  }

  watch(): void {}

  async close(): Promise<void> {}

  async ask(signals: readonly RouteSignal[]): Promise<SignalAnswer> {
    const traffic = { calls: 1, bytes: 100 };
    if (this.mood === 'down') return { ok: false, reason: 'timeout', detail: 'down', traffic };
    const sourceTime = this.mood === 'stale' ? this.#frozen : this.#timing.wallMs() - 400;
    const lie = this.mood === 'lying' ? this.#lie : undefined;
    const seen = truthAt(signals[0]!, PLAN, sourceTime + (lie === 'shifted' ? 45_000 : 0));
    const min = seen.remaining + (lie === 'longer' ? 30 : 0);
    const phase = lie === 'inverted' ? (seen.phase === 'walk' ? 'stop' : 'walk') : seen.phase;
    const receivedAtMs = this.#timing.nowMs();
    const times = { sourceTime, timingSourceTime: sourceTime, receivedAtMs };
    const remaining = { min, likely: min, max: min };
    const state = { signalId: signals[0]!.signalId, phase, remaining, ...times, provider: 'x', raw: null };
    return { ok: true, states: [state], refused: [], traffic };
  }
}

/** Decides once a second for `seconds`. A crossing takes 15 s. */
async function drive(seed: number, seconds: number, badShare: number) {
  const timing = new HandTiming(T0);
  const random = new Random(seed);
  const vendors = ['a', 'b', 'c'].map(() => new MoodyVendor(timing, random));
  const mediator = new Mediator(
    vendors.map((vendor, i) => ({ config: slotConfig('abc'[i]!), make: () => vendor })),
    times(),
    { timing, chance: () => random.uniform() },
  );
  const count = { decisions: 0, usable: 0, go: 0, wrong: 0 };
  const record: string[] = [];
  for (let second = 0; second < seconds; second++) {
    await timing.pass(1000);
    for (const vendor of vendors) vendor.live(badShare);
    const answer = await mediator.ask([crossing], timing.nowMs() + 1000);
    const state = answer.ok ? answer.states[0] : undefined;
    const age = state ? (timing.wallMs() - state.sourceTime) / 1000 : Number.POSITIVE_INFINITY;
    const known = state !== undefined && state.phase !== 'unknown' && age < 3;
    if (vendors.some(({ mood }) => mood === 'good')) {
      count.decisions++;
      if (known) count.usable++;
    }
    const truth = truthAt(crossing, PLAN, timing.wallMs());
    if (known && state.phase === 'walk' && (state.remaining?.min ?? 0) - age >= 15) {
      count.go++;
      if (truth.phase !== 'walk' || truth.remaining < 14.5) count.wrong++;
    }
    record.push(`${state?.phase} ${state?.provider}`);
  }
  await mediator.close();
  return { count, record: record.join('\n') };
}

describe('three vendors with bursts of every evil', () => {
  it.each([1, 2, 3])(
    'never give a walk that is none, and almost always an answer (seed %d)',
    async (seed) => {
      const { count } = await drive(seed, 3000, 0.1);
      expect(count.wrong).toBe(0);
      expect(count.go).toBeGreaterThan(200);
      expect(count.usable / count.decisions).toBeGreaterThan(0.98);
    },
  );

  it('come to the same decisions from the same seed', async () => {
    expect((await drive(7, 500, 0.3)).record).toBe((await drive(7, 500, 0.3)).record);
  });
});
