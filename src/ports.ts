import type {
  DoorState,
  FrameResult,
  LiftState,
  RouteSignal,
  SensorMessage,
  SignalState,
  Stamp,
  UpdateRecord,
} from './types.ts';

/** Where sensor data comes from: a bag, a KITTI folder, a simulator, ROS 2. */
export interface SensorSource {
  /** Facts that are known before reading: used for progress and for the choice of outputs. */
  describe(): SourceInfo;
  /** The messages in order of (arrival, channel, sequence). Bad messages come as kind 'refused'. */
  messages(): AsyncIterable<SensorMessage>;
  close(): Promise<void>;
}

export interface SourceInfo {
  readonly name: string;
  readonly start: Stamp;
  readonly end: Stamp;
  /** channel → kind of its messages */
  readonly channels: Readonly<Record<string, SensorMessage['kind']>>;
  /** number of point clouds, where the source can tell */
  readonly clouds?: number;
}

/** Milliseconds on a monotonic clock; only for measuring ourselves, never an input of a stage. */
export interface Clock {
  nowMs(): number;
}

/** Where a map's files come from: a folder now, the map service's store later. */
export interface MapSource {
  /** The bytes of `manifest.json`, or of any file that it names. Rejects with a Refusal that says what is missing. */
  read(path: string): Promise<Uint8Array>;
}

/** Where results go: files, a report, ROS 2, operators. */
export interface PoseSink {
  frame(result: FrameResult): void;
  update(record: UpdateRecord): void;
  /** A message or measurement that was not used, by reason. */
  refused(reason: string, detail: string): void;
}

/** Where the states of signals come from: one vendor, or the mediator over several. */
export interface SignalFeed {
  /** The signals of the route within query distance: only these cause traffic. Replaces the former list. */
  watch(signals: readonly RouteSignal[]): void;
  /** The states of signals of one intersection, at `deadlineMs` (monotonic) at the latest. Never rejects. */
  ask(signals: readonly RouteSignal[], deadlineMs: number, abort?: AbortSignal): Promise<SignalAnswer>;
  close(): Promise<void>;
}

/** What one question cost: requests sent and bytes received. */
export interface Traffic {
  readonly calls: number;
  readonly bytes: number;
}

/** One thing of an answer that was not used. */
export interface RefusedInput {
  /** a stable kebab-case word to count by */
  readonly reason: string;
  readonly detail: string;
}

/** States for at least one of the signals that were asked for, or why there are none. */
export type SignalAnswer = { readonly traffic: Traffic } & (
  | { readonly ok: true; readonly states: readonly SignalState[]; readonly refused: readonly RefusedInput[] }
  /** `retryAfterMs`: the vendor asks for this pause (quota, 429, 503). */
  | ({ readonly ok: false; readonly retryAfterMs?: number } & RefusedInput)
);

/** Doors and lifts of buildings. States come to whoever made it; a request only asks, the state tells what became. */
export interface BuildingLink {
  /** False where it could not be handed over now; it is not sent later. The same request twice is the same request. */
  request(request: BuildingRequest): Promise<boolean>;
  close(): Promise<void>;
}

/** Of one session (who uses the door or lift now); `sequence` rises with every request of a session. */
export type BuildingRequest = { readonly sessionId: string; readonly sequence: number } & (
  | { readonly kind: 'door'; readonly doorId: string; readonly open: boolean }
  /** `floor`: come there and hold the door open; undefined: the session ends, the lift is free again. */
  | { readonly kind: 'lift'; readonly liftId: string; readonly floor: string | undefined }
);

/** Where the states of doors and lifts go. */
export interface BuildingWatcher {
  door(state: DoorState): void;
  lift(state: LiftState): void;
  /** A connection that came or went, or a state that was not used. */
  note(note: RefusedInput): void;
}
