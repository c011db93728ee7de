import type { EventFrame } from './wire.ts';

/** An event as it goes out, once encoded for all. */
export interface LoggedEvent {
  readonly seq: number;
  /** when it was taken, ms on the monotonic clock */
  readonly takenMs: number;
  readonly frame: EventFrame;
  readonly bytes: Buffer;
}

/** The events of one run of the gateway, numbered from 1, kept by count and by time so that clients may resume. */
export class EventLog {
  readonly #most: number;
  readonly #keepMs: number;
  /** oldest first, without gaps; those before `#start` are forgotten */
  #events: LoggedEvent[] = [];
  #start = 0;
  #last = 0;

  constructor(most: number, keepMs: number) {
    this.#most = most;
    this.#keepMs = keepMs;
  }

  /** Number of the last event, 0 before the first. */
  get last(): number {
    return this.#last;
  }

  /** Events after this number are all there. */
  get before(): number {
    return this.#last - this.#size;
  }

  get #size(): number {
    return this.#events.length - this.#start;
  }

  append(nowMs: number, frameOf: (seq: number) => EventFrame): LoggedEvent {
    const seq = this.#last + 1;
    const frame = frameOf(seq);
    const event = { seq, takenMs: nowMs, frame, bytes: ownBytes(JSON.stringify(frame)) };
    this.#last = seq;
    this.#events.push(event);
    this.expire(nowMs);
    return event;
  }

  /** Forgets what is too old or too much. */
  expire(nowMs: number): void {
    const isGone = (event: LoggedEvent) => nowMs - event.takenMs > this.#keepMs;
    while (this.#size > this.#most || (this.#size > 0 && isGone(this.#events[this.#start]!))) this.#start++;
    // The array is moved only now and then, so that forgetting costs nothing each time.
    if (this.#start > 1024 && this.#start > this.#events.length / 2) {
      this.#events = this.#events.slice(this.#start);
      this.#start = 0;
    }
  }

  /** The event of a number; undefined where it is forgotten or not yet there. */
  at(seq: number): LoggedEvent | undefined {
    return seq > this.before && seq <= this.#last
      ? this.#events[this.#start + seq - this.before - 1]
      : undefined;
  }

  /** Events taken since then, oldest first. */
  since(fromMs: number): EventFrame[] {
    return this.#events
      .slice(this.#start)
      .filter(({ takenMs }) => takenMs >= fromMs)
      .map(({ frame }) => frame);
  }
}

/** Not a part of Node's pool of 8 kB, all of which a small buffer that is kept would hold. */
function ownBytes(text: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  bytes.write(text);
  return bytes;
}
