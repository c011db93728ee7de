import type { AgeingConfig } from '../crossing/crossing-config.ts';
import { type AgedSignal, ageSignal } from '../crossing/signal-ageing.ts';
import type { SignalFeed } from '../ports.ts';
import type { RouteSignal, SignalState } from '../types.ts';
import type { RobotConfig } from './robot-config.ts';

/** A question that was not answered yet. */
interface Question {
  readonly askedAtMs: number;
  readonly abort: AbortController;
}

/**
 * What the feed says of the signals that are near. States that are pushed count as those that are asked for; who
 * pushes is not asked. A question that is never answered is given up, and asked again.
 */
export class Signals {
  readonly #feed: SignalFeed | undefined;
  readonly #ageing: AgeingConfig;
  readonly #config: RobotConfig;
  readonly #onAnswer: (states: readonly SignalState[]) => void;
  #watched = new Map<string, RouteSignal>();
  readonly #answers = new Map<string, AgedSignal>();
  /** by intersection; when something was last heard of it, or asked, ms */
  readonly #questions = new Map<string, Question>();
  readonly #heardAtMs = new Map<string, number>();

  /** `onAnswer`: what an answer brought; it is to be given to `take`. */
  constructor(
    feed: SignalFeed | undefined,
    ageing: AgeingConfig,
    config: RobotConfig,
    onAnswer: (states: readonly SignalState[]) => void,
  ) {
    this.#feed = feed;
    this.#ageing = ageing;
    this.#config = config;
    this.#onAnswer = onAnswer;
  }

  /** The signals that are near now. What was heard of others is forgotten. */
  watch(signals: readonly RouteSignal[]): void {
    const same =
      signals.length === this.#watched.size && signals.every(({ signalId }) => this.#watched.has(signalId));
    if (same) return;
    this.#watched = new Map(signals.map((signal) => [signal.signalId, signal]));
    for (const id of this.#answers.keys()) if (!this.#watched.has(id)) this.#answers.delete(id);
    const places = new Set(signals.map(placeOf));
    for (const [place, { abort }] of this.#questions) if (!places.has(place)) abort.abort();
    for (const place of this.#heardAtMs.keys()) if (!places.has(place)) this.#heardAtMs.delete(place);
    this.#feed?.watch(signals);
  }

  /** One state, whoever it comes from. False where nobody waits for it. */
  take(state: SignalState): boolean {
    const signal = this.#watched.get(state.signalId);
    if (!signal) return false;
    this.#answers.set(state.signalId, ageSignal(this.#answers.get(state.signalId), state, this.#ageing));
    this.#heardAtMs.set(placeOf(signal), state.receivedAtMs);
    return true;
  }

  answer(signalId: string): AgedSignal | undefined {
    return this.#answers.get(signalId);
  }

  /** Asks about each intersection that nothing was heard of lately; one question at a time. Returns at once. */
  ask(nowMs: number): void {
    const { askAfter, askDeadline } = this.#config;
    for (const [place, { askedAtMs, abort }] of this.#questions) {
      if (nowMs - askedAtMs < 2000 * askDeadline) continue;
      abort.abort();
      this.#questions.delete(place);
    }
    for (const [place, signals] of this.#places()) {
      if (this.#questions.has(place)) continue;
      if (nowMs - (this.#heardAtMs.get(place) ?? Number.NEGATIVE_INFINITY) < 1000 * askAfter) continue;
      this.#heardAtMs.set(place, nowMs);
      void this.#question(place, signals, nowMs);
    }
  }

  async #question(place: string, signals: readonly RouteSignal[], nowMs: number): Promise<void> {
    const question = { askedAtMs: nowMs, abort: new AbortController() };
    this.#questions.set(place, question);
    try {
      const deadlineMs = nowMs + 1000 * this.#config.askDeadline;
      const answer = await this.#feed!.ask(signals, deadlineMs, question.abort.signal);
      if (answer.ok) this.#onAnswer(answer.states);
    } catch {
      // A feed never rejects; one that does has said nothing.
    } finally {
      if (this.#questions.get(place) === question) this.#questions.delete(place);
    }
  }

  #places(): Map<string, RouteSignal[]> {
    const places = new Map<string, RouteSignal[]>();
    if (!this.#feed) return places;
    for (const signal of this.#watched.values()) {
      const place = placeOf(signal);
      const others = places.get(place);
      if (others) others.push(signal);
      else places.set(place, [signal]);
    }
    return places;
  }
}

function placeOf({ provider, externalId }: RouteSignal): string {
  return `${provider}/${externalId}`;
}
