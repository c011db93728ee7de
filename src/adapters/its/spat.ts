import type { RefusedInput } from '../../ports.ts';
import type { RouteSignal, SignalPhase, SignalState } from '../../types.ts';
import { phaseOfName } from './phases.ts';

/** One intersection of a J2735 SPaT, whatever encoded it. Time marks count tenths of a second in the UTC hour. */
export interface SpatIntersection {
  readonly id: number;
  readonly region?: number;
  /** IntersectionStatusObject: bit i of the standard is `1 << i` here */
  readonly status: number;
  /** minute of the UTC year */
  readonly moy?: number;
  /** ms within the minute; 65535 is unavailable */
  readonly timeStamp?: number;
  /** ms since the Unix epoch, where the encoding has a full time */
  readonly utcTime?: number;
  readonly movements: readonly SpatMovement[];
}

export interface SpatMovement {
  readonly signalGroup: number;
  /** name of a MovementPhaseState of what shows now */
  readonly eventState: string;
  readonly minEnd?: Mark;
  readonly maxEnd?: Mark;
  readonly likely?: Mark;
}

/** A TimeMark, or a full UTC time as ms since the Unix epoch (encodings for people have these). */
export type Mark = { readonly tenths: number } | { readonly utcTime: number };

/** When and by what way a message came. */
export interface Receipt {
  readonly provider: string;
  /** ms on the monotonic clock */
  readonly receivedAtMs: number;
  /** ms since the Unix epoch by our clock: only to tell the year and the minute that the message leaves out */
  readonly receivedWallMs: number;
}

/** J2735: the names of the status bits, in order. */
export const STATUS_BITS = [
  'manualControlIsEnabled',
  'stopTimeIsActivated',
  'failureFlash',
  'preemptIsActive',
  'signalPriorityIsActive',
  'fixedTimeOperation',
  'trafficDependentOperation',
  'standbyOperation',
  'failureMode',
  'off',
  'recentMAPmessageUpdate',
  'recentChangeInMAPassignedLanesIDsUsed',
  'noValidMAPisAvailableAtThisTime',
  'noValidSPATisAvailableAtThisTime',
] as const;
const bits = (...names: (typeof STATUS_BITS)[number][]) =>
  names.reduce((mask, name) => mask | (1 << STATUS_BITS.indexOf(name)), 0);
const FAULT = bits(
  'manualControlIsEnabled',
  'stopTimeIsActivated',
  'failureFlash',
  'preemptIsActive',
  'standbyOperation',
  'failureMode',
  'off',
);
const NOT_VALID = bits('noValidSPATisAvailableAtThisTime');

const HOUR_TENTHS = 36_000;
const MINUTE = 60_000;
/** MinuteOfTheYear: "unavailable" */
const NO_MINUTE = 527_040;

/**
 * The states of signals out of the intersections of one message. Signals of other intersections are left out; an
 * intersection that is ours and cannot be used is refused: `intersection-twice`, `no-source-time`, `no-such-head`,
 * `group-twice`.
 */
export function spatStates(
  spat: readonly SpatIntersection[],
  signals: readonly RouteSignal[],
  receipt: Receipt,
): { states: SignalState[]; refused: RefusedInput[] } {
  const states: SignalState[] = [];
  const refused: RefusedInput[] = [];
  for (const signal of signals) {
    const [intersection, ...more] = spat.filter((one) => isOf(one, signal.externalId));
    if (!intersection) continue;
    const state = more.length > 0 ? twice(signal, more.length + 1) : stateOf(intersection, signal, receipt);
    if ('reason' in state) refused.push(state);
    else states.push(state);
  }
  return { states, refused };
}

function twice({ signalId, externalId }: RouteSignal, count: number): RefusedInput {
  const detail = `signal ${signalId}: expected intersection ${externalId} once, found it ${count} times`;
  return { reason: 'intersection-twice', detail };
}

/** `12111`, or `region:id`; region 0 and no region are the same (the ODE writes either). */
function isOf(one: SpatIntersection, externalId: string): boolean {
  const region = one.region ?? 0;
  return externalId === `${region}:${one.id}` || (region === 0 && externalId === String(one.id));
}

