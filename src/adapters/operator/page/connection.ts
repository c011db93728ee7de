import type { AnswerFrame, ServerFrame, Welcome } from '../wire.ts';

/** What the page is told of the line. */
export type LineState =
  | { readonly kind: 'connecting' | 'open' }
  | { readonly kind: 'down'; readonly retryAtMs: number; readonly reason: string }
  | { readonly kind: 'refused'; readonly reason: string };

interface Listeners {
  readonly frame: (frame: ServerFrame) => void;
  readonly cloud: (data: ArrayBuffer) => void;
  readonly line: (state: LineState) => void;
}

const PING_MS = 2000;
/** Without a word from the robot for so long the line is taken for dead, ms: pongs come every two seconds. */
const SILENT_MS = 6000;
const COMMAND_MS = 5000;

/** The line to the robot: comes back by itself, goes on where it was, and loses no event. */
export class Connection {
  readonly #token: string;
  readonly #on: Listeners;
  readonly #waiting = new Map<string, (answer: AnswerFrame) => void>();
  readonly #unanswered = new Map<string, object>();
  #socket: WebSocket | undefined;
  #welcome: Welcome | undefined;
  #lastSeq = 0;
  #retryAfterMs = 1000;
  #heardMs = 0;
  /** robot's clock minus ours, ms; of the quickest answer */
  #offset = { ms: 0, tripMs: Number.POSITIVE_INFINITY };

  constructor(token: string, on: Listeners) {
    this.#token = token;
    this.#on = on;
    setInterval(() => this.#beat(), PING_MS);
  }

  get welcome(): Welcome | undefined {
    return this.#welcome;
  }

  get isOpen(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** The robot's clock, ms since the Unix epoch. */
  robotNow(): number {
    return Date.now() + this.#offset.ms;
  }

  async open(): Promise<void> {
    this.#on.line({ kind: 'connecting' });
    // The handshake of a WebSocket says only yes or no; this says why not.
    const session = await this.get('v1/session').catch(() => undefined);
    if (!session) return this.#later('no-answer');
    if (session.status === 429) return this.#later('busy');
    if (!session.ok) {
      const { type } = (await session.json().catch(() => ({}))) as { type?: string };
      return this.#on.line({ kind: 'refused', reason: type?.split(':').at(-1) ?? String(session.status) });
    }
    const address = new URL('./', location.href);
    address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
    address.hash = '';
    const socket = new WebSocket(address, ['dilly.operator.v1', `bearer.${this.#token}`]);
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    this.#heardMs = performance.now();
    socket.onmessage = ({ data }) => {
      this.#heardMs = performance.now();
      if (typeof data === 'string') this.#take(JSON.parse(data) as ServerFrame);
      else this.#on.cloud(data as ArrayBuffer);
    };
    socket.onclose = ({ code, reason }) => {
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      const said = closeReason(reason);
      if (said.retryAfterMs !== undefined) this.#retryAfterMs = said.retryAfterMs;
      if (said.reason === 'session-continued-elsewhere')
        this.#on.line({ kind: 'refused', reason: said.reason });
      else this.#later(said.reason ?? String(code));
    };
  }

  get(path: string): Promise<Response> {
    return fetch(new URL(path, location.href.split('#')[0]), {
      headers: { authorization: `Bearer ${this.#token}` },
    });
  }

  say(message: object): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /** Resolves with the one answer, or with `no-answer` when the command can no longer be carried out. */
  command(command: object): Promise<Pick<AnswerFrame, 'ok' | 'text' | 'reason'>> {
    const id = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random().toString(36).slice(2)}`;
    const message = { type: 'command', id, expires: this.robotNow() + COMMAND_MS, command };
    return new Promise((resolve) => {
      const give = (answer: Pick<AnswerFrame, 'ok' | 'text' | 'reason'>) => {
        clearTimeout(timer);
        this.#waiting.delete(id);
        this.#unanswered.delete(id);
        resolve(answer);
      };
      const timer = setTimeout(
        () => give({ ok: false, reason: 'no-answer', text: 'no answer; the command has expired' }),
        COMMAND_MS + 3000,
      );
      this.#waiting.set(id, give);
      this.#unanswered.set(id, message);
      this.say(message);
    });
  }

  #take(frame: ServerFrame): void {
    if (frame.type === 'welcome') {
      const before = this.#welcome;
      const isContinued = before?.session === frame.session;
      this.#welcome = frame;
      this.#retryAfterMs = frame.retryAfterMs;
      // A second welcome confirms the session that we went on with.
      if (this.#expectsResume) {
        this.#expectsResume = false;
        this.say(
          before && !isContinued
            ? { type: 'resume', epoch: before.epoch, lastSeq: this.#lastSeq, session: before.session }
            : { type: 'resume' },
        );
        this.say({ type: 'ping', t: performance.now() });
      }
    } else if (frame.type === 'resumed' || frame.type === 'reset') {
      this.#lastSeq = frame.seq;
      this.#on.line({ kind: 'open' });
      for (const message of this.#unanswered.values()) this.say(message);
    } else if (frame.type === 'event') this.#lastSeq = frame.seq;
    else if (frame.type === 'pong') {
      const tripMs = performance.now() - frame.t;
      if (tripMs <= this.#offset.tripMs * 1.5)
        this.#offset = {
          ms: frame.now + tripMs / 2 - Date.now(),
          tripMs: Math.min(tripMs, this.#offset.tripMs),
        };
    } else if (frame.type === 'answer') this.#waiting.get(frame.id)?.(frame);
    this.#on.frame(frame);
  }

  #expectsResume = true;

  #later(reason: string): void {
    this.#expectsResume = true;
    this.#on.line({ kind: 'down', reason, retryAtMs: Date.now() + this.#retryAfterMs });
    setTimeout(() => void this.open(), this.#retryAfterMs);
  }

  #beat(): void {
    const socket = this.#socket;
    if (!socket) return;
    this.say({ type: 'ping', t: performance.now() });
    if (performance.now() - this.#heardMs <= SILENT_MS) return;
    // A dead line may take minutes to close by itself.
    this.#socket = undefined;
    socket.onclose = null;
    socket.close();
    this.#later('silent');
  }
}

function closeReason(text: string): { reason?: string; retryAfterMs?: number } {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
