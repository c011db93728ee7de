import { type Arbiter, arbitrate, newArbiter, type SharingRules } from '../../src/crossing/queue-arbiter.ts';
import type { SessionAnswer, SessionRequest } from '../../src/crossing/session-types.ts';
import type { DoorState, LiftState } from '../../src/types/building.ts';

const RULES: SharingRules = { lease: 30, maxHold: 300, patience: 20, maxQueue: 8 };

/** The vendor's side of one door or lift in a test: an arbiter, and a car that needs `travel` seconds to come. */
export class Building {
  #arbiter: Arbiter = newArbiter;
  #arrivesAtMs = 0;
  #bound: string | undefined;
  #floor = 'L2';
  /** faults, switched by a test */
  stuck = false;
  silent = false;
  mode: LiftState['mode'] = 'AGV';
  readonly id: string;
  readonly travel: number;

  constructor(id: string, travel: number) {
    this.id = id;
    this.travel = travel;
  }

  get holder(): string {
    return this.#arbiter.holder?.sessionId ?? '';
  }

  /** What it answers to a request, or because time has passed. */
  hear(request: SessionRequest | undefined, nowMs: number): readonly SessionAnswer[] {
    const { arbiter, answers } = arbitrate(this.#arbiter, request, nowMs, RULES);
    this.#arbiter = arbiter;
    const bound = arbiter.holder && `${arbiter.holder.sessionId} ${arbiter.holder.floor}`;
    if (bound !== this.#bound) this.#arrivesAtMs = nowMs + 1000 * this.travel;
    this.#bound = bound;
    return this.silent ? [] : answers;
  }

  lift(nowMs: number): LiftState {
    const holder = this.#arbiter.holder;
    const there = holder !== undefined && nowMs >= this.#arrivesAtMs && !this.stuck;
    if (there) this.#floor = holder.floor ?? this.#floor;
    return {
      liftId: this.id,
      currentFloor: this.#floor,
      destinationFloor: holder?.floor ?? this.#floor,
      door: there ? 'OPEN' : 'CLOSED',
      motion: 'STOPPED',
      mode: this.mode,
      sessionId: this.holder,
      receivedAtMs: nowMs,
    };
  }

  door(nowMs: number): DoorState {
    const open = this.#arbiter.holder !== undefined && nowMs >= this.#arrivesAtMs && !this.stuck;
    return {
      doorId: this.id,
      mode: open ? 'OPEN' : 'CLOSED',
      ...(this.holder && { sessionId: this.holder }),
      receivedAtMs: nowMs,
    };
  }
}
