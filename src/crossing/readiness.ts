import type { DoorState, LiftState } from '../types/building.ts';

/** Whether a robot may move through the door now; `text` for people. */
export type Readiness =
  | { readonly ready: true }
  | { readonly ready: false; readonly reason: NotReady; readonly text: string };
export type NotReady =
  | 'no-state'
  | 'state-old'
  | 'other-id'
  | 'alarm'
  | 'other-session'
  | 'other-floor'
  | 'not-open';

/** A door is ready if it is open, and is not held for somebody else where it says for whom. `nowMs`: monotonic. */
export function doorReady(
  door: DoorState | undefined,
  want: { readonly id: string; readonly sessionId: string },
  nowMs: number,
  maxAgeSeconds: number,
): Readiness {
  const unusable = stateUsable(door, door?.doorId, want.id, nowMs, maxAgeSeconds);
  if (unusable) return unusable;
  const { mode, sessionId } = door!;
  if (sessionId !== undefined && sessionId !== '' && sessionId !== want.sessionId)
    return no('other-session', `door ${want.id} is held for ${sessionId}`);
  return mode === 'OPEN' ? { ready: true } : no('not-open', `door ${want.id} is ${mode}`);
}

/**
 * A lift is ready if its session is ours, its floor matches and its door is open (rmf_lift_msgs). In FIRE, EMERGENCY
 * and OFFLINE, or while the car moves, it is ready for nobody.
 */
export function liftReady(
  lift: LiftState | undefined,
  want: { readonly id: string; readonly sessionId: string; readonly floor: string },
  nowMs: number,
  maxAgeSeconds: number,
): Readiness {
  const unusable = stateUsable(lift, lift?.liftId, want.id, nowMs, maxAgeSeconds);
  if (unusable) return unusable;
  const { mode, sessionId, currentFloor, door, motion } = lift!;
  if (mode === 'FIRE' || mode === 'EMERGENCY' || mode === 'OFFLINE')
    return no('alarm', `lift ${want.id} is in mode ${mode}`);
  if (sessionId !== want.sessionId)
    return no('other-session', `lift ${want.id} is held for ${sessionId || 'nobody'}`);
  if (currentFloor !== want.floor)
    return no('other-floor', `lift ${want.id} is at floor ${currentFloor}, expected ${want.floor}`);
  if (door !== 'OPEN' || motion === 'UP' || motion === 'DOWN')
    return no('not-open', `lift ${want.id}: door ${door}, motion ${motion}`);
  return { ready: true };
}

function stateUsable(
  state: DoorState | LiftState | undefined,
  id: string | undefined,
  wanted: string,
  nowMs: number,
  maxAgeSeconds: number,
): Readiness | undefined {
  if (!state) return no('no-state', `${wanted} has not said anything yet`);
  if (id !== wanted) return no('other-id', `expected the state of ${wanted}, found that of ${id}`);
  const age = (nowMs - state.receivedAtMs) / 1000;
  if (age >= 0 && age <= maxAgeSeconds) return undefined;
  return no('state-old', `${wanted} last said something ${age.toFixed(1)} s ago`);
}

function no(reason: NotReady, text: string): Readiness {
  return { ready: false, reason, text };
}
