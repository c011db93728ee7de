import type { CommandAnswer } from '../../ports/robot.ts';
import type { Asker } from './command-desk.ts';
import type { EventLog } from './event-log.ts';
import type { Pipe } from './pipe.ts';
import { CLOSE } from './protocol.ts';
import type { Identity } from './tokens.ts';
import type { Topics } from './topics.ts';
import type { Reset, ServerFrame } from './wire.ts';

/** Answers and notices that wait for a client at most; who leaves more unread is let go. */
const MOST_WAITING = 1000;

type Bare<F> = F extends ServerFrame ? Omit<F, 'epoch' | 'seq'> : never;
export type FrameContent = Bare<ServerFrame>;

/** One connection of `dilly.operator.v1`: what is to be said to it, in order of urgency, as it can take it. */
export class OperatorClient implements Asker {
  readonly pipe: Pipe;
  readonly identity: Identity;
  /** changes when it goes on with a session of before */
  session: { readonly id: string; readonly tag: string };
  hasResumed = false;
  readonly #epoch: string;
  readonly #log: EventLog;
  readonly #waiting: Buffer[] = [];
  readonly #shown = new Map<string, number>();
  #cursor = 0;

  constructor(
    parts: { pipe: Pipe; identity: Identity; epoch: string; log: EventLog },
    session: OperatorClient['session'],
  ) {
    this.pipe = parts.pipe;
    this.identity = parts.identity;
    this.#epoch = parts.epoch;
    this.#log = parts.log;
    this.session = session;
  }

  get subject(): string {
    return this.identity.subject;
  }

  answer(id: string, answer: CommandAnswer): void {
    this.say({ type: 'answer', id, ...answer });
  }

  /** Something for this client alone, never dropped while it is connected. */
  say(content: FrameContent): void {
    if (this.#waiting.length >= MOST_WAITING) {
      this.pipe.close(CLOSE.tooSlow);
      return;
    }
    this.#waiting.push(this.#encode(content, this.#log.last));
    this.pump();
  }

  /** From which event on: all after `lastSeq` of this epoch where they are there, else a reset says what is not. */
  resume(epoch: string | undefined, lastSeq: number): Reset['reason'] | undefined {
    const { before, last } = this.#log;
    const reason =
      epoch === undefined
        ? 'first-visit'
        : epoch !== this.#epoch
          ? 'unknown-epoch'
          : lastSeq > last
            ? 'unknown-seq'
            : lastSeq < before
              ? 'window-gone'
              : undefined;
    this.#cursor = reason ? before : lastSeq;
    this.#waiting.push(this.#encode(reason ? { type: 'reset', reason } : { type: 'resumed' }, this.#cursor));
    this.hasResumed = true;
    return reason;
  }

  /** Sends what fits: first what is for it alone, then events in order, then the newest of each topic but clouds. */
  pump(topics?: Topics): void {
    this.pipe.together(() => {
      while (this.#waiting.length > 0 && this.pipe.send(this.#waiting[0]!, false, true))
        this.#waiting.shift();
      if (this.hasResumed && this.#waiting.length === 0 && this.#sendEvents()) this.#sendTexts(topics);
      this.pipe.ask();
    });
  }

  /** Whether there is a cloud that it has not seen. */
  wantsCloud(topics: Topics): boolean {
    return this.hasResumed && topics.clouds.some((name) => this.#isNew(topics, name));
  }

  /** Sends clouds that fit, once all others have their texts. One that does not fit waits for the next. */
  pumpClouds(topics: Topics): void {
    if (!this.hasResumed || this.#waiting.length > 0 || this.#cursor < this.#log.last) return;
    this.pipe.together(() => {
      for (const name of topics.clouds) {
        if (!this.#isNew(topics, name)) continue;
        const topic = topics.get(name)!;
        const size = topic.sizes.find(({ length }) => length <= this.pipe.room);
        if (size && this.pipe.send(size, true, false)) this.#shown.set(name, topic.version);
      }
      this.pipe.ask();
    });
  }

  /** Whether all events are sent. */
  #sendEvents(): boolean {
    if (this.#cursor < this.#log.before) {
      this.#cursor = this.#log.before;
      if (!this.pipe.send(this.#encode({ type: 'reset', reason: 'window-gone' }, this.#cursor), false, true))
        this.#waiting.push(this.#encode({ type: 'reset', reason: 'window-gone' }, this.#cursor));
      if (this.#waiting.length > 0) return false;
    }
    while (this.#cursor < this.#log.last) {
      if (!this.pipe.send(this.#log.at(this.#cursor + 1)!.bytes, false, true)) return false;
      this.#cursor++;
    }
    return true;
  }

  #sendTexts(topics: Topics | undefined): void {
    for (const name of topics?.texts ?? []) {
      if (!this.#isNew(topics!, name)) continue;
      const topic = topics!.get(name)!;
      if (this.pipe.send(topic.sizes[0]!, false, true)) this.#shown.set(name, topic.version);
    }
  }

  #isNew(topics: Topics, name: string): boolean {
    const version = topics.get(name)?.version;
    return version !== undefined && version !== this.#shown.get(name);
  }

  #encode(content: FrameContent, seq: number): Buffer {
    return Buffer.from(JSON.stringify({ epoch: this.#epoch, seq, ...content }));
  }
}
