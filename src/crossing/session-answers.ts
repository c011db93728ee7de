import type { DoorState, LiftState } from '../types/building.ts';
import type { Session, SessionAnswer } from './session-types.ts';

/**
 * What a door's or lift's state answers to the newest request of a session: Open-RMF has no other answer than the state
 * (rmf_door_msgs, rmf_lift_msgs). `leaseSeconds`: how long we believe to be its user without asking again. Undefined
 * where the state says nothing about us.
 */
export function answerOf(
  session: Session,
  state: DoorState | LiftState,
  leaseSeconds: number,
): SessionAnswer | undefined {
  const { sessionId, sequence, phase, answered } = session;
  const to = { sessionId, sequence };
  const ours = state.sessionId === sessionId;
  switch (phase) {
    case 'REQUESTED':
    case 'QUEUED':
    case 'GRANTED':
    case 'OPEN_CONFIRMED':
    case 'PASSING': {
      if (ours || isOpening(state))
        return answered && phase !== 'QUEUED' ? undefined : { ...to, kind: 'granted', leaseSeconds };
      const others = state.sessionId !== undefined && state.sessionId !== '';
      return others && phase === 'REQUESTED' ? { ...to, kind: 'queued' } : undefined;
    }
    case 'CLEARED':
    case 'REFUSED':
    case 'FAILED':
      return ours ? undefined : { ...to, kind: 'released' };
    default:
      return undefined;
  }
}

/** A door that does not say who uses it: it opens because of us, or it stands open for everybody. */
function isOpening(state: DoorState | LiftState): boolean {
  return (
    'doorId' in state && state.sessionId === undefined && (state.mode === 'MOVING' || state.mode === 'OPEN')
  );
}
