import { FakeDoor } from '../adapters/its/simulate/building.ts';
import { CITY_START } from '../adapters/sim/city/city-drive.ts';
import { DOOR_ID } from '../adapters/sim/city/graph.ts';
import { Random } from '../math/random.ts';
import type { DoorState } from '../types/building.ts';
import type { SignalPhase, SignalState } from '../types.ts';
import type { ItsParts } from './open-signals.ts';
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

/** s: between the light and what its vendor says of it; between two of its words, and of the door's */
const LAG = 0.3;
const WORD = 1;

/** A light, its vendor and a door without faults, in step with the drive. */
export class QuietCity implements Outside {
  readonly its: ItsParts;
  readonly #shift: number;
  readonly #signalId: string;
  readonly #provider: string;
  readonly #door = new FakeDoor(DOOR_ID);
  #seconds = 0;
  #saidAt = Number.NEGATIVE_INFINITY;
  #onSignal: (state: SignalState) => void = () => {};
  #onDoor: (state: DoorState) => void = () => {};

  constructor(seed: number, signalId: string, provider: string) {
    this.#shift = new Random(seed + 9 * 2 ** 32).uniform(0, LIGHT.cycle);
    this.#signalId = signalId;
    this.#provider = provider;
    const traffic = { calls: 0, bytes: 0 };
    this.its = {
      signals: (listener) => {
        this.#onSignal = (state) => listener.state(state);
        return {
          watch: () => {},
          ask: async () => ({ ok: false, reason: 'silent', detail: 'it speaks by itself', traffic }),
          close: async () => {},
        };
      },
      buildings: (watcher) => {
        this.#onDoor = (state) => watcher.door(state);
        return {
          request: async (request) => {
            if (request.kind === 'door') this.#door.request(request, 1000 * this.#seconds);
            return true;
          },
          close: async () => {},
        };
      },
      health: () => [],
      metrics: async () => '',
    };
  }

  light(seconds: number): SignalPhase {
    return lightAt(seconds, this.#shift).phase;
  }

  nowMs(seconds: number): number {
    return 1000 * seconds;
  }

  step(seconds: number): void {
    this.#seconds = seconds;
    if (seconds - this.#saidAt < WORD - 1e-6) return;
    this.#saidAt = seconds;
    const { phase, remaining } = lightAt(seconds - LAG, this.#shift);
    const sourceTime = Number(CITY_START / 1_000_000n) + Math.round(1000 * (seconds - LAG));
    const who = { signalId: this.#signalId, provider: this.#provider };
    const when = { sourceTime, timingSourceTime: sourceTime, receivedAtMs: 1000 * seconds };
    this.#onSignal({ ...who, phase, remaining: { min: remaining }, ...when, raw: null });
    this.#onDoor(this.#door.state(1000 * seconds));
  }

  isDoorOpen(): boolean {
    return this.#door.state(1000 * this.#seconds).mode === 'OPEN';
  }
}