function stateOf(
  one: SpatIntersection,
  { signalId, head }: RouteSignal,
  receipt: Receipt,
): SignalState | RefusedInput {
  const where = `signal ${signalId}, intersection ${one.id}`;
  const sourceTime = sourceTimeOf(one, receipt.receivedWallMs);
  if (sourceTime === undefined)
    return { reason: 'no-source-time', detail: `${where}: expected moy or timeStamp, found neither` };
  const ours = one.movements.filter(({ signalGroup }) => String(signalGroup) === head);
  if (ours.length !== 1)
    return {
      reason: ours.length === 0 ? 'no-such-head' : 'group-twice',
      detail: `${where}: expected signal group ${head} once, found it ${ours.length} times`,
    };
  const movement = ours[0]!;
  const phase = phaseUnder(one.status, movement.eventState);
  const remaining = phase === 'unknown' ? undefined : remainingOf(movement, sourceTime, saysMinute(one));
  return {
    signalId,
    phase,
    ...(remaining && { remaining }),
    sourceTime,
    timingSourceTime: sourceTime,
    receivedAtMs: receipt.receivedAtMs,
    provider: receipt.provider,
    raw: { status: one.status, moy: one.moy, timeStamp: one.timeStamp, ...movement },
  };
}

function phaseUnder(status: number, eventState: string): SignalPhase {
  if (status & FAULT) return 'fault';
  if (status & NOT_VALID) return 'unknown';
  return phaseOfName(eventState) ?? 'unknown';
}

/** By `moy` and `timeStamp` of the year, or by `timeStamp` of the minute, that is closest to our clock. */
function sourceTimeOf(one: SpatIntersection, wallMs: number): number | undefined {
  if (one.utcTime !== undefined) return one.utcTime;
  // Up to 60999 for leap seconds; the rest is reserved, 65535 unavailable.
  const inMinute = one.timeStamp !== undefined && one.timeStamp < 61_000 ? one.timeStamp : undefined;
  // Without the second a minute is too coarse to be a time.
  if (inMinute === undefined) return undefined;
  if (one.moy !== undefined && one.moy < NO_MINUTE) {
    const year = new Date(wallMs).getUTCFullYear();
    return closest(
      [year - 1, year, year + 1].map((y) => Date.UTC(y) + one.moy! * MINUTE + inMinute),
      wallMs,
    );
  }
  const minute = Math.floor(wallMs / MINUTE) * MINUTE;
  return closest(
    [minute - MINUTE, minute, minute + MINUTE].map((start) => start + inMinute),
    wallMs,
  );
}

function closest(times: readonly number[], wallMs: number): number {
  return times.reduce((best, time) => (Math.abs(time - wallMs) < Math.abs(best - wallMs) ? time : best));
}

/** Else only our own clock tells the minute, which may be wrong. */
function saysMinute({ utcTime, moy }: SpatIntersection): boolean {
  return utcTime !== undefined || (moy !== undefined && moy < NO_MINUTE);
}

/**
 * Absent unless the minimum is known: the maximum alone promises nothing. Where the source says only the second of the
 * minute, a mark a minute ahead or more is unknown: a clock of ours that is minutes slow would make each mark later.
 */
function remainingOf(
  movement: SpatMovement,
  sourceTime: number,
  minuteKnown: boolean,
): SignalState['remaining'] {
  const min = secondsUntil(movement.minEnd, sourceTime);
  if (min === undefined || (!minuteKnown && min >= MINUTE / 1000)) return undefined;
  const likely = secondsUntil(movement.likely, sourceTime);
  const max = secondsUntil(movement.maxEnd, sourceTime);
  return { min, ...(likely !== undefined && { likely }), ...(max !== undefined && { max }) };
}

/**
 * A mark wraps at 36000; 36000 ("over an hour") and 36001 ("undefined") are unknown. A mark of the last half hour is
 * past: 0 seconds.
 */
function secondsUntil(mark: Mark | undefined, sourceTime: number): number | undefined {
  if (!mark) return undefined;
  if ('utcTime' in mark) return Math.max(0, (mark.utcTime - sourceTime) / 1000);
  if (!(mark.tenths >= 0 && mark.tenths < HOUR_TENTHS)) return undefined;
  const now = (sourceTime / 100) % HOUR_TENTHS;
  const ahead = (mark.tenths - now + HOUR_TENTHS) % HOUR_TENTHS;
  return ahead < HOUR_TENTHS / 2 ? ahead / 10 : 0;
}
