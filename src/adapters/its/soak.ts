import { Random } from '../../math/random.ts';
import type { RouteSignal, SignalPhase, SignalState } from '../../types.ts';
import { HandTiming } from './hand-timing.ts';
import type { MediatorConfig } from './its-config.ts';
import { Mediator } from './mediator.ts';
import { type Plan, truthAt } from './simulate/plan.ts';
import { type Mood, type Shares, SoakVendor } from './soak-vendor.ts';

/** 2026-03-02T00:00:00Z; any will do. */
const START_MS = Date.UTC(2026, 2, 2);
const NAMES = ['a', 'b', 'c'] as const;
/** Enough for a robot of 1 m at 1.2 m/s to start into the first half of a walk. */
const PLAN: Plan = { cycle: 90, walk: 30 };

/** Down as the requirement says; the other evils as often. */
export const SOAK_SHARES: Shares = { down: 0.01, lying: 0.01, stale: 0.01, slow: 0.01 };

export const SOAK_SIGNAL: RouteSignal = {
  signalId: 'soak',
  provider: 'soak',
  externalId: '1',
  head: 'nt',
  verifiedAt: '2026-03-01T00:00:00Z',
  crossingLength: 12,
};

/** A light, three vendors of it that fail by seed, and the mediator over them, in a time that only `pass` moves. */
export class SoakStreet {
  readonly timing = new HandTiming(START_MS);
  readonly events: Record<string, number> = {};
  readonly #vendors: readonly SoakVendor[];
  readonly #mediator: Mediator;

  constructor(seed: number, shares: Shares, config: MediatorConfig, onState: (state: SignalState) => void) {
    const { timing } = this;
    const random = new Random(seed);
    this.#vendors = NAMES.map(() => new SoakVendor(timing, PLAN, shares, random.uint32()));
    this.#mediator = new Mediator(
      NAMES.map((name, k) => ({ config: slotConfig(name), make: () => this.#vendors[k]! })),
      config,
      {
        timing,
        chance: () => random.uniform(),
        onState,
        onEvent: ({ kind }) => {
          this.events[kind] = (this.events[kind] ?? 0) + 1;
        },
      },
    );
    this.#mediator.watch([SOAK_SIGNAL]);
  }

  pass(ms: number): Promise<void> {
    return this.timing.pass(ms);
  }

  /** Of each vendor now. */
  moods(): (Mood | 'good')[] {
    return this.#vendors.map((vendor) => vendor.mood());
  }

  /** Whether the true light is `walk` from now on for `seconds`. */
  walksFor(seconds: number): boolean {
    const { phase, remaining } = truthAt(SOAK_SIGNAL, PLAN, this.timing.wallMs());
    return phase === 'walk' && remaining >= seconds;
  }

  /** Whether the true light showed this phase at any time of the last `seconds`, fewer than its phases last. */
  showed(phase: SignalPhase, seconds: number): boolean {
    const now = this.timing.wallMs();
    return [now, now - 1000 * seconds].some((at) => truthAt(SOAK_SIGNAL, PLAN, at).phase === phase);
  }

  close(): Promise<void> {
    return this.#mediator.close();
  }
}

function slotConfig(name: string) {
  const rates = { weight: 1, costPerCall: 0, ratePerSecond: 10, burst: 10 };
  // The time-out of a slot runs on the machine's timers, far behind the simulated time: the vendors keep the deadline.
  return { name, provider: SOAK_SIGNAL.provider, aliases: {}, timeoutMs: 2 ** 30, ...rates };
}
