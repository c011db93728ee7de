import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import type { Worker } from 'node:worker_threads';
import { Refusal, type SensorMessage, type Stamp } from '../../types.ts';
import { offeredQosProfiles } from './bag-metadata.ts';
import type { RecorderConfig } from './recorder-config.ts';
import { Ring } from './ring.ts';
import { cloudParts, toRos2 } from './ros2-messages.ts';
import type { Ros2Type } from './ros2-types.ts';
import { startThread } from './thread.ts';
import { type ThreadData, type ThreadNews, WIRE, wireHead } from './wire.ts';

/** Of the queue only messages other than clouds use this part, and one that is longer than all of it. */
const RESERVE_SHARE = 1 / 8;
/** How often messages that found the queue full are tried again. */
const RETRY_MS = 20;

export interface ChannelCount {
  /** given to the recorder */
  readonly received: number;
  /** on the disk, synced */
  readonly recorded: number;
  /** clouds that found the queue full */
  readonly dropped: number;
  /** that the disk did not take */
  readonly lost: number;
}

export interface RecorderNews {
  /** a file that is whole */
  file?(path: string, messages: number, bytes: number): void;
  /** the quota took a file; `uploaded`: nothing is lost by it */
  deleted?(path: string, uploaded: boolean): void;
  failed?(text: string): void;
  /** messages that are on the disk now, by topic and span of arrival */
  synced?(topic: string, bucket: number, count: number): void;
  /** a cloud was dropped, the first since the queue had room */
  full?(topic: string): void;
}

interface Channel {
  readonly id: number;
  readonly type: Ros2Type;
  received: number;
  dropped: number;
}

interface Waiting {
  readonly parts: readonly Uint8Array[];
}

/**
 * Records a drive in a thread of its own: messages go through shared memory and are copied once here, so that the
 * robot's event loop never waits for the disk. One drive is one folder of MCAP files (profile `ros2`). When the queue
 * is full, clouds are dropped and counted; anything else waits here.
 */
export class Recorder {
  readonly folder: string;
  readonly #ring: Ring;
  readonly #worker: Worker;
  readonly #news: RecorderNews;
  readonly #channels = new Map<string, Channel>();
  /** by the id of the channel */
  readonly #topics: string[] = [];
  readonly #waiting: Waiting[] = [];
  readonly #closed: Promise<void>;
  #recorded: Readonly<Record<number, number>> = {};
  #lost: Readonly<Record<number, number>> = {};
  #timer: NodeJS.Timeout | undefined;
  #isFull = false;
  #failure: string | undefined;

