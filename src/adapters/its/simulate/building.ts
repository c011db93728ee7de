import type { BuildingRequest } from '../../../ports.ts';
import type { DoorState, LiftState } from '../../../types/building.ts';

/** Time is passed in, ms on any clock that only rises. */

const DOOR_MOVES_MS = 2000;
const FLOOR_MS = 4000;
/** A session that says nothing for so long has lost its lease: a robot that broke down holds no lift for ever. */
const LEASE_MS = 60_000;

/** A door that opens for one session at a time; the next one that asks gets it when it is released. */
export class FakeDoor {
  readonly #id: string;
  #open = false;
  #since = Number.NEGATIVE_INFINITY;
  #holder: { session: string; sequence: number; heardMs: number } | undefined;
  stuck = false;

  constructor(id: string) {
    this.#id = id;
  }

  /** Old sequence numbers and other sessions change nothing. */
  request({ sessionId, sequence, open }: Extract<BuildingRequest, { kind: 'door' }>, nowMs: number): void {
    this.#expire(nowMs);
    const holder = this.#holder;
    if (holder && (holder.session !== sessionId || sequence < holder.sequence)) return;
    if (!holder && !open) return;
    this.#holder = open ? { session: sessionId, sequence, heardMs: nowMs } : undefined;
    this.#set(open, nowMs);
  }

  state(nowMs: number): DoorState {
    this.#expire(nowMs);
    const moving = nowMs - this.#since < DOOR_MOVES_MS;
    const opened = this.#open && !this.stuck;
    const mode = moving && !this.stuck ? 'MOVING' : opened ? 'OPEN' : 'CLOSED';
    return { doorId: this.#id, mode, sessionId: this.#holder?.session ?? '', receivedAtMs: nowMs };
  }

  #set(open: boolean, nowMs: number): void {
    if (open !== this.#open) this.#since = nowMs;
    this.#open = open;
  }

  #expire(nowMs: number): void {
    if (!this.#holder || nowMs - this.#holder.heardMs <= LEASE_MS) return;
    this.#holder = undefined;
    this.#set(false, nowMs);
  }
}

/** A lift that serves sessions in the order of their first request. */
export class FakeLift {
  readonly id: string;
  readonly floors: readonly string[];
  #floor: number;
  #goal: number | undefined;
  #movedMs = Number.NEGATIVE_INFINITY;
  /** the first is being served */
  readonly #queue: { session: string; sequence: number; floor: string; heardMs: number }[] = [];
  mode: LiftState['mode'] = 'AGV';

  constructor(id: string, floors: readonly string[]) {
    this.id = id;
    this.floors = floors.length > 0 ? floors : ['L1'];
    this.#floor = 0;
  }

  request({ sessionId, sequence, floor }: Extract<BuildingRequest, { kind: 'lift' }>, nowMs: number): void {
    this.#advance(nowMs);
    const at = this.#queue.findIndex(({ session }) => session === sessionId);
    const known = this.#queue[at];
    if (known && sequence < known.sequence) return;
    if (floor === undefined) {
      if (at >= 0) this.#queue.splice(at, 1);
      if (at === 0) this.#goal = undefined;
    } else if (this.floors.includes(floor)) {
      const entry = { session: sessionId, sequence, floor, heardMs: nowMs };
      if (at >= 0) this.#queue[at] = entry;
      else this.#queue.push(entry);
    }
    this.#advance(nowMs);
  }

  state(nowMs: number): LiftState {
    this.#advance(nowMs);
    const holder = this.#queue[0];
    const moving = this.#goal !== undefined && this.#goal !== this.#floor;
    const arriving = nowMs - this.#movedMs < DOOR_MOVES_MS;
    const stopped = this.mode !== 'AGV';
    return {
      liftId: this.id,
      currentFloor: this.floors[this.#floor]!,
      destinationFloor: this.#goal === undefined ? '' : this.floors[this.#goal]!,
      door: stopped || moving || !holder ? 'CLOSED' : arriving ? 'MOVING' : 'OPEN',
      motion: stopped || !moving ? 'STOPPED' : this.#goal! > this.#floor ? 'UP' : 'DOWN',
      mode: this.mode,
      sessionId: stopped ? '' : (holder?.session ?? ''),
      receivedAtMs: nowMs,
    };
  }

  /** One floor after the other; nothing moves in another mode than AGV. */
  #advance(nowMs: number): void {
    for (let i = this.#queue.length - 1; i >= 0; i--)
      if (nowMs - this.#queue[i]!.heardMs > LEASE_MS) this.#queue.splice(i, 1);
    const goal = this.#queue[0] && this.floors.indexOf(this.#queue[0].floor);
    if (goal !== this.#goal) {
      this.#goal = goal;
      this.#movedMs = nowMs;
    }
    while (this.mode === 'AGV' && this.#goal !== undefined && this.#goal !== this.#floor) {
      if (nowMs - this.#movedMs < FLOOR_MS) return;
      this.#movedMs += FLOOR_MS;
      this.#floor += Math.sign(this.#goal - this.#floor);
    }
  }
}
