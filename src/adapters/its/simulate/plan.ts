import type { RouteSignal, SignalPhase } from '../../../types.ts';

/** A fixed-time plan, seconds: all crossings of an intersection share the cycle, its two roads take turns. */
export interface Plan {
  readonly cycle: number;
  readonly walk: number;
}

/** What a light truly shows. */
export interface Truth {
  readonly phase: Extract<SignalPhase, 'stop' | 'walk' | 'clearance'>;
  /** s until the phase ends */
  readonly remaining: number;
}

/** People on foot are given 1 s a metre, and walk at 1 m/s once the clearance begins. */
function clearanceOf(signal: RouteSignal): number {
  return Math.ceil(signal.crossingLength);
}

/** The second half of the cycle belongs to the road east–west, or to even groups. */
function offsetOf({ head }: RouteSignal, cycle: number): number {
  const second = /^\d+$/.test(head) ? Number(head) % 2 === 0 : ['et', 'wt', 'ne', 'sw'].includes(head);
  return second ? cycle / 2 : 0;
}

/** What the light shows at `wallMs` (ms since the Unix epoch). */
export function truthAt(signal: RouteSignal, plan: Plan, wallMs: number): Truth {
  const { cycle, walk } = plan;
  const clearance = Math.min(clearanceOf(signal), cycle / 2 - walk);
  const at = (((wallMs / 1000 - offsetOf(signal, cycle)) % cycle) + cycle) % cycle;
  if (at < walk) return { phase: 'walk', remaining: walk - at };
  if (at < walk + clearance) return { phase: 'clearance', remaining: walk + clearance - at };
  return { phase: 'stop', remaining: cycle - at };
}
