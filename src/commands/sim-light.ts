import type { SignalPhase } from '../types.ts';

/** Of the crossing in a simulated drive, seconds. GO needs about 18 s of walk for its 14.6 m. */
export const LIGHT = { cycle: 60, walk: 26, clearance: 15 } as const;

/** What the light shows `seconds` into a drive, and how long still; `shift`: where in its cycle the drive begins, s. */
export function lightAt(seconds: number, shift: number): { phase: SignalPhase; remaining: number } {
  const { cycle, walk, clearance } = LIGHT;
  const at = (((seconds + shift) % cycle) + cycle) % cycle;
  if (at < walk) return { phase: 'walk', remaining: walk - at };
  if (at < walk + clearance) return { phase: 'clearance', remaining: walk + clearance - at };
  return { phase: 'stop', remaining: cycle - at };
}
