import type { Stamp } from '../../types.ts';

/** What the node needs of a ROS 2 client library: rclnodejs on a robot, a hostile fake in tests. */
export interface RosPort {
  /** as they were given, by dotted name; numbers may be bigint */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly topics: RosTopics;
  readonly lifecycle: RosLifecycle;
  readonly time: RosTime;
  log(severity: 'info' | 'warn' | 'error', text: string): void;
  close(): void;
}

export interface RosQos {
  readonly reliability: 'reliable' | 'best-effort';
  readonly durability: 'volatile' | 'transient-local';
  readonly depth: number;
}

export interface RosTopics {
  /** The message is the receiver's. A `take` that throws may end the process. Throws where the type is not installed. */
  subscribe(topic: string, type: string, qos: RosQos, take: (message: unknown) => void): Closeable;
  /** Undefined where the message's package is not installed. */
  advertise(topic: string, type: string, qos: RosQos): RosPublisher | undefined;
  /** `answer` must not reject. */
  serve(name: string, type: string, answer: () => Promise<object>): Closeable;
}

export interface RosPublisher extends Closeable {
  /** Typed arrays must be at offset 0 of their own buffer. May throw. */
  publish(message: object): void;
  /** whether anybody listens */
  readonly isHeard: boolean;
}

export interface Closeable {
  close(): void;
}

export type Transition = 'configure' | 'activate' | 'deactivate' | 'cleanup' | 'shutdown';
export type Outcome = 'success' | 'failure' | 'error';
export type NodeState = 'unconfigured' | 'inactive' | 'active' | 'finalized';

export interface RosLifecycle {
  /** `error`: what is done in ErrorProcessing. Callbacks answer at once; `error` leads to ErrorProcessing. */
  on(transition: Transition | 'error', callback: () => Outcome): void;
  /** Asks for a transition of ourselves; false where it is not possible now. Never throws. */
  request(transition: Transition): boolean;
  readonly state: NodeState;
}

export interface RosTime {
  /** ROS time: of /clock under use_sim_time */
  now(): Stamp;
  /** ms, steady, whatever the clocks do */
  steadyMs(): number;
  every(periodMs: number, task: () => void): Closeable;
}

/** Clouds: only the newest counts, a slow consumer must never work on old ones. */
export const CLOUD_QOS: RosQos = { reliability: 'best-effort', durability: 'volatile', depth: 1 };
export const SENSOR_QOS: RosQos = { reliability: 'best-effort', durability: 'volatile', depth: 100 };
export const OUTPUT_QOS: RosQos = { reliability: 'reliable', durability: 'volatile', depth: 10 };
export const TF_QOS: RosQos = { reliability: 'reliable', durability: 'volatile', depth: 100 };
export const STATIC_QOS: RosQos = { reliability: 'reliable', durability: 'transient-local', depth: 100 };
export const LATCHED_QOS: RosQos = { reliability: 'reliable', durability: 'transient-local', depth: 1 };
