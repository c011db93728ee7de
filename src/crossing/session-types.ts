import type { DoorState, LiftState } from '../types/building.ts';

/** What a robot wants to pass: a door, or a lift from one floor to another. */
export type Resource =
  | { readonly kind: 'door'; readonly id: string }
  | { readonly kind: 'lift'; readonly id: string; readonly from: string; readonly to: string };

export type SessionPhase =
  | 'IDLE'
  | 'REQUESTED'
  | 'QUEUED'
  | 'GRANTED'
  | 'OPEN_CONFIRMED'
  | 'PASSING'
  | 'CLEARED'
  | 'RELEASED'
  | 'REFUSED'
  | 'FAILED';

export type SessionReason =
  | 'cancelled'
  | 'refused'
  | 'no-answer'
  | 'queue-too-long'
  | 'never-opened'
  | 'taken'
  | 'lease-lost'
  | 'not-entered'
  | 'passing-too-long'
  | 'fire'
  | 'emergency';

/** One robot's use of one door or lift. All times in ms on the monotonic clock. */
export interface Session {
  readonly resource: Resource;
  readonly sessionId: string;
  readonly phase: SessionPhase;
  /** why it is not going as planned, and the same for people */
  readonly reason?: SessionReason;
  readonly text: string;
  /** of the newest request; the vendor tells a retry by the same number */
  readonly sequence: number;
  /** when the newest request was last sent, and whether the vendor must still answer it */
  readonly sentAtMs: number;
  readonly answered: boolean;
  /** the phase may last until then */
  readonly deadlineMs: number;
  /** the resource is ours until then, as far as the vendor's word goes, and when to ask for more time */
  readonly leaseUntilMs?: number;
  readonly renewAtMs?: number;
  /** it stood open for us already, on this floor: a door that flaps gets no new deadline */
  readonly opened: boolean;
  /** the robot, or a part of it, is in the doorway or in the car */
  readonly inside: boolean;
  /** the caller wants no more of it */
  readonly cancelled: boolean;
  /** the robot stands in the car: it is about the door at the destination now */
  readonly aboard: boolean;
  /** what the door or lift last said */
  readonly seen?: DoorState | LiftState;
  /** the vendor may hold the resource for us until then, even if its answer was lost; 0: nothing was asked for */
  readonly heldUntilMs: number;
}

export type SessionEvent =
  | { readonly kind: 'begin' }
  | { readonly kind: 'answer'; readonly answer: SessionAnswer }
  | { readonly kind: 'door'; readonly state: DoorState }
  | { readonly kind: 'lift'; readonly state: LiftState }
  /** a fire alarm or emergency of the building, for doors too */
  | { readonly kind: 'alarm'; readonly mode: 'FIRE' | 'EMERGENCY' }
  /** the robot wants to move in (or out of the car, at its destination) */
  | { readonly kind: 'enter' }
  /** the robot stands wholly in the car */
  | { readonly kind: 'aboard' }
  /** the rear of the robot is out of the doorway or car, on either side */
  | { readonly kind: 'cleared' }
  | { readonly kind: 'cancel' }
  | { readonly kind: 'tick' };

/** The next state, and what is to be done about it. */
export interface SessionStep {
  readonly state: Session;
  readonly actions: readonly SessionAction[];
}

/** What a vendor answers to one request. */
export type SessionAnswer = {
  readonly sessionId: string;
  readonly sequence: number;
} & (
  | { readonly kind: 'queued'; readonly position?: number }
  /** `leaseSeconds` from now */
  | { readonly kind: 'granted'; readonly leaseSeconds: number }
  | { readonly kind: 'refused'; readonly text: string }
  | { readonly kind: 'released' }
);

/** What a robot asks of a vendor. Idempotent: the same sequence is the same request. */
export interface SessionRequest {
  readonly kind: 'acquire' | 'release';
  readonly resourceId: string;
  readonly sessionId: string;
  readonly sequence: number;
  /** where the lift shall come to, or go to */
  readonly floor?: string;
}

export type SessionAction =
  | { readonly kind: 'send'; readonly request: SessionRequest }
  | {
      readonly kind: 'tell-operator';
      readonly reason: SessionReason | 'not-released';
      readonly text: string;
    };
