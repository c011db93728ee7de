import type { RefusedInput, SignalAnswer, SignalFeed, Traffic } from '../../ports.ts';
import { type RouteSignal, refusalReason, type SignalState } from '../../types.ts';
import type { Chance, Timing } from './timing.ts';

/** What every vendor is made with. */
export interface VendorContext {
  readonly timing: Timing;
  readonly chance: Chance;
  /** States that came without being asked for. */
  readonly onStates: (states: readonly SignalState[], traffic: Traffic) => void;
  /** What was not used, and connections that came and went; `reason` is a kebab-case word. */
  readonly onNote: (vendor: string, note: RefusedInput) => void;
}

/** A feed whose signals have the vendor's own ids by now (see `Carrier`). */
export type Vendor = SignalFeed;

export const NO_TRAFFIC: Traffic = { calls: 0, bytes: 0 };

export function refuse(
  reason: string,
  detail: string,
  traffic: Traffic = NO_TRAFFIC,
  retryAfterMs?: number,
): SignalAnswer {
  return { ok: false, reason, detail, traffic, ...(retryAfterMs !== undefined && { retryAfterMs }) };
}

/** What went wrong as a tagged refusal; errors that are nobody's refusal count as `failed`. */
export function refusalOf(error: unknown): RefusedInput {
  const reason = refusalReason(error) ?? 'failed';
  return { reason, detail: error instanceof Error ? error.message : String(error) };
}

/** Signals by their intersection: however many signals it has, it is asked once. */
export function byIntersection(signals: readonly RouteSignal[]): Map<string, RouteSignal[]> {
  const groups = new Map<string, RouteSignal[]>();
  for (const signal of signals) {
    const group = groups.get(signal.externalId);
    if (group) group.push(signal);
    else groups.set(signal.externalId, [signal]);
  }
  return groups;
}

/** The signals of a route that are near enough to be asked for: `distance` is along the route, negative behind us, m. */
export function signalsAhead(
  crossings: readonly { readonly signal: RouteSignal; readonly distance: number }[],
  queryDistance: number,
): RouteSignal[] {
  return crossings
    .filter(({ signal, distance }) => distance <= queryDistance && distance >= -signal.crossingLength)
    .map(({ signal }) => signal);
}
