import type { SessionConfig } from './crossing-config.ts';
import { acquire, end, fail, readiness, releaseAgain } from './session-moves.ts';
import type { Session, SessionStep } from './session-types.ts';

/** What time alone does to a session: deadlines, the end of a lease, retries, asking for more time. */
export function passTime(session: Session, nowMs: number, config: SessionConfig): SessionStep {
  switch (session.phase) {
    case 'IDLE':
    case 'RELEASED':
      return { state: session, actions: [] };
    case 'REQUESTED':
    case 'QUEUED':
      if (nowMs >= session.deadlineMs) return overdue(session, nowMs, config);
      return isRetryDue(session, nowMs, config) ? acquire(session, nowMs, config, 'again') : still(session);
    case 'GRANTED':
    case 'OPEN_CONFIRMED':
    case 'PASSING':
      if (nowMs >= session.deadlineMs) return overdue(session, nowMs, config);
      return keepLease(session, nowMs, config);
    case 'CLEARED':
    case 'REFUSED':
    case 'FAILED':
      return releasing(session, nowMs, config);
  }
}

function overdue(session: Session, nowMs: number, config: SessionConfig): SessionStep {
  const { id } = session.resource;
  switch (session.phase) {
    case 'REQUESTED':
      return fail(session, 'no-answer', `${id} did not answer`, nowMs);
    case 'QUEUED':
      return fail(session, 'queue-too-long', `it was never our turn at ${id}`, nowMs);
    case 'OPEN_CONFIRMED':
      return fail(session, 'not-entered', `${id} stood open and the robot did not move in`, nowMs);
    case 'PASSING':
      return fail(session, 'passing-too-long', `the robot is still in ${id}`, nowMs);
    default: {
      const ready = readiness(session, nowMs, config);
      const [taken, why] = ready.ready ? [false, ''] : [ready.reason === 'other-session', `: ${ready.text}`];
      return taken
        ? fail(session, 'taken', `${id} was granted and is not ours${why}`, nowMs)
        : fail(session, 'never-opened', `${id} was granted and never opened${why}`, nowMs);
    }
  }
}

function keepLease(session: Session, nowMs: number, config: SessionConfig): SessionStep {
  if (nowMs >= session.leaseUntilMs! && session.reason !== 'lease-lost') {
    const text = `the lease of ${session.resource.id} has run out`;
    if (!session.inside) return fail(session, 'lease-lost', text, nowMs);
    // It may not stop in the door: it leaves, and keeps asking meanwhile.
    if (!session.reason)
      return {
        state: { ...session, reason: 'lease-lost', text },
        actions: [{ kind: 'tell-operator', reason: 'lease-lost', text: `${text} with the robot inside` }],
      };
  }
  if (!isRetryDue(session, nowMs, config)) return still(session);
  if (!session.answered) return acquire(session, nowMs, config, 'again');
  return nowMs >= session.renewAtMs! ? acquire(session, nowMs, config, 'anew') : still(session);
}

function releasing(session: Session, nowMs: number, config: SessionConfig): SessionStep {
  // Failed in the car or the door: the next robot may not be let in on top of it, until somebody cancels.
  if (session.inside && !session.cancelled) return keepLease(session, nowMs, config);
  if (nowMs >= session.heldUntilMs) {
    const text = `${session.resource.id} did not acknowledge the release; its lease has run out`;
    return {
      state: { ...session, phase: 'RELEASED' },
      actions: [{ kind: 'tell-operator', reason: 'not-released', text }],
    };
  }
  if (session.inside || !isRetryDue(session, nowMs, config)) return still(session);
  return releaseAgain(session, nowMs);
}

/** The robot is out: what is held can be released, with what went wrong before. */
export function cleared(session: Session, nowMs: number): SessionStep {
  const turnedBack = session.resource.kind === 'lift' && !session.aboard && session.reason === undefined;
  const out: Session = { ...session, inside: false, ...(turnedBack && { reason: 'not-entered' }) };
  const text = out.reason ? session.text : `through ${session.resource.id}`;
  return end({ ...out, text }, session.phase === 'FAILED' ? 'FAILED' : 'CLEARED', nowMs);
}

function isRetryDue(session: Session, nowMs: number, config: SessionConfig): boolean {
  return nowMs - session.sentAtMs >= 1000 * config.retryInterval;
}

function still(state: Session): SessionStep {
  return { state, actions: [] };
}
