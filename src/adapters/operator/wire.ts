/** Frames of `dilly.operator.v1` from the robot. Page and gateway share them: no imports but types. */
import type { DriveAdvice, HealthRow } from '../../ports/robot.ts';
import type { LocalizationState, Quat, SignalPhase, Vec3 } from '../../types.ts';

/** In every frame: the run of the gateway, and the last event before it (of an event: its own number). */
interface Numbered {
  readonly epoch: string;
  readonly seq: number;
}

export type Role = 'viewer' | 'operator';

export interface Welcome extends Numbered {
  readonly type: 'welcome';
  /** to be kept secret; `resume` with it goes on with this session's control */
  readonly session: string;
  /** this session as others see it */
  readonly tag: string;
  readonly robot: string;
  readonly name: string;
  readonly role: Role;
  /** the robot's clock, ms since the Unix epoch */
  readonly now: number;
  /** wait this long after an unexpected end */
  readonly retryAfterMs: number;
  readonly leaseMs: number;
}

/** Nothing was lost: the events after `lastSeq` follow. */
export interface Resumed extends Numbered {
  readonly type: 'resumed';
}

/** What came after the client's `lastSeq` is gone in part or whole; the events after `seq` follow. */
export interface Reset extends Numbered {
  readonly type: 'reset';
  readonly reason: 'first-visit' | 'unknown-epoch' | 'window-gone' | 'unknown-seq';
}

export interface EventFrame extends Numbered {
  readonly type: 'event';
  /** ms since the Unix epoch, by the clock of the robot */
  readonly at: number;
  /** sensor time, s */
  readonly stamp: number;
  readonly kind: string;
  readonly severity: 'info' | 'warning' | 'alarm';
  readonly text: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

export interface WireCrossing {
  readonly signalId: string;
  readonly phase: string;
  readonly reason?: string;
  readonly text: string;
  /** metres to the stop line, negative past it */
  readonly toStopLine?: number;
  /** seconds since it was true at its source */
  readonly age?: number;
  readonly signal?: {
    readonly phase: SignalPhase;
    readonly provider: string;
    readonly remaining?: { readonly min: number; readonly likely?: number; readonly max?: number };
  };
}

export interface WireBuilding {
  readonly id: string;
  readonly kind: 'door' | 'lift';
  readonly phase: string;
  readonly reason?: string;
  readonly text: string;
}

export interface StatusFrame extends Numbered {
  readonly type: 'status';
  readonly at: number;
  readonly stamp: number;
  /** from the measurement to this frame, ms; absent where the sensors' clock is not known */
  readonly delayMs?: number;
  readonly state: LocalizationState;
  readonly stateReason?: string;
  readonly pose?: { readonly position: Vec3; readonly orientation: Quat };
  /** of the position in the plane, m², and of the heading, rad² */
  readonly spread?: { readonly xx: number; readonly xy: number; readonly yy: number; readonly yaw: number };
  /** m */
  readonly protectionLevel?: number;
  readonly advice: DriveAdvice;
  /** m; age in s */
  readonly fix?: { readonly position: Vec3; readonly sigma: number; readonly age: number };
  readonly route?: {
    readonly routeId: string;
    readonly along: number;
    readonly remaining: number;
    readonly offset: number;
  };
  readonly crossings: readonly WireCrossing[];
  readonly buildings: readonly WireBuilding[];
  readonly health: readonly HealthRow[];
  readonly registration?: { readonly ok: boolean; readonly inlierRatio: number; readonly residual: number };
}

/** Sent when it changes. */
export interface RouteFrame extends Numbered {
  readonly type: 'route';
  readonly routeId: string | null;
  readonly line: readonly (readonly [number, number])[];
}

/** Ids of the tiles in memory; sent when they or the map change. Their points: `GET /v1/map/tiles/ID`. */
export interface TilesFrame extends Numbered {
  readonly type: 'tiles';
  /** of `GET /v1/map`, which is to be asked again when it is another */
  readonly map?: { readonly mapId: string; readonly version: number };
  readonly tiles: readonly string[];
}

export interface ControlFrame extends Numbered {
  readonly type: 'control';
  readonly holder: { readonly name: string; readonly tag: string } | null;
}

/** To the one who loses control. */
export interface ControlLost extends Numbered {
  readonly type: 'control-lost';
  readonly reason: 'taken-over' | 'lapsed';
  readonly by?: string;
  readonly text: string;
}

/** To each command exactly one. */
export interface AnswerFrame extends Numbered {
  readonly type: 'answer';
  readonly id: string;
  readonly ok: boolean;
  readonly reason?: string;
  readonly text: string;
}

export interface PongFrame extends Numbered {
  readonly type: 'pong';
  readonly t: number;
  readonly now: number;
}

export type ServerFrame =
  | Welcome
  | Resumed
  | Reset
  | EventFrame
  | StatusFrame
  | RouteFrame
  | TilesFrame
  | ControlFrame
  | ControlLost
  | AnswerFrame
  | PongFrame;

/** `GET /v1/map`: what is drawn of the map, in its frame, m. */
export interface WireMap {
  readonly mapId: string;
  readonly version: number;
  readonly origin: { readonly lat: number; readonly lon: number; readonly ellipsoidalHeight: number };
  readonly tileSize: number;
  readonly features: readonly MapFeature[];
}

export interface MapFeature {
  readonly kind: 'virtual_wall' | 'signal' | 'door' | 'lift' | 'poi' | 'link';
  readonly id: string;
  /** of a wall: no_go, one_way, slow */
  readonly type?: string;
  readonly name?: string;
  readonly line: readonly (readonly [number, number])[];
  readonly closed?: boolean;
}
