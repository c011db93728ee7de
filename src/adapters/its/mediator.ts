import type { SignalAnswer, SignalFeed, Traffic } from '../../ports.ts';
import type { RouteSignal, SignalState } from '../../types.ts';
import type { MediatorConfig } from './its-config.ts';
import { ItsMetrics } from './its-metrics.ts';
import { runQuestion } from './question.ts';
import { Repeats } from './repeats.ts';
import { Rotation } from './rotation.ts';
import type { Chance, Timing } from './timing.ts';
import { Usage } from './usage.ts';
import { refuse, type VendorContext } from './vendor.ts';
import { type SlotConfig, VendorSlot } from './vendor-slot.ts';
import { type MediatorEvent, Voices } from './voices.ts';

export interface MediatedVendor {
  readonly config: SlotConfig;
  readonly make: (context: VendorContext) => SignalFeed;
}

export interface MediatorDeps {
  readonly timing: Timing;
  readonly chance: Chance;
  readonly usageFile?: string | undefined;
  /** Each word on a signal as it is settled. */
  readonly onState?: (state: SignalState) => void;
  readonly onEvent?: (event: MediatorEvent) => void;
}

/**
 * Several vendors as one feed. Clock, timers, chance and transports come from outside, so that a simulation can drive
 * it. It asks each intersection that is watched every `pollMs`.
 */
export class Mediator implements SignalFeed {
  readonly metrics = new ItsMetrics();
  readonly usage: Usage;
  readonly #config: MediatorConfig;
  readonly #deps: MediatorDeps;
  readonly #slots: readonly VendorSlot[];
  readonly #voices: Voices;
  readonly #rotation = new Rotation();
  readonly #repeats = new Repeats();
  readonly #pollers = new Map<string, () => void>();
  #watched = new Map<string, RouteSignal>();

