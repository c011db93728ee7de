import type { RobotControl, RobotMotion, RobotWatcher } from '../../ports/robot.ts';
import type { SensorMessage, Stamp, Vec3 } from '../../types.ts';

/** The robot as the node drives it: opened when it is configured, closed when it is cleaned up. */
export interface DrivenRobot extends RobotControl {
  /** One message, awaited before the next. Rejects for faults of our own only. */
  handle(message: SensorMessage): Promise<void>;
  /** Where it is at a stamp of the IMU, by prediction; undefined while that is not to be believed. */
  motionAt(stamp: Stamp): RobotMotion | undefined;
  /** All stamps leapt, by about so many seconds: what was known by the old clock begins anew from the last pose. */
  clockJumped(seconds: number): void;
  readonly pictures: RobotPictures;
  readonly recording: Recording;
  close(): Promise<void>;
}

/** What is drawn of the map; map frame, m. */
export interface RobotPictures {
  /** points of the tiles in memory, x y z, thinned */
  mapPoints(): Promise<Float32Array>;
  walls(): readonly WallPicture[];
  signals(): readonly SignalPicture[];
  /** longitude and latitude of a place on the map; undefined without a map */
  toLonLat(x: number, y: number): readonly [lon: number, lat: number] | undefined;
}

export interface WallPicture {
  readonly id: string;
  readonly type: 'no_go' | 'one_way' | 'slow';
  readonly line: readonly Vec3[];
}

export interface SignalPicture {
  readonly id: string;
  readonly position: Vec3;
}

export interface Recording {
  /** Resolves to the path. Rejects with a Refusal. */
  start(): Promise<string>;
  stop(): Promise<string>;
}

/**
 * Opens the robot on its map. Rejects with a Refusal; those whose reason is in `RETRIED` are tried again. An abort
 * means that nobody waits for it any more.
 */
export type OpenRobot = (watcher: RobotWatcher, signal: AbortSignal) => Promise<DrivenRobot>;

/** Reasons that go away by themselves: a service that is not there yet. */
export const RETRIED: ReadonlySet<string> = new Set(['no-map', 'service-away', 'http-failed', 'not-found']);
