import type { DoorState, LiftState } from './types/building.ts';
import type {
  FrameResult,
  MapFile,
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

/** Where a map's files come from: a folder, or the map service with a store on disk. */
export interface MapSource {
  /**
   * The bytes of `manifest.json`, or of any file that it names; no more than the file may have. Whether they are the
   * right ones is for the reader to check. They may lie in `into`, which is the caller's to use again. Rejects with a
   * Refusal that says what is missing.
   */
  read(path: string, file?: MapFile, into?: Uint8Array): Promise<Uint8Array>;
  /** Has these files near from now on, in this order of urgency; replaces what was asked for before. Never waits. */
  want(files: readonly MapFile[]): void;
  /** A file that was read is damaged: it is not given again, but fetched anew where that is possible (then true). */
  discard(file: MapFile): Promise<boolean>;
}

/** A manifest as it was received, not yet trusted. */
export interface ReceivedManifest {
  readonly manifest: Uint8Array;
  /** manifest.json.dsse, where there is one */
  readonly envelope?: Uint8Array | undefined;
  /** what the service says the time is, ms since the Unix epoch; not to be trusted */
  readonly serviceMs?: number | undefined;
}

/** Who publishes manifests. */
export interface ManifestService {
  /** The newest; undefined where it is the one that was accepted last. Rejects with a Refusal. */
  newest(): Promise<ReceivedManifest | undefined>;
  /** What was given last is good. */
  accept(): void;
}

/** What outlives the process: manifests that were accepted, and what was seen at most. */
export interface ManifestStore {
  /** Manifests kept, the latest version first, each read when it is asked for: that of a large map takes 100 MB. */
  stored(): AsyncIterable<ReceivedManifest>;
  /** Keeps a manifest whole or not at all, beside the others. */
  keep(version: number, received: ReceivedManifest): Promise<void>;
  readonly seen: SeenStore;
}

/** The highest version taken into use, and the latest time believed, ms; both only rise. */
export interface SeenStore {
  read(): Promise<{ version: number; timeMs: number }>;
  raise(version: number, timeMs: number): Promise<void>;
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