  constructor(vendors: readonly MediatedVendor[], config: MediatorConfig, deps: MediatorDeps) {
    this.#config = config;
    this.#deps = deps;
    const { timing, chance, usageFile } = deps;
    this.usage = new Usage(usageFile, timing, (detail) => this.#say('usage-file', detail));
    this.#slots = vendors.map(({ config: slotConfig, make }) => {
      const feed = make({
        timing,
        chance,
        onStates: (states, traffic) => this.#pushed(slotConfig.name, states, traffic),
        onNote: (vendor, { reason, detail }) => this.#note(vendor, reason, detail),
      });
      const onEvent = (kind: string, detail: string) => this.#say(kind, detail);
      return new VendorSlot(slotConfig, feed, config, {
        timing,
        usage: this.usage,
        metrics: this.metrics,
        onEvent,
      });
    });
    this.#voices = new Voices(config, timing, this.#slots, (event) => this.#tell(event));
  }

  watch(signals: readonly RouteSignal[]): void {
    this.#watched = new Map(signals.map((signal) => [signal.signalId, signal]));
    this.#voices.keep(new Set(this.#watched.keys()));
    for (const slot of this.#slots) slot.watch(signals);
    const places = new Set(signals.map(placeOf));
    for (const [place, cancel] of this.#pollers) {
      if (places.has(place)) continue;
      cancel();
      this.#pollers.delete(place);
    }
    for (const place of places) if (!this.#pollers.has(place)) this.#poll(place);
  }

  async ask(signals: readonly RouteSignal[], deadlineMs: number, abort?: AbortSignal): Promise<SignalAnswer> {
    const carriers = this.#slots.filter((slot) => signals.some((signal) => slot.own(signal)));
    const candidates = carriers.filter((slot) => slot.unavailable() === undefined);
    const { traffic, answered, problems } = await runQuestion(
      {
        slots: this.#rotation.order(candidates),
        deadlineMs,
        hedgeMs: this.#config.hedgeMs,
        ask: (slot) => this.#askSlot(slot, signals, deadlineMs, abort),
        enough: () => this.#enough(signals),
      },
      this.#deps.timing,
    );
    const states: SignalState[] = [];
    const refused: { reason: string; detail: string }[] = [];
    for (const signal of signals) {
      const settled = this.#voices.settle(signal);
      if (!settled) continue;
      states.push(settled.state);
      if (settled.reason) refused.push({ reason: settled.reason, detail: `signal ${signal.signalId}` });
      this.#deps.onState?.(settled.state);
    }
    if (states.length > 0) return { ok: true, states, refused, traffic };
    const nobody = carriers.length === 0 ? 'not-carried' : 'no-vendor';
    const reason = answered > 0 ? 'nothing-fresh' : (problems.at(-1)?.reason ?? nobody);
    const away = carriers.map(
      (slot) => `${slot.config.name} ${slot.unavailable() ?? slot.lastProblem ?? 'silent'}`,
    );
    return refuse(reason, away.join('; ') || 'no vendor carries these signals', traffic);
  }

  /** The word on a signal by what is known now; undefined where nobody said anything lately. */
  current(signal: RouteSignal): SignalState | undefined {
    return this.#voices.settle(signal)?.state;
  }

  /** For the operator's page. */
  status() {
    return this.#slots.map((slot) => ({ ...slot.status(), trusted: this.#voices.trusted(slot.config.name) }));
  }

  async close(): Promise<void> {
    for (const cancel of this.#pollers.values()) cancel();
    this.#pollers.clear();
    await Promise.all(this.#slots.map((slot) => slot.close()));
    await this.usage.save();
  }

  #enough(signals: readonly RouteSignal[]): 'yes' | 'nearly' | 'no' {
    const { timing } = this.#deps;
    const wishes = signals.map((signal) => {
      const settled = this.#voices.settle(signal);
      // Else a vendor that repeats itself, or is not believed, would have the word of an earlier round grow old.
      const old = settled && timing.nowMs() - settled.state.receivedAtMs > this.#config.pollMs;
      return settled && !old ? this.#voices.hearAnother(settled) : 'must';
    });
    if (wishes.includes('must')) return 'no';
    return wishes.includes('should') ? 'nearly' : 'yes';
  }

  async #askSlot(
    slot: VendorSlot,
    signals: readonly RouteSignal[],
    deadlineMs: number,
    abort: AbortSignal | undefined,
  ): Promise<SignalAnswer> {
    const answer = await slot.ask(signals, deadlineMs, abort);
    if (answer.ok) for (const state of answer.states) this.#voices.record(slot.config.name, state);
    return answer;
  }

  #pushed(vendor: string, states: readonly SignalState[], traffic: Traffic): void {
    this.#slots.find(({ config }) => config.name === vendor)?.meter(traffic);
    for (const state of states) {
      const signal = this.#watched.get(state.signalId);
      if (!signal) continue;
      this.#voices.record(vendor, state);
      const settled = this.#voices.settle(signal);
      if (settled) this.#deps.onState?.(settled.state);
    }
  }

  /** Asks about an intersection now, and again as long as it is watched; one question at a time. */
  #poll(place: string): void {
    const { timing } = this.#deps;
    let cancelled = false;
    let cancelTimer = () => {};
    this.#pollers.set(place, () => {
      cancelled = true;
      cancelTimer();
    });
    const round = async () => {
      const startMs = timing.nowMs();
      const signals = [...this.#watched.values()].filter((signal) => placeOf(signal) === place);
      try {
        await this.ask(signals, startMs + this.#config.deadlineMs);
      } catch (error) {
        // A listener that throws must not end the polling.
        this.#say('failed', String(error));
      }
      if (cancelled) return;
      const pause = Math.max(0, this.#config.pollMs - (timing.nowMs() - startMs));
      cancelTimer = timing.after(pause, () => void round());
    };
    void round();
  }

  /** Counts each; tells it unless the vendor's last one of its kind was told a moment ago. */
  #note(vendor: string, kind: string, detail: string): void {
    const atMs = this.#deps.timing.nowMs();
    const linked = kind === 'connected' || kind === 'disconnected';
    const text = linked ? detail : this.#repeats.pass(`${vendor} ${kind}`, detail, atMs);
    if (text === undefined) this.metrics.events.inc({ kind });
    else this.#tell({ kind, detail: `${vendor}: ${text}`, vendor, atMs });
  }

  #say(kind: string, detail: string): void {
    this.#tell({ kind, detail, atMs: this.#deps.timing.nowMs() });
  }

  #tell(event: MediatorEvent): void {
    this.metrics.events.inc({ kind: event.kind });
    this.#deps.onEvent?.(event);
  }
}

function placeOf({ provider, externalId }: RouteSignal): string {
  return `${provider}/${externalId}`;
}
