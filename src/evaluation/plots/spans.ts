import type { FrameResult, LocalizationState, Stamp } from '../../types.ts';
import { secondsBetween } from '../summarise.ts';

/** A stretch of time in one state, seconds since the run began. */
export interface Span {
  readonly state: LocalizationState;
  readonly from: number;
  readonly to: number;
}

/** From harmless to worst: where several fall on one pixel the worst is shown. */
export const STATES: readonly LocalizationState[] = [
  'TRACKING',
  'INITIALISING',
  'UNINITIALISED',
  'DEGRADED',
  'LOST',
];

/** The states of the run one after the other; each lasts until the next frame's stamp. */
export function spansOf(frames: readonly FrameResult[], start: Stamp): Span[] {
  const spans: { state: LocalizationState; from: number; to: number }[] = [];
  frames.forEach(({ stamp, state }, index) => {
    const to = secondsBetween(start, frames[index + 1]?.stamp ?? stamp);
    const last = spans.at(-1);
    if (last?.state === state) last.to = to;
    else spans.push({ state, from: secondsBetween(start, stamp), to });
  });
  return spans;
}

/** The same stretches, at most one for each of `columns` steps of the time to `end`: the worst state of each step. */
export function coarsen(spans: readonly Span[], end: number, columns: number): Span[] {
  const step = end / columns || 1;
  const worst = new Int8Array(columns).fill(-1);
  for (const { state, from, to } of spans) {
    const severity = STATES.indexOf(state);
    const last = Math.max(Math.floor(from / step) + 1, Math.ceil(to / step - 1e-9));
    for (let column = Math.max(0, Math.floor(from / step)); column < Math.min(last, columns); column++) {
      worst[column] = Math.max(worst[column]!, severity);
    }
  }
  const kept: { state: LocalizationState; from: number; to: number }[] = [];
  worst.forEach((severity, column) => {
    const state = STATES[severity];
    const previous = kept.at(-1);
    if (state === undefined) return;
    if (previous?.state === state && worst[column - 1] === severity) previous.to = (column + 1) * step;
    else kept.push({ state, from: column * step, to: (column + 1) * step });
  });
  return kept;
}
