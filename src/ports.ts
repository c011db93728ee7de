import type { FrameResult, SensorMessage, Stamp, UpdateRecord } from './types.ts';

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