  private constructor(folder: string, ring: Ring, worker: Worker, news: RecorderNews) {
    this.folder = folder;
    this.#ring = ring;
    this.#worker = worker;
    this.#news = news;
    this.#closed = new Promise((resolve) => {
      worker.on('message', (item: ThreadNews) => {
        if (item.kind === 'closed') resolve();
        else this.#hear(item);
      });
      worker.on('error', (error) => this.#fail(`the recorder's thread ended: ${error.message}`));
      worker.on('exit', () => resolve());
    });
  }

  /** @param name of the drive: `<config.folder>/<name>/<name>_0.mcap` …; rejects with a Refusal `output-exists` */
  static async open(config: RecorderConfig, name: string, news: RecorderNews = {}): Promise<Recorder> {
    const folder = `${config.folder}/${name}`;
    if (existsSync(folder))
      throw new Refusal(
        'output-exists',
        `expected no drive at ${folder}, found one; give each drive its own name`,
      );
    await mkdir(config.folder, { recursive: true });
    const ring = new Ring(config.queueMegabytes * 2 ** 20);
    const workerData: ThreadData = { ring: ring.buffer, config, name };
    const worker = startThread(new URL('./recorder-thread.ts', import.meta.url), workerData);
    return new Recorder(folder, ring, worker, news);
  }

  /** Hands one message over. Its buffers are free again when the call returns. Throws a Refusal `conflicting-type`. */
  record(message: SensorMessage, topic = message.channel): void {
    const { type, stamp, fields } = toRos2(message);
    const parts = message.kind === 'points' ? cloudParts(type, message.value) : [type.serialise(fields)];
    const isLatched = message.kind === 'mount';
    this.write(topic, type, message.sequence, message.arrival, stamp, parts, {
      mayDrop: message.kind === 'points',
      isLatched,
    });
  }

  /** The same for a message that is serialised already, in parts. */
  write(
    topic: string,
    type: Ros2Type,
    sequence: number,
    logTime: Stamp,
    publishTime: Stamp,
    parts: readonly Uint8Array[],
    { mayDrop = false, isLatched = false, metadata = {} }: WriteOptions = {},
  ): void {
    const channel = this.#channels.get(topic) ?? this.#announce(topic, type, isLatched, metadata);
    if (channel.type !== type)
      throw new Refusal(
        'conflicting-type',
        `expected one type on ${topic}, found ${type.name} after ${channel.type.name}; use another topic`,
      );
    channel.received++;
    const all = [wireHead(WIRE.message, channel.id, sequence, logTime, publishTime), ...parts];
    if (!mayDrop) {
      this.#send(all);
    } else if (this.#waiting.length > 0 || !this.#ring.push(all, RESERVE_SHARE * this.#ring.capacity)) {
      channel.dropped++;
      if (!this.#isFull) this.#news.full?.(topic);
      this.#isFull = true;
    } else {
      this.#isFull = false;
    }
  }

  /** By topic, since the drive began. `recorded` lags by a chunk. */
  counts(): ReadonlyMap<string, ChannelCount> {
    return new Map(
      [...this.#channels].map(([topic, { id, received, dropped }]) => [
        topic,
        { received, dropped, recorded: this.#recorded[id] ?? 0, lost: this.#lost[id] ?? 0 },
      ]),
    );
  }

  /** For operators: undefined while all is well. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Share of the queue that waits for the disk. */
  get queue(): number {
    return this.#ring.used / this.#ring.capacity;
  }

  /** Writes what waits, finishes the last file and ends the thread. */
  async close(): Promise<void> {
    this.#send([wireHead(WIRE.close, 0, 0, 0n, 0n)]);
    await this.#closed;
    clearInterval(this.#timer);
    await this.#worker.terminate();
  }

  #announce(
    topic: string,
    type: Ros2Type,
    latched: boolean,
    metadata: Readonly<Record<string, string>>,
  ): Channel {
    const channel = { id: this.#channels.size, type, received: 0, dropped: 0 };
    this.#channels.set(topic, channel);
    this.#topics.push(topic);
    const said = {
      id: channel.id,
      topic,
      encoding: 'cdr',
      schemaName: type.name,
      schemaEncoding: 'ros2msg',
      schema: type.definition,
      metadata: { offered_qos_profiles: offeredQosProfiles(latched), ...metadata },
      latched,
    };
    this.#send([wireHead(WIRE.channel, channel.id, 0, 0n, 0n), Buffer.from(JSON.stringify(said))]);
    return channel;
  }

  /** Of what must not be lost: in its order, now or when there is room. */
  #send(parts: readonly Uint8Array[]): void {
    if (this.#waiting.length === 0 && this.#ring.push(parts)) return;
    // A serialised message is its own buffer; only the queue would copy it.
    this.#waiting.push({ parts });
    this.#timer ??= setInterval(() => this.#retry(), RETRY_MS);
  }

  #retry(): void {
    while (this.#waiting[0] && this.#ring.push(this.#waiting[0].parts)) this.#waiting.shift();
    if (this.#waiting.length > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #hear(item: Exclude<ThreadNews, { kind: 'closed' }>): void {
    if (item.kind === 'synced') {
      this.#recorded = item.counts;
      this.#lost = item.lost;
      this.#failure = undefined;
      for (const [id, bucket, count] of item.spans) this.#news.synced?.(this.#topics[id]!, bucket, count);
    } else if (item.kind === 'file') {
      this.#news.file?.(item.path, item.messages, item.bytes);
    } else if (item.kind === 'deleted') {
      this.#news.deleted?.(item.path, item.uploaded);
    } else {
      this.#lost = item.lost;
      this.#fail(item.text);
    }
  }

  #fail(text: string): void {
    this.#failure = text;
    this.#news.failed?.(text);
  }
}

interface WriteOptions {
  readonly mayDrop?: boolean;
  readonly isLatched?: boolean;
  /** of the channel, told once */
  readonly metadata?: Readonly<Record<string, string>>;
}
