/** What doors and lifts of buildings say, with the state values of Open-RMF. */

/** rmf_door_msgs/DoorMode */
export type DoorMode = 'CLOSED' | 'MOVING' | 'OPEN' | 'OFFLINE' | 'UNKNOWN';

/** rmf_door_msgs/DoorState, with the session that holds it where the vendor says so. */
export interface DoorState {
  readonly doorId: string;
  readonly mode: DoorMode;
  readonly sessionId?: string;
  /** ms on the monotonic clock */
  readonly receivedAtMs: number;
}

/** rmf_lift_msgs/LiftState */
export interface LiftState {
  readonly liftId: string;
  readonly currentFloor: string;
  readonly destinationFloor: string;
  readonly door: 'CLOSED' | 'MOVING' | 'OPEN' | 'UNKNOWN';
  readonly motion: 'STOPPED' | 'UP' | 'DOWN' | 'UNKNOWN';
  readonly mode: 'UNKNOWN' | 'HUMAN' | 'AGV' | 'FIRE' | 'OFFLINE' | 'EMERGENCY';
  /** who holds the lift; empty: nobody */
  readonly sessionId: string;
  /** ms on the monotonic clock */
  readonly receivedAtMs: number;
}
