import type { CrossingConfig } from './crossing-config.ts';
import {
  type CrossingInput,
  crossingSeconds,
  disagreement,
  mayCross,
  type Verdict,
  type WaitReason,
} from './go-rule.ts';
import { lagOf } from './signal-ageing.ts';

export type CrossingPhase = 'APPROACHING' | 'WAITING' | 'GO' | 'CLEARING' | 'CLEARED';

/** Where the guard of one crossing stands. */
export interface CrossingState {
  readonly phase: CrossingPhase;
  /** why it waits; in CLEARING what would have made it wait, for the record */
  readonly reason?: WaitReason | 'place-unknown' | 'stop-line-passed';
  /** for people */
  readonly text: string;
  /** CLEARING should be over by then, ms on the monotonic clock */
  readonly clearByMs?: number;
  /** of the road, m, as it was last known: it must be left also when the signal is no longer given */
  readonly crossingLength?: number | undefined;
  /** feed and camera contradict each other since then, ms on the monotonic clock */
  readonly differsSinceMs?: number | undefined;
  /** told to the operator already and still so */
  readonly told: readonly OperatorEvent['kind'][];
}

/** What an operator must hear of; each is told once, when it begins (or has lasted for longer than a feed lags). */
export interface OperatorEvent {
  readonly kind: 'camera-disagrees' | 'stop-line-passed' | 'on-road-without-go' | 'clearing-late';
  readonly text: string;
}

/** What the guard is told at each step. `toStopLine`: from the robot's front, m, negative past it; absent: unknown. */
export interface CrossingStep extends CrossingInput {
  readonly toStopLine?: number | undefined;
}

export const newCrossing: CrossingState = { phase: 'APPROACHING', text: 'not there yet', told: [] };

/**
 * One step of the guard, at 10 Hz or so. The robot may enter the road in GO and must leave it in CLEARING; else it
 * stands before the stop line. The commit point is the stop line passed by the robot's front: a GO that is revoked
 * before becomes WAITING, and nothing revokes it after, until the rear is at the far kerb.
 */
export function stepCrossing(
  state: CrossingState,
  input: CrossingStep,
  nowMs: number,
  config: CrossingConfig,
): { readonly state: CrossingState; readonly events: readonly OperatorEvent[] } {
  if (state.phase === 'CLEARED') return { state, events: [] };
  const verdict = mayCross(input, nowMs, config);
  const phase = nextPhase(state, input, verdict, nowMs, config);
  const differs = phase.phase !== 'APPROACHING' && disagreement(input, nowMs, config);
  const next = { ...phase, differsSinceMs: differs ? (state.differsSinceMs ?? nowMs) : undefined };
  const raised = eventsOf(state, next, input, nowMs, config);
  return {
    state: { ...next, told: raised.map(({ kind }) => kind) },
    events: raised.filter(({ kind }) => !state.told.includes(kind)),
  };
}

type Next = Omit<CrossingState, 'told'>;

function nextPhase(
  state: CrossingState,
  { toStopLine, signal }: CrossingStep,
  verdict: Verdict,
  nowMs: number,
  config: CrossingConfig,
): Next {
  const length = signal?.crossingLength ?? state.crossingLength;
  if (state.phase === 'CLEARING') {
    if (length !== undefined && toStopLine !== undefined && -toStopLine >= length + config.robot.length)
      return { phase: 'CLEARED', text: 'over the road' };
    return clearing(verdict, state.clearByMs!, length);
  }
  if (toStopLine === undefined || !Number.isFinite(toStopLine))
    return { phase: 'WAITING', reason: 'place-unknown', text: 'it is not known how far the stop line is' };
  if (toStopLine > config.guard.approachDistance)
    return { phase: 'APPROACHING', text: `${toStopLine.toFixed(0)} m to the stop line` };
  const past = toStopLine <= 0;
  // Wholly on the road without a GO (a restart, a push): to stand there is worse than to leave it.
  const inRoad = -toStopLine >= config.robot.length;
  if (past && (state.phase === 'GO' || verdict.go || inRoad))
    return clearing(verdict, nowMs + 1000 * crossingSeconds(length ?? 0, config), length);
  if (verdict.go) return { phase: 'GO', text: verdict.text, crossingLength: length };
  if (!past) return { phase: 'WAITING', reason: verdict.reason, text: verdict.text };
  const over = `${(-toStopLine).toFixed(1)} m over the stop line without GO: ${verdict.text}`;
  return { phase: 'WAITING', reason: 'stop-line-passed', text: over };
}

function clearing(verdict: Verdict, clearByMs: number, crossingLength: number | undefined): Next {
  const where = { phase: 'CLEARING', clearByMs, crossingLength } as const;
  if (verdict.go) return { ...where, text: `crossing: ${verdict.text}` };
  return { ...where, reason: verdict.reason, text: `crossing, not to be stopped by: ${verdict.text}` };
}

/** All that an operator should know of now, told before or not. */
function eventsOf(
  before: CrossingState,
  next: Next,
  input: CrossingStep,
  nowMs: number,
  config: CrossingConfig,
): OperatorEvent[] {
  const events: OperatorEvent[] = [];
  const differs = next.differsSinceMs === undefined ? undefined : disagreement(input, nowMs, config);
  // At each change of the light the camera is ahead of the feed by its lag: that is no fault.
  if (differs && nowMs - next.differsSinceMs! > 1000 * lagOf(input.answer!.state.provider, config.ageing))
    events.push({
      kind: 'camera-disagrees',
      text: `the feed says ${differs.feed}, the camera sees ${differs.camera}`,
    });
  if (next.reason === 'stop-line-passed') events.push({ kind: 'stop-line-passed', text: next.text });
  if (next.phase !== 'CLEARING') return events;
  const entered = before.phase !== 'CLEARING' && before.phase !== 'GO' && next.reason !== undefined;
  if (entered || before.told.includes('on-road-without-go'))
    events.push({ kind: 'on-road-without-go', text: 'on the road without GO; it leaves by the far kerb' });
  if (nowMs > next.clearByMs!)
    events.push({ kind: 'clearing-late', text: 'still on the road after the time that the crossing needs' });
  return events;
}
