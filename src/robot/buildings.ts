import type { SessionConfig } from '../crossing/crossing-config.ts';
import { newSession, stepSession } from '../crossing/session.ts';
import { answerOf } from '../crossing/session-answers.ts';
import type {
  Resource,
  Session,
  SessionAction,
  SessionEvent,
  SessionRequest,
} from '../crossing/session-types.ts';
import type { BuildingStatus } from '../ports/robot.ts';
import type { BuildingLink, BuildingRequest } from '../ports.ts';
import type { DoorState, LiftState } from '../types/building.ts';
import { type Limit, stopBefore } from './advice.ts';
import type { Place } from './place.ts';
import type { RobotConfig } from './robot-config.ts';
import type { RobotRoute, RouteBuilding } from './robot-route.ts';

export interface BuildingParts {
  readonly link: BuildingLink | undefined;
  readonly session: SessionConfig;
  readonly robot: RobotConfig;
  /** An id that no session of any robot ever had. */
  readonly newId: () => string;
  readonly onChange: (session: Session) => void;
  readonly onTell: (session: Session, reason: string, text: string) => void;
}

interface Passage {
  readonly of: RouteBuilding;
  session?: Session | undefined;
  /** m from the robot's front to where it waits; as it was last known */
  toWait: number;
  through: boolean;
  /** the newest request has reached the broker: what a door says before that does not answer it */
  handedOver: boolean;
  retryAtMs: number;
}

/** The doors and lifts of a route: a session for each that is near, until it is released. */
export class Buildings {
  readonly #parts: BuildingParts;
  #passages: Passage[] = [];
  /** of former routes: they end by themselves */
  #left: Passage[] = [];

  constructor(parts: BuildingParts) {
    this.#parts = parts;
  }

