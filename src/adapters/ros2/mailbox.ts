import type { SensorMessage } from '../../types.ts';
import type { RosTime } from './ros-port.ts';

/** More small messages than this wait only where the robot has stopped taking them. */
const MAX_WAITING = 2000;

/**
 * Between callbacks that must return at once and a robot that takes one message at a time. Small messages keep their
 * order; of each LiDAR only the newest cloud waits, so that none is worked on later than the next one.
 */
export class Mailbox {
  readonly #handle: (message: SensorMessage) => Promise<void>;
  readonly #onFault: (error: unknown) => void;
  readonly #small: SensorMessage[] = [];
  readonly #clouds = new Map<string, SensorMessage>();
  #running: Promise<void> | undefined;
  readonly #time: Pick<RosTime, 'steadyMs'>;
  #startedMs: number | undefined;
  #closed = false;
  /** clouds that a newer one replaced before they were looked at, and small messages dropped */
  lateClouds = 0;
  overflow = 0;

  /** `handle` is never called twice at once; what it rejects with goes to `onFault`, and the next message follows. */
  constructor(
    handle: (message: SensorMessage) => Promise<void>,
    time: Pick<RosTime, 'steadyMs'>,
    onFault: (error: unknown) => void,
  ) {
    this.#handle = handle;
    this.#time = time;
    this.#onFault = onFault;
  }

  put(message: SensorMessage): void {
    if (this.#closed) return;
    if (message.kind === 'points') {
      if (this.#clouds.delete(message.channel)) this.lateClouds++;
      this.#clouds.set(message.channel, message);
    } else {
      this.#small.push(message);
      if (this.#small.length > MAX_WAITING) {
        this.#small.shift();
        this.overflow++;
      }
    }
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  /** How long the message in work has been so. */
  busyMs(nowMs: number): number {
    return this.#startedMs === undefined ? 0 : nowMs - this.#startedMs;
  }

  /** Drops what waits; resolves when the message in work is done. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#small.length = 0;
    this.#clouds.clear();
    await this.#running;
  }

  async #run(): Promise<void> {
    // Later in this turn of the event loop, more of what has already arrived may join.
    await Promise.resolve();
    for (let next = this.#next(); next; next = this.#next()) {
      this.#startedMs = this.#time.steadyMs();
      try {
        await this.#handle(next);
      } catch (error) {
        this.#onFault(error);
      }
      this.#startedMs = undefined;
    }
  }

  #next(): SensorMessage | undefined {
    const small = this.#small.shift();
    if (small) return small;
    const [first] = this.#clouds;
    if (!first) return undefined;
    this.#clouds.delete(first[0]);
    return first[1];
  }
}
