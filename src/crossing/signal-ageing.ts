import type { SignalState } from '../types.ts';
import type { AgeingConfig } from './crossing-config.ts';

/** What is remembered of one provider's clock. Times in ms: `source` by its clock, `received` by ours. */
interface SourceClock {
  readonly sourceTime: number;
  readonly receivedAtMs: number;
  readonly content: string;
  /** difference of the two clocks plus the shortest lag seen; unknown before the second answer */
  readonly baselineMs?: number;
  readonly verdict: Pick<AgedSignal, 'clock' | 'lateSeconds'>;
}

/** The newest answer about one signal, and what its source's own clock says about it. */
export interface AgedSignal {
  readonly state: SignalState;
  /**
   * `first`: nothing to compare with; `advanced`: later than the answer before; `stuck`: not later, though it says
   * something else; `jumped`: ahead of where that clock can be.
   */
  readonly clock: 'first' | 'advanced' | 'stuck' | 'jumped';
  /** how much later than the quickest answers of its source it came, s */
  readonly lateSeconds: number;
  readonly sources: Readonly<Record<string, SourceClock>>;
}

/**
 * Takes in one answer. Neither clock is trusted to be right, only to run evenly: an answer came late by
 * (received − source time) beyond the smallest such difference that two answers in a row have shown (one alone may be
 * a slip). That smallest difference may rise by `maxClockDrift` only, so that a queue that grows is never taken for a
 * clock. An answer that repeats the last one word for word is a copy from a cache: it makes nothing younger. Nor does an
 * answer that is told again, amended by what others said: it came when it came, and its clock is judged already.
 */
export function ageSignal(
  before: AgedSignal | undefined,
  state: SignalState,
  config: AgeingConfig,
): AgedSignal {
  const last = before?.sources[state.provider];
  const content = JSON.stringify([state.signalId, state.phase, state.remaining, state.timingSourceTime]);
  const sources = before?.sources ?? {};
  if (before && last && last.sourceTime === state.sourceTime) {
    if (last.receivedAtMs === state.receivedAtMs)
      return { state, ...last.verdict, sources: { ...sources, [state.provider]: { ...last, content } } };
    if (last.content === content) return before;
  }
  const offset = state.receivedAtMs - state.sourceTime;
  const source = { sourceTime: state.sourceTime, receivedAtMs: state.receivedAtMs, content };
  if (!last) {
    const verdict = { clock: 'first', lateSeconds: 0 } as const;
    return { state, ...verdict, sources: { ...sources, [state.provider]: { ...source, verdict } } };
  }
  const baselineMs = baselineOf(last, offset, state.receivedAtMs, config);
  const early = baselineMs - offset > 1000 * lagOf(state.provider, config);
  const verdict = {
    clock: !(state.sourceTime > last.sourceTime) ? 'stuck' : early ? 'jumped' : 'advanced',
    lateSeconds: Math.max(0, offset - baselineMs) / 1000,
  } as const;
  return { state, ...verdict, sources: { ...sources, [state.provider]: { ...source, baselineMs, verdict } } };
}

function baselineOf(
  last: SourceClock,
  offset: number,
  receivedAtMs: number,
  { maxClockDrift }: AgeingConfig,
): number {
  const ofTwo = Math.max(offset, last.receivedAtMs - last.sourceTime);
  if (last.baselineMs === undefined) return ofTwo;
  return Math.min(ofTwo, last.baselineMs + maxClockDrift * (receivedAtMs - last.receivedAtMs));
}

/** Seconds since the answer came, and those that it came late: what can be measured of its age. */
export function seenAge(signal: AgedSignal, nowMs: number): number {
  return (nowMs - signal.state.receivedAtMs) / 1000 + signal.lateSeconds;
}

/**
 * The greatest plausible age of the phase, s: what can be measured, and the lag that all answers of the source share
 * and that nobody can measure without a common clock. NaN for an answer from the future, which no limit admits.
 */
export function phaseAge(signal: AgedSignal, nowMs: number, config: AgeingConfig): number {
  if (!(nowMs >= signal.state.receivedAtMs)) return Number.NaN;
  return seenAge(signal, nowMs) + lagOf(signal.state.provider, config);
}

/** Likewise of the remaining time, which has a source time of its own; NaN where it has none. */
export function timingAge(signal: AgedSignal, nowMs: number, config: AgeingConfig): number {
  const { sourceTime, timingSourceTime = Number.NaN } = signal.state;
  // A timing stamped later than its phase gains nothing by it: the answer came when it came.
  return phaseAge(signal, nowMs, config) + Math.max(0, sourceTime - timingSourceTime) / 1000;
}

/** Seconds that lie unseen between a light and the answers of this provider, at most. */
export function lagOf(provider: string, config: AgeingConfig): number {
  return config.providerLag[provider] ?? config.plausibleLag;
}
