import type { DoorState, LiftState } from '../types/building.ts';
import type { SessionConfig } from './crossing-config.ts';
import { acquire, end, fail, moved, readiness } from './session-moves.ts';
import { cleared, passTime } from './session-time.ts';
import type { Resource, Session, SessionAnswer, SessionEvent, SessionStep } from './session-types.ts';

/** A session of one passage that has not begun. `sessionId`: never used before, by any robot. */
export function newSession(resource: Resource, sessionId: string): Session {
  return {
    resource,
    sessionId,
    phase: 'IDLE',
    text: 'not asked for yet',
    sequence: 0,
    sentAtMs: Number.NEGATIVE_INFINITY,
    answered: true,
    deadlineMs: Number.POSITIVE_INFINITY,
    opened: false,
    inside: false,
    aboard: false,
    cancelled: false,
    heldUntilMs: 0,
  };
}

/**
 * One step: what happened, then what time does. The robot may move through the door in PASSING only, which begins by
 * `enter` while the door is open for us. `nowMs`: monotonic clock; give a `tick` once a second or oftener. An event
 * that does not fit the phase changes nothing.
 */
export function stepSession(
  session: Session,
  event: SessionEvent,
  nowMs: number,
  config: SessionConfig,
): SessionStep {
  if (session.phase === 'RELEASED') return still(session);
  const happened = react(session, event, nowMs, config);
  const alarmed = heedLift(happened.state, nowMs, config);
  const settled = settle(alarmed.state, nowMs, config);
  const timed = passTime(settled, nowMs, config);
  return { state: timed.state, actions: [...happened.actions, ...alarmed.actions, ...timed.actions] };
}

function react(session: Session, event: SessionEvent, nowMs: number, config: SessionConfig): SessionStep {
  const { phase, resource } = session;
  switch (event.kind) {
    case 'begin': {
      if (phase !== 'IDLE') return still(session);
      const asked = moved(
        session,
        'REQUESTED',
        config.deadlines.requested,
        nowMs,
        `asked for ${resource.id}`,
      );
      return acquire(asked, nowMs, config, 'anew');
    }
    case 'answer':
      return takeAnswer(session, event.answer, nowMs, config);
    case 'door':
      return still(resource.kind === 'door' ? see(session, event.state, event.state.doorId) : session);
    case 'lift':
      return still(resource.kind === 'lift' ? see(session, event.state, event.state.liftId) : session);
    case 'alarm':
      return alarm(session, event.mode, nowMs);
    case 'enter':
      return still(mayEnter(session, nowMs, config) ? enter(session, nowMs, config) : session);
    case 'aboard':
      return aboard(session, nowMs, config);
    case 'cleared':
      return session.inside ? cleared(session, nowMs) : still(session);
    case 'cancel':
      return cancel(session, nowMs);
    case 'tick':
      return still(session);
  }
}

function takeAnswer(
  session: Session,
  answer: SessionAnswer,
  nowMs: number,
  config: SessionConfig,
): SessionStep {
  const { phase, resource } = session;
  // What answers an older request says nothing about now.
  const fits = answer.sessionId === session.sessionId && answer.sequence === session.sequence;
  if (!fits || phase === 'IDLE') return still(session);
  const heard = { ...session, answered: true };
  if (isEnding(session) && !session.inside)
    return still(answer.kind === 'released' ? { ...heard, phase: 'RELEASED' } : session);
  const waiting = phase === 'REQUESTED' || phase === 'QUEUED';
  switch (answer.kind) {
    case 'queued': {
      const { position } = answer;
      const text =
        position === undefined
          ? `${resource.id} serves others first`
          : `number ${position} in the queue of ${resource.id}`;
      if (phase === 'REQUESTED') return still(moved(heard, 'QUEUED', config.deadlines.queued, nowMs, text));
      return still(phase === 'QUEUED' ? { ...heard, text } : session);
    }
    case 'granted': {
      if (!(answer.leaseSeconds > 0 && answer.leaseSeconds < Number.POSITIVE_INFINITY)) return still(session);
      const leaseMs = 1000 * answer.leaseSeconds;
      const leaseUntilMs = nowMs + leaseMs;
      const heldUntilMs = Math.max(session.heldUntilMs, leaseUntilMs);
      const ours = { ...heard, leaseUntilMs, renewAtMs: nowMs + leaseMs / 2, heldUntilMs };
      if (!waiting) return still(ours);
      return still(moved(ours, 'GRANTED', config.deadlines.granted, nowMs, `${resource.id} is granted`));
    }
    case 'refused':
      if (!waiting) return lost(heard, answer.text, nowMs);
      return refuse(heard, `${resource.id} refuses: ${answer.text}`, nowMs);
    case 'released':
      return lost(heard, 'released by the vendor', nowMs);
  }
}

