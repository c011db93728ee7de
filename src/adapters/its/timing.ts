import type { Clock } from '../../ports.ts';

/** Time as the outside gives it: the machine's, or a simulation's. */
export interface Timing extends Clock {
  /** ms since the Unix epoch: only to read stamps that leave out their date */
  wallMs(): number;
  /** Runs once after `ms`, unless the returned function is called before. */
  after(ms: number, run: () => void): () => void;
}

/** The machine's clocks. */
export const machineTiming: Timing = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

/** Uniform in [0, 1). */
export type Chance = () => number;

/**
 * The pause before attempt `attempt` (0 is the first again): doubling from `minMs` to `maxMs`, of which half is by
 * chance, so that robots do not come back all at once.
 */
export function backoffMs(attempt: number, minMs: number, maxMs: number, chance: Chance): number {
  const full = Math.min(maxMs, minMs * 2 ** Math.min(attempt, 30));
  return full * (0.5 + chance() / 2);
}
