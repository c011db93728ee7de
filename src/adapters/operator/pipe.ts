import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Clock } from '../../ports.ts';
import { Flow } from './flow.ts';
import type { OperatorMetrics } from './operator-metrics.ts';
import { CLOSE, type CloseCause } from './protocol.ts';

export interface PipeParts {
  readonly socket: WebSocket;
  /** the connection below it */
  readonly line: Duplex;
  readonly clock: Clock;
  readonly inFlightBytes: number;
  readonly metrics: OperatorMetrics;
  readonly retryAfterMs: () => number;
  /** whether its token may say one more thing now */
  readonly mayMessage: () => boolean;
  /** some of what was on its way has been read */
  readonly onRoom: () => void;
}

/** One WebSocket with as much on its way as its reader can take. */
export class Pipe {
  readonly #parts: PipeParts;
  readonly #flow: Flow;
  #lastHeardMs: number;

  constructor(parts: PipeParts) {
    this.#parts = parts;
    this.#flow = new Flow(parts.inFlightBytes);
    this.#lastHeardMs = parts.clock.nowMs();
    parts.socket.on('pong', (data) => {
      if (this.#flow.answered(data.toString('latin1'), this.#now())) {
        this.#heard();
        parts.onRoom();
      } else this.hears();
    });
    // Answered here and not by the library, which would pile up answers for whoever asks and does not read.
    parts.socket.on('ping', (data) => {
      if (!this.hears()) return;
      if (parts.socket.bufferedAmount > parts.inFlightBytes) this.close(CLOSE.tooSlow);
      else parts.socket.pong(data);
    });
    // Without a listener an error of one client would end the process; 'close' follows and cleans up.
    parts.socket.on('error', () => {});
  }

  get isOpen(): boolean {
    return this.#parts.socket.readyState === this.#parts.socket.OPEN;
  }

  /** Bytes that a cloud may have to get through now. */
  get room(): number {
    return this.#flow.window - this.#flow.inFlight;
  }

  /** False, and nothing sent, where it does not fit now. `mustGo`: alone, if it is larger than any window. */
  send(bytes: Buffer, isBinary: boolean, mustGo: boolean): boolean {
    if (!this.isOpen || !this.#flow.fits(bytes.length, mustGo)) return false;
    this.#parts.socket.send(bytes, { binary: isBinary });
    this.#flow.sent(bytes.length);
    this.#parts.metrics.bytes.inc(bytes.length);
    return true;
  }

  /** Sends a small message whatever is on its way; false where so much waits that nobody reads. */
  sendNow(bytes: Buffer): boolean {
    if (!this.isOpen) return true;
    if (this.#flow.inFlight > this.#parts.inFlightBytes) return false;
    this.#parts.socket.send(bytes, { binary: false });
    this.#flow.sent(bytes.length);
    return true;
  }

  /** What is sent meanwhile goes to the system at once: each call of it costs as much as a pose. */
  together(send: () => void): void {
    this.#parts.line.cork();
    try {
      send();
    } finally {
      this.#parts.line.uncork();
    }
  }

  /** After what was sent: asks when it will have been read. */
  ask(): void {
    const text = this.#flow.ask(this.#now());
    if (text !== undefined && this.isOpen) this.#parts.socket.ping(text);
  }

  /** The client said something. Whether it may: false where it is leaving, or says too much and is let go for it. */
  hears(): boolean {
    this.#heard();
    if (!this.isOpen) return false;
    if (this.#parts.mayMessage()) return true;
    this.close(CLOSE.tooManyMessages);
    return false;
  }

  /** Asks a silent client whether it is there; lets one go that has not answered for `pongMs`. */
  check(pingMs: number, pongMs: number): void {
    const now = this.#now();
    if (this.#flow.waitingMs(now) > pongMs) {
      this.#parts.metrics.ended.inc({ reason: 'no-pong' });
      this.#parts.socket.terminate();
      return;
    }
    if (now - this.#lastHeardMs < pingMs) return;
    const text = this.#flow.askIdle(now);
    if (text !== undefined && this.isOpen) this.#parts.socket.ping(text);
  }

  /** Says why and when to come back; whoever does not close within a second is cut off. */
  close([code, reason]: CloseCause): void {
    const { socket, metrics } = this.#parts;
    if (socket.readyState === socket.CLOSED) return;
    metrics.ended.inc({ reason });
    socket.close(code, JSON.stringify({ reason, retryAfterMs: this.#parts.retryAfterMs() }));
    setTimeout(() => socket.terminate(), 1000).unref();
  }

  #heard(): void {
    this.#lastHeardMs = this.#now();
  }

  #now(): number {
    return this.#parts.clock.nowMs();
  }
}
