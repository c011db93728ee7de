import { setImmediate } from 'node:timers/promises';
import type { MediatorConfig } from '../adapters/its/its-config.ts';
import { SOAK_SHARES, SOAK_SIGNAL, SoakStreet } from '../adapters/its/soak.ts';
import type { Mood, Shares } from '../adapters/its/soak-vendor.ts';
import type { CrossingConfig } from '../crossing/crossing-config.ts';
import { mayCross, type WaitReason } from '../crossing/go-rule.ts';
import { type AgedSignal, ageSignal, phaseAge } from '../crossing/signal-ageing.ts';
import { Random } from '../math/random.ts';

const REPORT_EVERY = 1000;

export interface SoakPlan {
  readonly seed: number;
  /** one a second or so of simulated time */
  readonly decisions: number;
  readonly shares?: Shares;
  readonly crossing: CrossingConfig;
  readonly mediator: MediatorConfig;
}

/** What came of a soak, counted in decisions. */
export interface SoakResult {
  readonly seed: number;
  readonly decisions: number;
  /** of simulated time */
  readonly hours: number;
  readonly anyHonestVendorUp: number;
  /** of those */
  readonly usable: number;
  readonly availability: number;
  /** usable answers with a phase that the light did not show while they may have come into being */
  readonly untrue: number;
  readonly go: number;
  readonly falseGo: number;
  readonly wait: Partial<Record<WaitReason, number>>;
  /** without a usable answer though an honest vendor was up, by the moods of the vendors and the verdict */
  readonly missed: Record<string, number>;
  /** decisions in each mood, by vendor */
  readonly vendors: readonly Readonly<Record<Mood | 'good', number>>[];
  /** of the mediator */
  readonly events: Readonly<Record<string, number>>;
}

/**
 * Joins the mediator and the GO rule over simulated vendors. The camera sees nothing of the light all the time, so that
 * the feed decides alone. An answer is usable where the rule could judge the light by it: phase and time left known,
 * fresh, of a clock that advanced. An honest vendor is up where one is neither down nor stale nor lying. A GO is false
 * unless the light is `walk` until the robot is across.
 */
export async function runSoak(
  { seed, decisions, shares = SOAK_SHARES, crossing, mediator }: SoakPlan,
  onProgress: (done: number, falseGo: number) => void = () => {},
): Promise<SoakResult> {
  let aged: AgedSignal | undefined;
  const street = new SoakStreet(seed, shares, mediator, (state) => {
    aged = ageSignal(aged, state, crossing.ageing);
  });
  const { timing, events } = street;
  const { robot } = crossing;
  const needed = robot.startDelay + (SOAK_SIGNAL.crossingLength + robot.length) / robot.crossingSpeed;
  // A chance of its own: when is decided must not change what the vendors do.
  const random = new Random(seed + 2 ** 32);
  const count = { anyHonestVendorUp: 0, usable: 0, untrue: 0, go: 0, falseGo: 0 };
  const wait: Record<string, number> = {};
  const missed: Record<string, number> = {};
  const vendors = street.moods().map(() => ({ good: 0, down: 0, lying: 0, stale: 0, slow: 0 }));
  for (let k = 1; k <= decisions; k++) {
    await street.pass(random.uniform(500, 1500));
    const nowMs = timing.nowMs();
    const moods = street.moods();
    for (const [v, mood] of moods.entries()) vendors[v]![mood]++;
    const verdict = mayCross(
      {
        signal: SOAK_SIGNAL,
        signalMapVersion: 1,
        mapVersion: 1,
        answer: aged,
        camera: { kind: 'occluded', by: 'a truck', seenAtMs: nowMs },
        obstacles: { veto: false, checkedAtMs: nowMs },
      },
      nowMs,
      crossing,
    );
    const usable = aged !== undefined && isUsable(aged, nowMs, crossing);
    if (usable && !street.showed(aged!.state.phase, phaseAge(aged!, nowMs, crossing.ageing))) count.untrue++;
    if (moods.some((mood) => mood === 'good' || mood === 'slow')) {
      count.anyHonestVendorUp++;
      if (usable) count.usable++;
      else increment(missed, `${moods.toSorted().join(', ')}: ${verdict.go ? 'go' : verdict.reason}`);
    }
    if (verdict.go) {
      count.go++;
      if (!street.walksFor(needed)) count.falseGo++;
    } else increment(wait, verdict.reason);
    if (k % REPORT_EVERY > 0) continue;
    onProgress(k, count.falseGo);
    // Lets the bar be drawn and the process be ended.
    await setImmediate();
  }
  await street.close();
  const availability = count.usable / count.anyHonestVendorUp;
  const hours = timing.nowMs() / 3_600_000;
  return { seed, decisions, hours, ...count, availability, wait, missed, vendors, events };
}

function isUsable(aged: AgedSignal, nowMs: number, { ageing }: CrossingConfig): boolean {
  const { phase, remaining } = aged.state;
  const known = phase === 'stop' || phase === 'walk' || phase === 'clearance';
  const fresh = aged.clock === 'advanced' && phaseAge(aged, nowMs, ageing) <= ageing.maxAge;
  return known && fresh && remaining !== undefined;
}

function increment(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}
