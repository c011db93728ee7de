import { Random } from '../../math/random.ts';
import type { SignalAnswer, SignalFeed } from '../../ports.ts';
import type { RouteSignal, SignalState } from '../../types.ts';
import { type Plan, type Truth, truthAt } from './simulate/plan.ts';
import { Spells } from './soak-spells.ts';
import type { Timing } from './timing.ts';
import { refuse } from './vendor.ts';

export const MOODS = ['down', 'lying', 'stale', 'slow'] as const;
export type Mood = (typeof MOODS)[number];
/** Which share of the time each mood takes, in (0, 1). */
export type Shares = Readonly<Record<Mood, number>>;

/** Ways to be down: an error at once, or silence. */
const SILENT_SHARE = 0.5;
/** `inverted`: the other phase; `shifted`: the plan of another time; `longer`: more time left than there is; `walk`: always. */
const LIES = ['inverted', 'shifted', 'longer', 'walk'] as const;
const BYTES = 600;
/** City feeds lag 2–5 s, controllers less than 1 s, s. */
const LAG_S: readonly [min: number, max: number] = [0.3, 4];

/** One vendor of the true light of a plan, in the mood that its seed gives it at each moment. */
export class SoakVendor implements SignalFeed {
  readonly #timing: Timing;
  readonly #plan: Plan;
  readonly #random: Random;
  readonly #spells: Readonly<Record<Mood, Spells>>;
  readonly #lagMs: number;
  readonly #clockMs: number;
  #frozenMs: number;

  constructor(timing: Timing, plan: Plan, shares: Shares, seed: number) {
    this.#timing = timing;
    this.#plan = plan;
    this.#random = new Random(seed);
    const spells = MOODS.map((mood, k) => {
      // Each mood by a chance of its own, so that how often a vendor is asked does not change when it is down.
      const random = new Random(seed + (k + 1) * 2 ** 32);
      return [mood, new Spells(shares[mood], timing.nowMs(), random)];
    });
    this.#spells = Object.fromEntries(spells);
    this.#lagMs = 1000 * this.#random.uniform(...LAG_S);
    // Clocks of vendors differ; theirs and ours are set by NTP or GNSS.
    this.#clockMs = this.#random.uniform(-500, 500);
    this.#frozenMs = timing.wallMs();
  }

  /** The worst mood that holds now. */
  mood(): Mood | 'good' {
    const now = this.#timing.nowMs();
    return MOODS.find((mood) => this.#spells[mood].holds(now)) ?? 'good';
  }

  watch(): void {}

  async close(): Promise<void> {}

  async ask(signals: readonly RouteSignal[], deadlineMs: number): Promise<SignalAnswer> {
    const mood = this.mood();
    const left = deadlineMs - this.#timing.nowMs();
    const silent = mood === 'down' && this.#spells.down.roll < SILENT_SHARE;
    const wait = mood === 'slow' ? this.#random.uniform(300, 1400) : this.#random.uniform(20, 200);
    await this.#pass(Math.min(left, silent ? left : wait));
    const traffic = { calls: 1, bytes: BYTES };
    if (silent || wait > left) return refuse('timeout', 'no answer in time', { calls: 1, bytes: 0 });
    if (mood === 'down') return refuse('http-status', 'answered 503', traffic);
    return { ok: true, states: signals.map((signal) => this.#state(signal, mood)), refused: [], traffic };
  }

  #state(signal: RouteSignal, mood: Mood | 'good'): SignalState {
    // Within a stale spell the last word of before is repeated.
    if (mood !== 'stale') this.#frozenMs = this.#timing.wallMs() - this.#lagMs * this.#random.uniform(0.8, 1);
    const seenMs = this.#frozenMs;
    const { phase, remaining } = mood === 'lying' ? this.#lie(signal, seenMs) : this.#truth(signal, seenMs);
    // Feeds count tenths of a second.
    const min = Math.floor(10 * remaining) / 10;
    const sourceTime = Math.round(seenMs + this.#clockMs);
    return {
      signalId: signal.signalId,
      phase,
      remaining: { min, likely: min, max: min },
      sourceTime,
      timingSourceTime: sourceTime,
      receivedAtMs: this.#timing.nowMs(),
      provider: signal.provider,
      raw: null,
    };
  }

  #truth(signal: RouteSignal, wallMs: number): Truth {
    return truthAt(signal, this.#plan, wallMs);
  }

  #lie(signal: RouteSignal, wallMs: number): Truth {
    const { roll } = this.#spells.lying;
    const kind = LIES[Math.floor(roll * LIES.length)]!;
    const amount = (roll * LIES.length) % 1;
    const { cycle } = this.#plan;
    const truth = this.#truth(signal, wallMs);
    switch (kind) {
      case 'inverted':
        return { ...truth, phase: truth.phase === 'walk' ? 'stop' : 'walk' };
      case 'shifted':
        return this.#truth(signal, wallMs + 1000 * cycle * (0.1 + 0.8 * amount));
      case 'longer':
        return { ...truth, remaining: truth.remaining + 5 + 55 * amount };
      case 'walk':
        return { phase: 'walk', remaining: 10 + 50 * amount };
    }
  }

  #pass(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#timing.after(ms, resolve);
    });
  }
}