  /** What was asked for on the way before is cancelled. */
  follow(route: RobotRoute | undefined, nowMs: number): void {
    for (const passage of this.#passages) if (passage.session) this.#give(passage, { kind: 'cancel' }, nowMs);
    this.#left = [...this.#left, ...this.#passages].filter(({ session }) => isOpen(session));
    this.#passages = (route?.buildings ?? []).map((of) => ({
      of,
      toWait: Number.POSITIVE_INFINITY,
      through: false,
      handedOver: false,
      retryAtMs: Number.NEGATIVE_INFINITY,
    }));
  }

  door(state: DoorState, nowMs: number): void {
    for (const passage of this.#of('door', state.doorId)) {
      this.#give(passage, { kind: 'door', state }, nowMs);
      this.#answer(passage, state, nowMs);
    }
  }

  lift(state: LiftState, nowMs: number): void {
    for (const passage of this.#of('lift', state.liftId)) {
      this.#give(passage, { kind: 'lift', state }, nowMs);
      this.#answer(passage, state, nowMs);
    }
  }

  /** `place` undefined: it is not known where the robot is; then nothing is begun. */
  step(place: Place | undefined, nowMs: number): void {
    for (const passage of [...this.#passages, ...this.#left])
      if (passage.session) this.#give(passage, { kind: 'tick' }, nowMs);
    this.#left = this.#left.filter(({ session }) => isOpen(session));
    if (place) for (const passage of this.#passages) this.#move(passage, place, nowMs);
  }

  limits(): Limit[] {
    return this.#passages.flatMap(({ of, session, toWait, through }) => {
      if (through || toWait > this.#parts.robot.callDistance) return [];
      const reason = `${of.kind} ${of.id}: ${session?.text ?? 'not asked for yet'}`;
      if (!session?.inside) return stopBefore(toWait, reason, this.#parts.robot);
      const rides = session.aboard && session.phase !== 'PASSING';
      return { speed: rides ? 0 : this.#parts.robot.slowSpeed, reason };
    });
  }

  statuses(): BuildingStatus[] {
    return [...this.#passages, ...this.#left].flatMap(({ of, session }) =>
      session
        ? {
            id: of.id,
            kind: of.kind,
            phase: session.phase,
            ...(session.reason && { reason: session.reason }),
            text: session.text,
          }
        : [],
    );
  }

  #of(kind: RouteBuilding['kind'], id: string): Passage[] {
    return [...this.#passages, ...this.#left].filter(({ of }) => of.kind === kind && of.id === id);
  }

  /** What the robot's place on the way says to the session. */
  #move(passage: Passage, { front, base, rear, sure }: Place, nowMs: number): void {
    const { of } = passage;
    const { robot } = this.#parts;
    passage.toWait = of.enterAt - robot.doorDistance - front + robot.stopGap;
    const isPast = rear >= of.exitAt;
    if (passage.through || (isPast && !passage.session)) {
      passage.through = true;
      return;
    }
    if (!isOpen(passage.session)) {
      if (passage.session && nowMs < passage.retryAtMs) return;
      if (sure && passage.toWait <= robot.callDistance) this.#begin(passage, nowMs);
      return;
    }
    const { phase, inside, aboard } = passage.session;
    const isThere = passage.toWait <= 2 * robot.stopGap;
    if (phase === 'OPEN_CONFIRMED' && (aboard || (sure && isThere)))
      this.#give(passage, { kind: 'enter' }, nowMs);
    else if (
      inside &&
      of.kind === 'lift' &&
      !aboard &&
      phase === 'PASSING' &&
      base >= of.centre - robot.stopGap
    )
      this.#give(passage, { kind: 'aboard' }, nowMs);
    // Out on the far side, or on the near one again: a robot that turned back.
    else if (inside && (isPast || passage.toWait > 2 * robot.doorDistance)) {
      passage.through = isPast;
      this.#give(passage, { kind: 'cleared' }, nowMs);
    }
  }

  #begin(passage: Passage, nowMs: number): void {
    passage.session = newSession(resourceOf(passage.of), this.#parts.newId());
    passage.handedOver = false;
    this.#give(passage, { kind: 'begin' }, nowMs);
  }

  #answer(passage: Passage, state: DoorState | LiftState, nowMs: number): void {
    if (!passage.session || !passage.handedOver) return;
    const answer = answerOf(passage.session, state, this.#parts.robot.assumedLease);
    if (answer) this.#give(passage, { kind: 'answer', answer }, nowMs);
  }

  #give(passage: Passage, event: SessionEvent, nowMs: number): void {
    const before = passage.session;
    if (!before) return;
    const { state, actions } = stepSession(before, event, nowMs, this.#parts.session);
    passage.session = state;
    if (state.sequence !== before.sequence) passage.handedOver = false;
    if (state.phase === 'RELEASED') passage.retryAtMs = nowMs + 1000 * this.#parts.robot.retryAfter;
    if (state.phase !== before.phase || state.reason !== before.reason) this.#parts.onChange(state);
    for (const action of actions) this.#act(passage, state, action);
  }

  #act(passage: Passage, session: Session, action: SessionAction): void {
    if (action.kind === 'tell-operator') {
      this.#parts.onTell(session, action.reason, action.text);
      return;
    }
    const { request } = action;
    const sent = this.#parts.link?.request(requestOf(passage.of, request));
    sent?.then(
      (ok) => {
        const { sessionId, sequence } = passage.session!;
        if (ok && request.sessionId === sessionId && request.sequence === sequence) passage.handedOver = true;
      },
      () => {}, // it is sent again
    );
  }
}

/** There is something to be done about it still. */
function isOpen(session: Session | undefined): session is Session {
  return session !== undefined && session.phase !== 'RELEASED';
}

function resourceOf(of: RouteBuilding): Resource {
  return of.kind === 'door'
    ? { kind: 'door', id: of.id }
    : { kind: 'lift', id: of.id, from: of.from, to: of.to };
}

function requestOf(of: RouteBuilding, { kind, sessionId, sequence, floor }: SessionRequest): BuildingRequest {
  if (of.kind === 'door')
    return { kind: 'door', doorId: of.id, sessionId, sequence, open: kind === 'acquire' };
  return { kind: 'lift', liftId: of.id, sessionId, sequence, floor: kind === 'acquire' ? floor : undefined };
}
