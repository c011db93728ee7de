import type { FrameResult, Pose, SignalState, Stamp, Vec3 } from '../types.ts';

/** Who watches a robot: operators, ROS 2, the recorder. Calls return at once and nothing is awaited. */
export interface RobotWatcher {
  /** At each output time; the latest wins. */
  status(status: RobotStatus): void;
  /** A scan that was registered; the latest wins. */
  scan(scan: MappedScan): void;
  /** Never to be dropped. */
  event(event: RobotEvent): void;
}

/** What operators, ROS 2 services and programs may ask of a robot. */
export interface RobotControl {
  /** Never rejects: a command that is not carried out is answered with its reason. */
  command(command: RobotCommand): Promise<CommandAnswer>;
}

export type RobotCommand =
  | { readonly kind: 'stop' }
  | { readonly kind: 'resume' }
  /** map frame, m and rad; `radius`: the place may be this much off, m; without a yaw any heading is tried */
  | {
      readonly kind: 'relocalise';
      readonly x: number;
      readonly y: number;
      readonly yaw?: number;
      readonly radius?: number;
    }
  | { readonly kind: 'mark-intervention'; readonly note: string }
  /** to a POI of the map, or to a place */
  | { readonly kind: 'go-to'; readonly poi: string }
  | { readonly kind: 'go-to'; readonly lon: number; readonly lat: number }
  | { readonly kind: 'save-state' };

export type CommandAnswer =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly reason: string; readonly text: string };

/** Something that happened; `kind` is a stable kebab-case word, `text` is for people. */
export interface RobotEvent {
  readonly stamp: Stamp;
  readonly kind: string;
  readonly severity: 'info' | 'warning' | 'alarm';
  readonly text: string;
  /** JSON values */
  readonly data?: Readonly<Record<string, unknown>>;
}

/** Where the robot is, how sure it is, what it waits for: all that somebody who watches needs at one time. */
export interface RobotStatus {
  readonly frame: FrameResult;
  readonly advice: DriveAdvice;
  /** the last GNSS fix in the map frame, with its own standard deviation, m */
  readonly fix?: { readonly position: Vec3; readonly sigma: number; readonly stamp: Stamp };
  readonly route?: RouteStatus;
  readonly crossings: readonly CrossingStatus[];
  readonly buildings: readonly BuildingStatus[];
  /** ids of the tiles in memory */
  readonly tiles: readonly string[];
  readonly health: readonly HealthRow[];
}

/** What the robot may do now: the strictest of localisation, crossing, doors, walls and operator, and whose word it is. */
export interface DriveAdvice {
  readonly motion: 'drive' | 'slow' | 'stop';
  /** m/s */
  readonly speedLimit: number;
  readonly reason: string;
}

export interface RouteStatus {
  readonly routeId: string;
  /** map frame, m */
  readonly line: readonly (readonly [x: number, y: number])[];
  /** metres driven of it, left of it, and beside it (> 0: the robot is left of it) */
  readonly along: number;
  readonly remaining: number;
  readonly offset: number;
}

/** A crossing of the route that is near. */
export interface CrossingStatus {
  readonly signalId: string;
  /** APPROACHING, WAITING, GO, CLEARING, CLEARED */
  readonly phase: string;
  readonly reason?: string;
  readonly text: string;
  readonly signal?: SignalState;
  /** seconds since the signal's state was true at its source */
  readonly age?: number;
  /** metres, negative past it */
  readonly toStopLine?: number;
}

/** A door or lift of the route that is near. */
export interface BuildingStatus {
  readonly id: string;
  readonly kind: 'door' | 'lift';
  /** IDLE, REQUESTED, QUEUED, GRANTED, OPEN_CONFIRMED, PASSING, CLEARED, RELEASED … */
  readonly phase: string;
  readonly reason?: string;
  readonly text: string;
}

export interface HealthRow {
  /** `map-service`, `vendor:…`, `broker:…`, `sensor:…`, `recorder` */
  readonly name: string;
  readonly state: 'ok' | 'degraded' | 'down';
  readonly text: string;
}

/** Where the robot is at a time between its results, and how it moves. */
export interface RobotMotion {
  readonly stamp: Stamp;
  /** T_map_base */
  readonly pose: Pose;
  /** 6 × 6 row-major, x y z rotX rotY rotZ, map axes at base_link */
  readonly covariance: Float64Array;
  /** of base_link in base axes, m/s and rad/s */
  readonly linear: Vec3;
  readonly angular: Vec3;
  /** of `linear` and `angular`, 6 × 6 row-major, base axes; of the turn rate only what the gyro's bias leaves open */
  readonly twistCovariance: Float64Array;
}

/** The points of a registered scan, thinned. */
export interface MappedScan {
  readonly stamp: Stamp;
  /** map frame, m, float64: `positions` are relative to it */
  readonly origin: Vec3;
  /** x y z per point */
  readonly positions: Float32Array;
  readonly intensity?: Float32Array;
}
