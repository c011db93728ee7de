import { isDeepStrictEqual } from 'node:util';
import type { RefusedInput } from '../../ports.ts';
import { Refusal, type RouteSignal, type SignalState } from '../../types.ts';
import { excerpt, isRecord, type Json } from './body.ts';
import { phaseOfName } from './phases.ts';

/** What a Korean feed says of one intersection at one time: a row of `ntPdsgRmdrCs`, `ntPdsgStatNm` and relatives. */
export interface HeadRow {
  readonly intersection: string;
  /** ms since the Unix epoch */
  readonly sourceTime: number;
  readonly row: Json;
}

/** How a feed spells its fields. */
export interface Spelling {
  readonly id: string;
  readonly state: string;
  readonly remaining: string;
  /** ms since the Unix epoch; undefined where the row has no usable time */
  readonly time: (row: Json) => number | undefined;
}

/** V2X feeds say "unknown" by 36000 and more (J2735: 36000 over an hour, 36001 undefined). */
const UNKNOWN_FROM = 36_000;
/** Where the arm of the intersection lies. */
export const HEADS: readonly string[] = ['nt', 'et', 'st', 'wt', 'ne', 'se', 'sw', 'nw'];

/**
 * The newest row of one intersection. Throws a Refusal: `no-rows`, `wrong-id` (the vendor answered for another
 * intersection), `no-source-time`, `row-twice` (two newest ones that differ).
 */
export function rowOf(rows: readonly unknown[], intersection: string, spelling: Spelling): HeadRow {
  const found = rows.filter(isRecord);
  if (found.length === 0)
    throw new Refusal('no-rows', `expected a row of intersection ${intersection}, found none`);
  const ours = found.filter((row) => idOf(row[spelling.id]) === intersection);
  if (ours.length === 0)
    throw new Refusal(
      'wrong-id',
      `expected ${spelling.id} ${intersection}, found ${excerpt(found[0]![spelling.id])}`,
    );
  let newest: HeadRow | undefined;
  let differs = false;
  for (const row of ours) {
    const sourceTime = spelling.time(row);
    if (sourceTime === undefined || (newest && newest.sourceTime > sourceTime)) continue;
    if (newest?.sourceTime === sourceTime) differs ||= !isDeepStrictEqual(newest.row, row);
    else [newest, differs] = [{ intersection, sourceTime, row }, false];
  }
  if (differs)
    throw new Refusal(
      'row-twice',
      `intersection ${intersection}: expected one newest row, found two that differ`,
    );
  if (newest) return newest;
  throw new Refusal('no-source-time', `intersection ${intersection}: expected the time of the source`);
}

function idOf(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value).trim() : undefined;
}

/** The raw remaining time of a head in units of the feed; undefined for null, "", -1, 36000 and more, and non-numbers. */
export function rawRemaining(row: Json, head: string, spelling: Spelling): number | undefined {
  const value = row[`${head}Pdsg${spelling.remaining}`];
  const number =
    typeof value === 'number'
      ? value
      : typeof value === 'string' && value.trim()
        ? Number(value)
        : Number.NaN;
  return number >= 0 && number < UNKNOWN_FROM ? number : undefined;
}

/** What came of one head: as for the record, and for the check of its unit. */
export interface HeadReading {
  readonly signal: RouteSignal;
  readonly state: SignalState;
  /** remaining time in units of the feed, where it says one */
  readonly raw?: number;
}

/**
 * The states of signals out of a row that has names and one that has timing (the same row in a fused feed). The state
 * has no `remaining` yet: that needs the unit of the feed, see `withTiming`.
 */
export function readHeads(
  signals: readonly RouteSignal[],
  names: HeadRow,
  timing: HeadRow | undefined,
  spelling: Spelling,
  provider: string,
  receivedAtMs: number,
): { readings: HeadReading[]; refused: RefusedInput[] } {
  const readings: HeadReading[] = [];
  const refused: RefusedInput[] = [];
  for (const signal of signals) {
    const { signalId, head } = signal;
    const key = `${head}Pdsg${spelling.state}`;
    const name = names.row[key];
    if (!HEADS.includes(head) || name === undefined || name === null || name === '') {
      const detail = `signal ${signalId}: expected ${key} of intersection ${names.intersection}, found none`;
      refused.push({ reason: 'no-such-head', detail });
      continue;
    }
    const phase = typeof name === 'string' ? phaseOfName(name.trim()) : undefined;
    if (phase === undefined)
      refused.push({
        reason: 'unknown-state-name',
        detail: `signal ${signalId}: ${key} is ${excerpt(name)}`,
      });
    const raw = timing && rawRemaining(timing.row, head, spelling);
    const state = {
      signalId,
      phase: phase ?? 'unknown',
      sourceTime: names.sourceTime,
      ...(timing && { timingSourceTime: timing.sourceTime }),
      receivedAtMs,
      provider,
      raw: { [key]: name, [`${head}Pdsg${spelling.remaining}`]: raw ?? null },
    } satisfies SignalState;
    readings.push({ signal, state, ...(raw !== undefined && { raw }) });
  }
  return { readings, refused };
}

/** The state with its remaining time, `unitsPerSecond` being proven; the state alone where there is none to tell. */
export function withTiming({ state, raw }: HeadReading, unitsPerSecond: number | undefined): SignalState {
  if (raw === undefined || unitsPerSecond === undefined || state.phase === 'unknown') return state;
  const seconds = raw / unitsPerSecond;
  // A countdown promises its end: neither sooner nor later.
  return { ...state, remaining: { min: seconds, likely: seconds, max: seconds } };
}
