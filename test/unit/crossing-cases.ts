import { type CrossingConfig, crossingConfig } from '../../src/crossing/crossing-config.ts';
import type { CrossingInput } from '../../src/crossing/go-rule.ts';
import { type AgedSignal, ageSignal } from '../../src/crossing/signal-ageing.ts';
import type { RouteSignal, SignalState } from '../../src/types.ts';

export const config: CrossingConfig = crossingConfig.parse({});

/** 12 m of road: 1 + (12 + 1) / 1.2 + 3 = 14.83 s are needed by default. */
export const SIGNAL: RouteSignal = {
  signalId: 'gangnam-12',
  provider: 'mqtt-spat',
  externalId: '2691',
  head: 'nt',
  verifiedAt: '2026-05-02T09:00:00Z',
  crossingLength: 12,
};

/** An hour by the source's clock that has nothing to do with ours. */
export const SOURCE_EPOCH = 1_790_000_000_000;

/** An answer that left its source when it reached us, `atMs` on our clock. */
export function answered(atMs: number, more: Partial<SignalState> = {}): SignalState {
  return {
    signalId: SIGNAL.signalId,
    phase: 'walk',
    remaining: { min: 30 },
    sourceTime: SOURCE_EPOCH + atMs,
    timingSourceTime: SOURCE_EPOCH + atMs,
    receivedAtMs: atMs,
    provider: 'mqtt-spat',
    raw: null,
    ...more,
  };
}

/** What is known after these answers. */
export function aged(...states: SignalState[]): AgedSignal {
  let signal: AgedSignal | undefined;
  for (const state of states) signal = ageSignal(signal, state, config.ageing);
  return signal!;
}

/** Everything as it must be for GO at `nowMs`, the light of two answers a second apart. */
export function fine(nowMs: number, more: Partial<SignalState> = {}): CrossingInput {
  return {
    signal: SIGNAL,
    signalMapVersion: 7,
    mapVersion: 7,
    answer: aged(answered(nowMs - 1000, more), answered(nowMs, more)),
    camera: { kind: 'sees', phase: 'walk', seenAtMs: nowMs },
    obstacles: { veto: false, checkedAtMs: nowMs },
  };
}
