import { CITY_START } from '../adapters/sim/city/city-drive.ts';
import { Random } from '../math/random.ts';
import type { SignalPhase, SignalState } from '../types.ts';
import type { Outside } from './sim-run.ts';

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

/** s: between the light and what its vendor says of it; between two of its words; until a door stands open; m */
const LAG = 0.3;
const WORD = 1;
const DOOR_OPENS = 3;
const DOOR_CALL = 12;

/** A light, its vendor and a door without faults, in step with the drive. */
export class QuietCity implements Outside {
  readonly #shift: number;
  readonly #signalId: string;
  readonly #provider: string;
  #said = Number.NEGATIVE_INFINITY;
  #asked: number | undefined;

  constructor(seed: number, signalId: string, provider: string) {
    this.#shift = new Random(seed + 9 * 2 ** 32).uniform(0, LIGHT.cycle);
    this.#signalId = signalId;
    this.#provider = provider;
  }

  light(seconds: number): SignalPhase {
    return lightAt(seconds, this.#shift).phase;
  }

  nowMs(seconds: number): number {
    return 1000 * seconds;
  }

  hear(seconds: number): SignalState[] {
    if (seconds - this.#said < WORD - 1e-6) return [];
    this.#said = seconds;
    const { phase, remaining } = lightAt(seconds - LAG, this.#shift);
    const sourceTime = Number(CITY_START / 1_000_000n) + Math.round(1000 * (seconds - LAG));
    const who = { signalId: this.#signalId, provider: this.#provider };
    const when = { sourceTime, timingSourceTime: sourceTime, receivedAtMs: 1000 * seconds };
    return [{ ...who, phase, remaining: { min: remaining }, ...when, raw: null }];
  }

  door(metres: number, seconds: number): boolean {
    if (metres < DOOR_CALL) this.#asked ??= seconds;
    return this.#asked !== undefined && seconds - this.#asked > DOOR_OPENS;
  }
}
