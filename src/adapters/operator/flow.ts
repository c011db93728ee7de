/** Bytes that may always be on their way: a few poses. */
const LEAST = 4096;
/** Answers within this time are quick, beyond the next one slow, ms, or as many of the quickest answer seen. */
const QUICK = { ms: 150, times: 2 };
const SLOW = { ms: 400, times: 4 };
/** A question costs as much as a pose, ms. */
const SELDOM_MS = 200;

/**
 * How much may be on its way to one client. What lies in buffers of the system is not known to be read, so a ping
 * follows: its pong says that all before it has been read. Quick answers widen the window by what they
 * confirm, slow ones halve it (TCP's slow start, RFC 5681 §3.1, by delay instead of by loss).
 */
export class Flow {
  readonly #most: number;
  #window = 2 * LEAST;
  #sent = 0;
  #read = 0;
  #asked: { readonly sent: number; readonly atMs: number } | undefined;
  #askedMs = Number.NEGATIVE_INFINITY;
  #quickest = Number.POSITIVE_INFINITY;

  constructor(mostBytes: number) {
    this.#most = mostBytes;
  }

  get window(): number {
    return this.#window;
  }

  get inFlight(): number {
    return this.#sent - this.#read;
  }

  /** Whether a message fits; one that must go goes alone even if it is larger than the window. */
  fits(bytes: number, mustGo: boolean): boolean {
    return this.inFlight + bytes <= this.#window || (mustGo && this.inFlight === 0);
  }

  sent(bytes: number): void {
    this.#sent += bytes;
  }

  /** The text of a ping to be sent now, if one is due: while there is room, what is on its way is asked for seldom. */
  ask(nowMs: number): string | undefined {
    if (this.#asked || this.inFlight === 0) return undefined;
    if (2 * this.inFlight <= this.#window && nowMs - this.#askedMs < SELDOM_MS) return undefined;
    this.#askedMs = nowMs;
    this.#asked = { sent: this.#sent, atMs: nowMs };
    return String(this.#sent);
  }

  /** Asks though nothing is on its way: is anybody there? */
  askIdle(nowMs: number): string | undefined {
    if (this.#asked) return undefined;
    this.#asked = { sent: this.#sent, atMs: nowMs };
    return String(this.#sent);
  }

  /** A pong came. False where it answers nothing that was asked. */
  answered(text: string, nowMs: number): boolean {
    const asked = this.#asked;
    if (!asked || text !== String(asked.sent)) return false;
    const took = nowMs - asked.atMs;
    const confirmed = asked.sent - this.#read;
    this.#read = asked.sent;
    this.#asked = undefined;
    this.#quickest = Math.min(this.#quickest, took);
    if (took <= Math.max(QUICK.ms, QUICK.times * this.#quickest))
      this.#window = Math.min(this.#most, this.#window + confirmed);
    else if (took > Math.max(SLOW.ms, SLOW.times * this.#quickest))
      this.#window = Math.max(LEAST, this.#window / 2);
    return true;
  }

  /** Milliseconds since a question that is not answered yet, else 0. */
  waitingMs(nowMs: number): number {
    return this.#asked ? nowMs - this.#asked.atMs : 0;
  }
}
