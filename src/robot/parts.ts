import type { Core } from '../core.ts';
import type { CrossingConfig } from '../crossing/crossing-config.ts';
import type { Prior } from '../localization/initialization.ts';
import type { TileSupply } from '../map/tile-supply.ts';
import type { Localizer, LocalizerConfig, LocalizerParts } from '../pipeline.ts';
import type { HealthRow } from '../ports/robot.ts';
import type { BuildingLink, BuildingWatcher, Clock, PoseSink, SignalFeed } from '../ports.ts';
import type { Pose, SignalState, Stamp } from '../types.ts';
import type { RobotConfig } from './robot-config.ts';
import type { RobotRoute } from './robot-route.ts';

/** What a robot needs of a localizer. */
export type RobotLocalizer = Pick<Localizer, 'handle' | 'freeWidth'> & Partial<Pick<Localizer, 'stateAt'>>;

/** What a robot is made of. Configuration is that of the whole product; what is left out does not exist. */
export interface RobotParts {
  readonly core: Core;
  readonly config: RobotSettings;
  readonly clock: RobotClock;
  readonly map?: TileSupply | undefined;
  readonly prior?: Prior | undefined;
  /** a result after each message of this kind */
  readonly outputOn: 'points' | 'odometry' | 'imu' | 'gnss';
  /** where results go besides the watchers, in full */
  readonly sink?: PoseSink | undefined;
  /** makes the feed; each state that comes by itself goes to the listener */
  readonly signals?: ((listener: SignalListener) => SignalFeed) | undefined;
  readonly buildings?: ((watcher: BuildingWatcher) => BuildingLink) | undefined;
  readonly routes?: RouteSource | undefined;
  readonly store?: StateStore | undefined;
  /** default: ours; for simulations that know where they are */
  readonly localizer?: ((parts: LocalizerParts) => RobotLocalizer) | undefined;
  /** of what lies outside: vendors, brokers, services */
  readonly health?: (() => readonly HealthRow[]) | undefined;
}

export interface RobotSettings extends LocalizerConfig {
  readonly crossing: CrossingConfig;
  readonly robot: RobotConfig;
  readonly its: { readonly queryDistance: number };
}

/** Monotonic ms, and what is written on events: time of the machine or, in a simulation, of its world. */
export interface RobotClock extends Clock {
  stamp(): Stamp;
}

export interface SignalListener {
  state(state: SignalState): void;
  /** something that an operator should know; `kind` is a stable kebab-case word */
  event(kind: string, text: string): void;
}

/** Finds ways: on the graph of the map, or at a service. */
export interface RouteSource {
  /** Rejects with a Refusal. `from`: map frame, m. */
  find(from: readonly [x: number, y: number], to: Destination): Promise<RobotRoute>;
}
export type Destination = { readonly poi: string } | { readonly lon: number; readonly lat: number };

/** Keeps where the robot was, for its next start. */
export interface StateStore {
  /** Rejects where it could not be kept. */
  save(state: SavedState): Promise<void>;
}
export interface SavedState {
  readonly stamp: Stamp;
  readonly mapId?: string | undefined;
  readonly mapVersion?: number | undefined;
  readonly T_map_base: Pose;
  /** 6 × 6, as in FrameResult */
  readonly covariance?: Float64Array | undefined;
}