/** The vendor takes back what it gave. Outside that ends it; inside the robot leaves, and keeps asking. */
function lost(session: Session, why: string, nowMs: number): SessionStep {
  const text = `${session.resource.id} is no longer granted: ${why}`;
  if (!session.inside) return fail(session, 'lease-lost', text, nowMs);
  if (session.reason) return still(session);
  return {
    state: { ...session, reason: 'lease-lost', text },
    actions: [{ kind: 'tell-operator', reason: 'lease-lost', text }],
  };
}

function refuse(session: Session, text: string, nowMs: number): SessionStep {
  const { state, actions } = end({ ...session, reason: 'refused', text }, 'REFUSED', nowMs);
  return { state, actions: [{ kind: 'tell-operator', reason: 'refused', text }, ...actions] };
}

function see(session: Session, state: DoorState | LiftState, id: string): Session {
  const older = session.seen !== undefined && state.receivedAtMs < session.seen.receivedAtMs;
  return id !== session.resource.id || older ? session : { ...session, seen: state };
}

/** Nobody goes in; whoever is in leaves. */
function alarm(session: Session, mode: 'FIRE' | 'EMERGENCY', nowMs: number): SessionStep {
  const reason = mode === 'FIRE' ? 'fire' : 'emergency';
  if (isEnding(session) || session.reason === 'fire' || session.reason === reason) return still(session);
  const text = `${mode} at ${session.resource.id}`;
  if (!session.inside) return fail(session, reason, `${text}: not entered`, nowMs);
  return {
    state: { ...session, reason, text: `${text}: leaving` },
    actions: [{ kind: 'tell-operator', reason, text: `${text} with the robot inside: it leaves` }],
  };
}

/** A lift says FIRE or EMERGENCY by its mode. */
function heedLift(session: Session, nowMs: number, config: SessionConfig): SessionStep {
  const { seen, phase } = session;
  if (phase === 'IDLE' || phase === 'RELEASED' || !seen || !('liftId' in seen)) return still(session);
  if (seen.mode !== 'FIRE' && seen.mode !== 'EMERGENCY') return still(session);
  const old = nowMs - seen.receivedAtMs > 1000 * config.maxStateAge;
  return old ? still(session) : alarm(session, seen.mode, nowMs);
}

/** GRANTED and OPEN_CONFIRMED follow what the door says. */
function settle(session: Session, nowMs: number, config: SessionConfig): Session {
  const { phase, opened, resource } = session;
  if (phase !== 'GRANTED' && phase !== 'OPEN_CONFIRMED') return session;
  const ready = readiness(session, nowMs, config);
  if (!ready.ready) return phase === 'GRANTED' ? session : { ...session, phase: 'GRANTED', text: ready.text };
  if (phase === 'OPEN_CONFIRMED') return session;
  const open: Session = { ...session, phase: 'OPEN_CONFIRMED', opened: true, text: `${resource.id} is open` };
  return opened ? open : { ...open, deadlineMs: nowMs + 1000 * config.deadlines.openConfirmed };
}

/** Whether `enter` would be heeded now. To come out of a car needs no lease. */
function mayEnter(session: Session, nowMs: number, config: SessionConfig): boolean {
  if (session.phase !== 'OPEN_CONFIRMED' || nowMs >= session.deadlineMs) return false;
  if (!readiness(session, nowMs, config).ready) return false;
  return session.inside || session.leaseUntilMs! - nowMs >= 1000 * config.entryReserve;
}

function enter(session: Session, nowMs: number, config: SessionConfig): Session {
  const text = session.reason ? session.text : `passing ${session.resource.id}`;
  return { ...moved(session, 'PASSING', config.deadlines.passing, nowMs, text), inside: true };
}

/** In the car: on to the destination; where something is wrong it leaves by the door through which it came. */
function aboard(session: Session, nowMs: number, config: SessionConfig): SessionStep {
  const { resource, phase, reason } = session;
  if (resource.kind !== 'lift' || phase !== 'PASSING' || session.aboard || reason) return still(session);
  const text = `in ${resource.id} to floor ${resource.to}`;
  const riding = moved(session, 'GRANTED', config.deadlines.granted, nowMs, text);
  return acquire({ ...riding, aboard: true, opened: false }, nowMs, config, 'anew');
}

/** Releases, at once or as soon as the robot is out; a robot in a car rides to its destination first. */
function cancel(session: Session, nowMs: number): SessionStep {
  const cancelled: Session = { ...session, cancelled: true };
  if (isEnding(session)) return still(cancelled);
  const why: Session = { ...cancelled, reason: session.reason ?? 'cancelled', text: 'cancelled' };
  return session.inside ? still(why) : end(why, 'CLEARED', nowMs);
}

function isEnding({ phase }: Session): boolean {
  return phase === 'CLEARED' || phase === 'REFUSED' || phase === 'FAILED' || phase === 'RELEASED';
}

function still(state: Session): SessionStep {
  return { state, actions: [] };
}
