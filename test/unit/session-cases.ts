import { crossingConfig } from '../../src/crossing/crossing-config.ts';
import { newSession, stepSession } from '../../src/crossing/session.ts';
import type {
  Resource,
  Session,
  SessionAction,
  SessionAnswer,
  SessionEvent,
  SessionRequest,
} from '../../src/crossing/session-types.ts';
import type { DoorState, LiftState } from '../../src/types/building.ts';

export const config = crossingConfig.parse({}).session;
export const DOOR: Resource = { kind: 'door', id: 'lobby-door' };
export const LIFT: Resource = { kind: 'lift', id: 'lift-1', from: 'L1', to: 'L3' };
export const OURS = 'robot-a/1';

export const door = (atMs: number, more: Partial<DoorState> = {}): SessionEvent => ({
  kind: 'door',
  state: { doorId: 'lobby-door', mode: 'OPEN', receivedAtMs: atMs, ...more },
});

/** The lift as it must be to go in on L1. */
export const lift = (atMs: number, more: Partial<LiftState> = {}): SessionEvent => ({
  kind: 'lift',
  state: {
    liftId: 'lift-1',
    currentFloor: 'L1',
    destinationFloor: 'L1',
    door: 'OPEN',
    motion: 'STOPPED',
    mode: 'AGV',
    sessionId: OURS,
    receivedAtMs: atMs,
    ...more,
  },
});

/** A session that is driven by hand: remembers what it did and where it was. */
export class Driven {
  session: Session;
  nowMs = 0;
  readonly sent: SessionRequest[] = [];
  readonly told: (SessionAction & { kind: 'tell-operator' })['reason'][] = [];
  readonly phases: string[] = [];

  constructor(resource: Resource) {
    this.session = newSession(resource, OURS);
  }

  /** `event` at `seconds`. */
  at(seconds: number, event: SessionEvent | SessionEvent['kind']): this {
    this.nowMs = 1000 * seconds;
    const full = (typeof event === 'string' ? { kind: event } : event) as SessionEvent;
    const { state, actions } = stepSession(this.session, full, this.nowMs, config);
    if (state.phase !== this.session.phase) this.phases.push(state.phase);
    this.session = state;
    for (const action of actions) {
      if (action.kind === 'send') this.sent.push(action.request);
      else this.told.push(action.reason);
    }
    return this;
  }

  /** The vendor's answer to the newest request, at `seconds`. */
  answered(seconds: number, kind: SessionAnswer['kind'], more: object = {}): this {
    const { sequence } = this.session;
    const own = {
      granted: { leaseSeconds: 60 },
      queued: { position: 1 },
      refused: { text: 'no robots' },
      released: {},
    };
    const answer = { sessionId: OURS, sequence, kind, ...own[kind], ...more } as SessionAnswer;
    return this.at(seconds, { kind: 'answer', answer });
  }

  /** Nothing happens until `seconds`, but time. */
  until(seconds: number): this {
    for (let t = this.nowMs / 1000 + 1; t <= seconds; t++) this.at(t, 'tick');
    return this;
  }

  get releases(): number {
    return this.sent.filter(({ kind }) => kind === 'release').length;
  }
}
