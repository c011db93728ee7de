import type { BuildingRequest } from '../../ports.ts';
import type { DoorState, LiftState } from '../../types/building.ts';
import { Refusal } from '../../types.ts';
import { excerpt, isRecord, type Json } from './body.ts';

/** Open-RMF messages (rmf_door_msgs, rmf_lift_msgs) as JSON: fields and numbers as in their .msg files. */

/** DoorMode.value */
const DOOR_MODES = ['CLOSED', 'MOVING', 'OPEN', 'OFFLINE', 'UNKNOWN'] as const;
/** LiftState.door_state, motion_state, current_mode */
const LIFT_DOORS = ['CLOSED', 'MOVING', 'OPEN'] as const;
const MOTIONS = ['STOPPED', 'UP', 'DOWN', 'UNKNOWN'] as const;
const LIFT_MODES = ['UNKNOWN', 'HUMAN', 'AGV', 'FIRE', 'OFFLINE', 'EMERGENCY'] as const;
/** LiftRequest.request_type */
const END_SESSION = 0;
const AGV_MODE = 1;

/** DoorState, with `session_id` where the door says who holds it. Throws a Refusal `bad-door-state`. */
export function doorStateOf(message: unknown, receivedAtMs: number): DoorState {
  const body = recordOf(message, 'bad-door-state');
  const mode = isRecord(body.current_mode) ? body.current_mode.value : body.current_mode;
  const session = body.session_id;
  return {
    doorId: textOf(body, 'door_name', 'bad-door-state'),
    mode: named(DOOR_MODES, mode) ?? 'UNKNOWN',
    ...(typeof session === 'string' && { sessionId: session }),
    receivedAtMs,
  };
}

/** LiftState. Numbers that the standard does not know are UNKNOWN. Throws a Refusal `bad-lift-state`. */
export function liftStateOf(message: unknown, receivedAtMs: number): LiftState {
  const body = recordOf(message, 'bad-lift-state');
  const text = (key: string) => textOf(body, key, 'bad-lift-state', true);
  return {
    liftId: textOf(body, 'lift_name', 'bad-lift-state'),
    currentFloor: text('current_floor'),
    destinationFloor: text('destination_floor'),
    door: named(LIFT_DOORS, body.door_state) ?? 'UNKNOWN',
    motion: named(MOTIONS, body.motion_state) ?? 'UNKNOWN',
    mode: named(LIFT_MODES, body.current_mode) ?? 'UNKNOWN',
    sessionId: text('session_id'),
    receivedAtMs,
  };
}

/** DoorRequest or LiftRequest with our `sequence`; `wallMs` becomes request_time. */
export function requestMessage(request: BuildingRequest, wallMs: number): Json {
  const { sequence, sessionId } = request;
  const time = { sec: Math.floor(wallMs / 1000), nanosec: Math.floor(wallMs % 1000) * 1_000_000 };
  if (request.kind === 'door')
    return {
      request_time: time,
      requester_id: sessionId,
      door_name: request.doorId,
      requested_mode: { value: DOOR_MODES.indexOf(request.open ? 'OPEN' : 'CLOSED') },
      sequence,
    };
  return {
    lift_name: request.liftId,
    request_time: time,
    session_id: sessionId,
    request_type: request.floor === undefined ? END_SESSION : AGV_MODE,
    destination_floor: request.floor ?? '',
    door_state: LIFT_DOORS.indexOf(request.floor === undefined ? 'CLOSED' : 'OPEN'),
    sequence,
  };
}

/** What `requestMessage` wrote, for the building's side. Throws a Refusal `bad-request`. */
export function requestOf(message: unknown): BuildingRequest {
  const body = recordOf(message, 'bad-request');
  const sequence = body.sequence;
  if (!Number.isSafeInteger(sequence))
    throw new Refusal('bad-request', `expected a sequence, found ${excerpt(sequence)}`);
  const text = (key: string) => textOf(body, key, 'bad-request');
  if ('door_name' in body) {
    const mode = isRecord(body.requested_mode) ? body.requested_mode.value : undefined;
    const open = mode === DOOR_MODES.indexOf('OPEN');
    return {
      kind: 'door',
      doorId: text('door_name'),
      sessionId: text('requester_id'),
      sequence: sequence as number,
      open,
    };
  }
  const floor = body.request_type === END_SESSION ? undefined : text('destination_floor');
  return {
    kind: 'lift',
    liftId: text('lift_name'),
    sessionId: text('session_id'),
    sequence: sequence as number,
    floor,
  };
}

/** DoorState as a building sends it. */
export function doorMessage(state: DoorState, wallMs: number): Json {
  return {
    door_time: { sec: Math.floor(wallMs / 1000), nanosec: 0 },
    door_name: state.doorId,
    current_mode: { value: DOOR_MODES.indexOf(state.mode) },
    ...(state.sessionId !== undefined && { session_id: state.sessionId }),
  };
}

/** LiftState as a building sends it. */
export function liftMessage(state: LiftState, floors: readonly string[], wallMs: number): Json {
  return {
    lift_time: { sec: Math.floor(wallMs / 1000), nanosec: 0 },
    lift_name: state.liftId,
    available_floors: floors,
    current_floor: state.currentFloor,
    destination_floor: state.destinationFloor,
    door_state: LIFT_DOORS.indexOf(state.door as (typeof LIFT_DOORS)[number]),
    motion_state: MOTIONS.indexOf(state.motion),
    available_modes: [1, 2],
    current_mode: LIFT_MODES.indexOf(state.mode),
    session_id: state.sessionId,
  };
}

function recordOf(message: unknown, reason: string): Json {
  if (isRecord(message)) return message;
  throw new Refusal(reason, `expected an object, found ${excerpt(message)}`);
}

function textOf(body: Json, key: string, reason: string, empty = false): string {
  const value = body[key];
  if (typeof value === 'string' && (empty || value !== '')) return value;
  throw new Refusal(reason, `${key}: expected text, found ${excerpt(value)}`);
}

function named<T extends string>(names: readonly T[], value: unknown): T | undefined {
  return typeof value === 'number' ? names[value] : undefined;
}
