import type { SessionConfig } from './crossing-config.ts';
import { doorReady, liftReady, type Readiness } from './readiness.ts';
import type { Session, SessionPhase, SessionReason, SessionRequest, SessionStep } from './session-types.ts';

/** The session in another phase, which may last `seconds`. */
export function moved(
  session: Session,
  phase: SessionPhase,
  seconds: number,
  nowMs: number,
  text: string,
): Session {
  return { ...session, phase, text, deadlineMs: nowMs + 1000 * seconds };
}

/** Asks for the resource, anew (or for more time, or for the other floor), or once more by the same sequence. */
export function acquire(
  session: Session,
  nowMs: number,
  config: SessionConfig,
  how: 'anew' | 'again',
): SessionStep {
  const heldUntilMs = Math.max(session.heldUntilMs, nowMs + 1000 * config.assumedLease);
  return send({ ...session, heldUntilMs }, 'acquire', nowMs, how);
}

/**
 * Ends the session in `phase`. The release is sent at once, unless the robot is inside: the door stays ours until it is
 * out, or, after a cancel, until the lease is over. Nothing was asked for: nothing is to be released.
 */
export function end(session: Session, phase: 'CLEARED' | 'REFUSED' | 'FAILED', nowMs: number): SessionStep {
  const ended = { ...session, phase, deadlineMs: session.heldUntilMs };
  if (session.heldUntilMs === 0) return { state: { ...ended, phase: 'RELEASED' }, actions: [] };
  return session.inside ? { state: ended, actions: [] } : send(ended, 'release', nowMs, 'anew');
}

/** Ends it for a reason that an operator must hear of. */
export function fail(session: Session, reason: SessionReason, text: string, nowMs: number): SessionStep {
  const { state, actions } = end({ ...session, reason, text }, 'FAILED', nowMs);
  return { state, actions: [{ kind: 'tell-operator', reason, text }, ...actions] };
}

/** Sends the release of an ended session once more. */
export function releaseAgain(session: Session, nowMs: number): SessionStep {
  return send(session, 'release', nowMs, 'again');
}

function send(
  session: Session,
  kind: SessionRequest['kind'],
  nowMs: number,
  how: 'anew' | 'again',
): SessionStep {
  const { resource, sessionId } = session;
  const sequence = session.sequence + (how === 'anew' ? 1 : 0);
  const floor = floorOf(session);
  const request = {
    kind,
    resourceId: resource.id,
    sessionId,
    sequence,
    ...(floor !== undefined && { floor }),
  };
  const answered = how === 'anew' ? false : session.answered;
  return {
    state: { ...session, sequence, answered, sentAtMs: nowMs },
    actions: [{ kind: 'send', request }],
  };
}

/** Whether the robot may move through the door now; in an alarm it may leave the car wherever that stands open. */
export function readiness(session: Session, nowMs: number, config: SessionConfig): Readiness {
  const { resource, sessionId, seen } = session;
  const age = config.maxStateAge;
  if (resource.kind === 'door') {
    const door = seen && 'doorId' in seen ? seen : undefined;
    return doorReady(door, { id: resource.id, sessionId }, nowMs, age);
  }
  const lift = seen && 'liftId' in seen ? seen : undefined;
  const leaving = session.aboard && (session.reason === 'fire' || session.reason === 'emergency');
  if (!leaving || !lift)
    return liftReady(lift, { id: resource.id, sessionId, floor: floorOf(session)! }, nowMs, age);
  const anywhere = { id: resource.id, sessionId: lift.sessionId, floor: lift.currentFloor };
  return liftReady({ ...lift, mode: 'AGV' }, anywhere, nowMs, age);
}

function floorOf({ resource, aboard }: Session): string | undefined {
  if (resource.kind === 'door') return undefined;
  return aboard ? resource.to : resource.from;
}
