import { refusalReason, type Stamp } from '../../types.ts';

/** One channel as a bag describes it. Two of these may share a name: `BagSource` settles which one counts. */
export interface BagTopic {
  readonly name: string;
  /** `package/Name`, the same for ROS 1 and ROS 2 */
  readonly type: string;
  /** how messages are serialised: `cdr`, `ros1`, or a word that we cannot read */
  readonly encoding: string;
  /** language of `definition`: `ros2msg`, `ros1msg`, or a word that we cannot read; '' if there is none */
  readonly schemaEncoding: string;
  /** message definition with its dependencies; '' where the bag holds none */
  readonly definition: string;
  /** of an MCAP channel, as it is stored, so that it can be written again */
  readonly stored?: {
    readonly typeName: string;
    readonly schema: Uint8Array;
    readonly metadata: ReadonlyMap<string, string>;
  };
}

/** A message as it is stored. */
export interface RawMessage {
  readonly topic: BagTopic;
  /** when the recorder received it */
  readonly arrival: Stamp;
  /** when it was sent, where the bag says so */
  readonly published?: Stamp;
  /** as stored; recorders often leave it 0 */
  readonly sequence: number;
  /** a view: the reader never writes to it again */
  readonly data: Uint8Array;
}

/** What a bag lost, as words for a person. */
export interface Damage {
  readonly reason: 'truncated-bag' | 'damaged-bag' | 'unsupported-compression';
  readonly detail: string;
}

export type ReportDamage = (damage: Damage) => void;

export interface Span {
  readonly start: Stamp;
  readonly end: Stamp;
}

/** One file of a bag, whatever its format. */
export interface BagFile {
  readonly topics: readonly BagTopic[];
  /** times of the first and last message; undefined where there are none */
  readonly span: Span | undefined;
  /** number of messages, where it is known before reading */
  messageCount(topic: BagTopic): number | undefined;
  /** The wanted messages in order of (arrival, channel, sequence). Damage is reported, not thrown. */
  read(wanted: (topic: BagTopic) => boolean, report: ReportDamage): AsyncIterable<RawMessage>;
  close(): Promise<void>;
}

/** The time that several parts cover together; undefined if there are none. */
export function spanOf(parts: readonly Span[]): Span | undefined {
  let span: Span | undefined;
  for (const { start, end } of parts) {
    span = {
      start: span && span.start < start ? span.start : start,
      end: span && span.end > end ? span.end : end,
    };
  }
  return span;
}

/** `sensor_msgs/msg/Imu` and `sensor_msgs/Imu` are the same type. */
export function plainTypeName(type: string): string {
  return type.replace('/msg/', '/');
}

/** Compares by (arrival, channel, sequence); names by code unit, so that no locale changes a replay. */
export function compareRaw(a: RawMessage, b: RawMessage): number {
  if (a.arrival !== b.arrival) return a.arrival < b.arrival ? -1 : 1;
  if (a.topic.name !== b.topic.name) return a.topic.name < b.topic.name ? -1 : 1;
  return a.sequence - b.sequence;
}

/** Reports messages of channels that the bag does not describe, which nobody can decode. */
export function reportUnknownChannels(ids: ReadonlySet<number>, report: ReportDamage): void {
  if (ids.size === 0) return;
  const detail = `expected a description of every channel, found none for the ids ${[...ids].join(', ')}`;
  report({ reason: 'damaged-bag', detail });
}

/** Under which reason an error while reading is reported. */
export function damageReason(error: unknown): Damage['reason'] {
  const reason = refusalReason(error);
  return reason === 'truncated-bag' || reason === 'unsupported-compression' ? reason : 'damaged-bag';
}

/** The words of any error, for a damage report. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
