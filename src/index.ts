/** What dilly-nav offers to other programs. */
export type { Config } from './config.ts';
export { loadConfig } from './config.ts';
export type { Alignment, AlignOptions, Cloud, Core, KdTree, Motion, Tile, TileMap } from './core.ts';
export { type CrossingConfig, crossingConfig } from './crossing/crossing-config.ts';
export {
  type CrossingPhase,
  type CrossingState,
  type CrossingStep,
  newCrossing,
  type OperatorEvent,
  stepCrossing,
} from './crossing/crossing-guard.ts';
export {
  type CameraView,
  type CrossingInput,
  mayCross,
  type ObstacleCheck,
  type Verdict,
  type WaitReason,
} from './crossing/go-rule.ts';
export { type Arbiter, arbitrate, newArbiter, type SharingRules } from './crossing/queue-arbiter.ts';
export { doorReady, liftReady, type NotReady, type Readiness } from './crossing/readiness.ts';
export { newSession, stepSession } from './crossing/session.ts';
export type {
  Resource,
  Session,
  SessionAction,
  SessionAnswer,
  SessionEvent,
  SessionPhase,
  SessionReason,
  SessionRequest,
  SessionStep,
} from './crossing/session-types.ts';
export { type AgedSignal, ageSignal } from './crossing/signal-ageing.ts';
export { type Manifest, parseManifest } from './map/manifest.ts';
export { indexOf, type MapIndex } from './map/map-index.ts';
export type { SupplyParts, SupplyStatus } from './map/supply-parts.ts';
export { TileSupply } from './map/tile-supply.ts';
export { loadCore } from './native.ts';
export { Localizer, type LocalizerConfig, type LocalizerParts, localizerConfig } from './pipeline.ts';
export type {
  CommandAnswer,
  DriveAdvice,
  RobotCommand,
  RobotControl,
  RobotEvent,
  RobotMotion,
  RobotStatus,
  RobotWatcher,
} from './ports/robot.ts';
export type { Clock, MapSource, PoseSink, SensorSource, SourceInfo } from './ports.ts';
export type { RobotParts, RobotSettings, RouteSource, StateStore } from './robot/parts.ts';
export { type RobotRoute, robotRoute, type Way } from './robot/robot-route.ts';
export { Robot } from './robot.ts';
export * from './types/building.ts';
export * from './types.ts';
