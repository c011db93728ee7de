import type { SignalPhase } from '../../types.ts';

/**
 * SAE J2735 MovementPhaseState for people on foot, in the order of its numbers. Flashing red (2) and flashing yellow
 * (9) mean a signal out of order; red with yellow (4) is still no walk.
 */
const STATES: readonly (readonly [name: string, phase: SignalPhase])[] = [
  ['unavailable', 'unknown'],
  ['dark', 'dark'],
  ['stop-then-proceed', 'fault'],
  ['stop-and-remain', 'stop'],
  ['pre-movement', 'stop'],
  ['permissive-movement-allowed', 'walk'],
  ['protected-movement-allowed', 'walk'],
  ['permissive-clearance', 'clearance'],
  ['protected-clearance', 'clearance'],
  ['caution-conflicting-traffic', 'fault'],
];
const BY_NAME = new Map(STATES);

/**
 * The phase that a feed's state name means, by whole name, case ignored (`_` counts as `-`: the ODE writes
 * PROTECTED_MOVEMENT_ALLOWED). Undefined for every other text.
 */
export function phaseOfName(name: string): SignalPhase | undefined {
  return BY_NAME.get(name.toLowerCase().replaceAll('_', '-'));
}

/** The J2735 name of a MovementPhaseState by its number; undefined outside 0 … 9. */
export function nameOfState(number: number): string | undefined {
  return STATES[number]?.[0];
}

/** The number of a J2735 state by its name, as `phaseOfName` reads it. */
export function stateOfName(name: string): number | undefined {
  const found = STATES.findIndex(([known]) => known === name.toLowerCase().replaceAll('_', '-'));
  return found < 0 ? undefined : found;
}
