import type { RouteSignal, SignalState } from '../../types.ts';
import {
  backTooSoon,
  contradiction,
  endedAsNamed,
  hasEnded,
  type Settled,
  settle,
  type Voice,
} from './agreement.ts';
import type { MediatorConfig } from './its-config.ts';
import type { Timing } from './timing.ts';
import { Trust } from './trust.ts';
import type { VendorSlot } from './vendor-slot.ts';

/** Something that an operator should know. */
export interface MediatorEvent {
  /** a stable kebab-case word to count by */
  readonly kind: string;
  readonly detail: string;
  readonly signalId?: string;
  /** whom it is about, where it is a note of one vendor */
  readonly vendor?: string;
  /** ms on the monotonic clock */
  readonly atMs: number;
}

/** Further ahead of our clock a source's time is wrong, ms. */
const FUTURE_MS = 5000;

/** A vendor's last word on a signal, and its first one of the same phase, which the later ones must not contradict. */
interface Word {
  readonly last: SignalState;
  readonly first: SignalState;
  /** the last word of the phase before */
  readonly former?: SignalState | undefined;
  /** a phase of this light was seen to end when the vendor had said, and nothing contradicted it since */
  readonly kept: boolean;
}

/** The last word of each vendor on each signal, and the one word that comes of them. */
export class Voices {
  readonly #config: MediatorConfig;
  readonly #timing: Timing;
  readonly #slots: readonly VendorSlot[];
  readonly #onEvent: (event: MediatorEvent) => void;
  readonly #latest = new Map<string, Map<string, Word>>();
  readonly #trust: Trust;
  readonly #disputed = new Set<string>();

  constructor(
    config: MediatorConfig,
    timing: Timing,
    slots: readonly VendorSlot[],
    onEvent: (event: MediatorEvent) => void,
  ) {
    this.#config = config;
    this.#timing = timing;
    this.#slots = slots;
    this.#onEvent = onEvent;
    this.#trust = new Trust(config);
  }

  /** Forgets all signals but these. */
  keep(signalIds: ReadonlySet<string>): void {
    for (const id of this.#latest.keys()) if (!signalIds.has(id)) this.#latest.delete(id);
    for (const id of this.#disputed) if (!signalIds.has(id)) this.#disputed.delete(id);
  }

  /** Takes a vendor's word, unless it is older than its last one or from the future. */
  record(vendor: string, state: SignalState): void {
    const { signalId } = state;
    const ahead = state.sourceTime - this.#timing.wallMs();
    if (ahead > FUTURE_MS) {
      this.#say(
        'from-future',
        `${vendor}: its clock is ${(ahead / 1000).toFixed(1)} s ahead of ours`,
        signalId,
      );
      return;
    }
    let words = this.#latest.get(signalId);
    if (!words) {
      words = new Map();
      this.#latest.set(signalId, words);
    }
    const known = words.get(vendor);
    const before = known?.last;
    const current = before && this.#timing.nowMs() - before.receivedAtMs <= this.#config.compareMs;
    if (current && state.sourceTime < before.sourceTime) return;
    // A word said again is as old as it was: a clock that stands must not look fresh.
    if (before?.sourceTime === state.sourceTime && before.phase === state.phase) return;
    // A gap of the length of a phase may hide a whole cycle; longer than that nothing is compared.
    const { toleranceS } = this.#config;
    const first = known && goesOn(known.first, state) ? known.first : state;
    // An end that moves a little with each word moves far in the end.
    const why =
      before &&
      (contradiction(before, state, toleranceS) ??
        contradiction(first, state, toleranceS) ??
        (known.former && backTooSoon(known.former, state)));
    if (why) {
      this.#trust.contradict(vendor, this.#timing.nowMs());
      this.#say('contradiction', `${vendor}: ${why}`, signalId);
    }
    const last = state.provider === vendor ? state : { ...state, provider: vendor };
    const kept = why === undefined && (known?.kept || (before && endedAsNamed(before, state, toleranceS)));
    const former = before?.phase === state.phase ? known?.former : before;
    words.set(vendor, { last, first: why === undefined ? first : state, former, kept: kept === true });
  }

  /** The word to go by; undefined where no vendor said anything lately. */
  settle(signal: RouteSignal): Settled | undefined {
    const { signalId } = signal;
    const now = this.#timing.nowMs();
    const voices: Voice[] = [];
    let allKept = true;
    for (const [vendor, { last: state, kept }] of this.#latest.get(signalId) ?? []) {
      if (now - state.receivedAtMs > this.#config.compareMs) continue;
      const [trusted, distrusted] = [this.#trust.trusted(vendor, now), this.#trust.distrusted(vendor, now)];
      voices.push({ vendor, state, trusted, distrusted });
      allKept &&= kept;
    }
    if (voices.length === 0) return undefined;
    const carriers = this.#slots.reduce((count, slot) => count + (slot.own(signal) ? 1 : 0), 0);
    const settled = settle(voices, this.#config.toleranceS, carriers === 1 && allKept);
    for (const [a, b] of settled.pairs) this.#trust.agree(a.vendor, b.vendor, now);
    for (const { vendor, state } of settled.outvoted) {
      this.#trust.contradict(vendor, now);
      this.#say('outvoted', `${vendor}: said ${state.phase}, the others ${settled.state.phase}`, signalId);
    }
    this.#tellDispute(signalId, settled, voices);
    return settled;
  }

  /** Whether another vendor must be heard on this signal before it counts, if one can be; or should be, some time. */
  hearAnother(settled: Settled): 'must' | 'should' | 'no' {
    if (settled.reason !== undefined) return 'must';
    if (settled.agreeing >= 2) return 'no';
    const { phase, provider } = settled.state;
    if (phase === 'walk') return 'must';
    const ago = this.#trust.agreedAgoMs(provider, this.#timing.nowMs());
    return ago > this.#config.corroborateMs ? 'should' : 'no';
  }

  trusted(vendor: string): boolean {
    return this.#trust.trusted(vendor, this.#timing.nowMs());
  }

  /** Once when it begins, not at each message. */
  #tellDispute(signalId: string, settled: Settled, voices: readonly Voice[]): void {
    if (settled.reason !== 'disagreement') {
      this.#disputed.delete(signalId);
      return;
    }
    if (this.#disputed.has(signalId)) return;
    this.#disputed.add(signalId);
    const words = voices.map(({ vendor, state }) => {
      const { min } = state.remaining ?? {};
      return `${vendor} ${state.phase}${min === undefined ? '' : ` for ${min.toFixed(1)} s`}`;
    });
    this.#say('disagreement', words.join(', '), signalId);
  }

  #say(kind: string, detail: string, signalId: string): void {
    this.#onEvent({ kind, detail, signalId, atMs: this.#timing.nowMs() });
  }
}

/** Whether a phase may be the one that the first word was about. */
function goesOn(first: SignalState, state: SignalState): boolean {
  return first.phase === state.phase && !hasEnded(first, state.sourceTime);
}
