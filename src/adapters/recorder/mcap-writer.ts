import type { FileHandle } from 'node:fs/promises';
import { mkdir, open, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import zstd from '@foxglove/wasm-zstd';
import { McapWriter } from '@mcap/core';
import { FileHandleWritable } from '@mcap/nodejs';
import { Refusal, type SensorMessage, type Stamp } from '../../types.ts';
import { bagMetadata, offeredQosProfiles } from './bag-metadata.ts';
import { toRos2 } from './ros2-messages.ts';
import type { Ros2Type } from './ros2-types.ts';

/** Where messages go that could not be used: std_msgs/String with JSON `{channel, sequence, reason, detail}`. */
export const DEAD_LETTER_TOPIC = '/dead_letter';

interface Channel {
  readonly id: number;
  readonly type: Ros2Type;
  readonly latched: boolean;
  messages: number;
}

/** Where a bag is written: temporary names until it is closed. */
interface Place {
  readonly file: string;
  /** the folder of a bag with metadata.yaml; absent for a single file */
  readonly folder?: string;
}

/**
 * Writes sensor messages as a standard rosbag2 MCAP (profile `ros2`, CDR, full definitions, zstd chunks with indexes
 * and CRCs), so that `ros2 bag`, Foxglove and our replay read it. `log_time` is the arrival, `publish_time` the
 * sensor's stamp. The same messages give the same bytes. The bag appears under its name when it is closed.
 */
export class McapBagWriter {
  readonly #place: Place;
  readonly #handle: FileHandle;
  readonly #writer: McapWriter;
  readonly #channels = new Map<string, Channel>();
  readonly #schemas = new Map<string, number>();
  #span: { start: Stamp; end: Stamp } | undefined;

  private constructor(place: Place, handle: FileHandle, writer: McapWriter) {
    this.#place = place;
    this.#handle = handle;
    this.#writer = writer;
  }

  /**
   * Begins a bag at a path: a single file if it ends in `.mcap`, else a folder with `metadata.yaml` as `ros2 bag` makes
   * it. Rejects with a Refusal `output-exists`.
   */
  static async create(path: string): Promise<McapBagWriter> {
    if (await stat(path).catch(() => undefined)) {
      throw new Refusal(
        'output-exists',
        `expected nothing at ${path}, found something; remove it or choose another`,
      );
    }
    const single = path.endsWith('.mcap');
    const place = single ? { file: path } : { folder: path, file: join(path, `${basename(path)}_0.mcap`) };
    if (!single) await mkdir(path, { recursive: true });
    await zstd.isLoaded;
    const handle = await open(unfinished(place.file), 'w');
    const writer = new McapWriter({
      writable: new FileHandleWritable(handle),
      compressChunk: (data) => ({ compression: 'zstd', compressedData: zstd.compress(data) }),
    });
    await writer.start({ profile: 'ros2', library: 'dilly-nav' });
    return new McapBagWriter(place, handle, writer);
  }

  /** Appends one message; the promise must settle before the next call. Throws a Refusal `conflicting-type`. */
  async write(message: SensorMessage): Promise<void> {
    const { type, stamp, fields } = toRos2(message);
    const topic = message.kind === 'refused' ? DEAD_LETTER_TOPIC : message.channel;
    const channel = await this.#channel(topic, type, message.kind === 'mount');
    await this.#writer.addMessage({
      channelId: channel.id,
      sequence: message.sequence,
      logTime: message.arrival,
      publishTime: stamp,
      data: type.serialise(fields),
    });
    channel.messages++;
    const { arrival } = message;
    this.#span = {
      start: this.#span && this.#span.start < arrival ? this.#span.start : arrival,
      end: this.#span && this.#span.end > arrival ? this.#span.end : arrival,
    };
  }

  /** Finishes the bag on disk and gives it its name. */
  async close(): Promise<void> {
    await this.#writer.end();
    await this.#handle.sync();
    await this.#handle.close();
    await rename(unfinished(this.#place.file), this.#place.file);
    if (this.#place.folder === undefined) return;
    const metadata = join(this.#place.folder, 'metadata.yaml');
    await writeFile(unfinished(metadata), this.#metadata(), { flush: true });
    await rename(unfinished(metadata), metadata);
  }

  /** Leaves nothing behind. */
  async discard(): Promise<void> {
    await this.#handle.close();
    await rm(this.#place.folder ?? unfinished(this.#place.file), { recursive: true, force: true });
  }

  async #channel(topic: string, type: Ros2Type, latched: boolean): Promise<Channel> {
    const known = this.#channels.get(topic);
    if (known) {
      if (known.type === type) return known;
      const found = `${type.name} after ${known.type.name}`;
      throw new Refusal(
        'conflicting-type',
        `expected one type on ${topic}, found ${found}; use another topic`,
      );
    }
    const metadata = new Map([['offered_qos_profiles', offeredQosProfiles(latched)]]);
    const schemaId = await this.#schema(type);
    const id = await this.#writer.registerChannel({ schemaId, topic, messageEncoding: 'cdr', metadata });
    const channel = { id, type, latched, messages: 0 };
    this.#channels.set(topic, channel);
    return channel;
  }

  async #schema({ name, definition }: Ros2Type): Promise<number> {
    const known = this.#schemas.get(name);
    if (known !== undefined) return known;
    const data = new TextEncoder().encode(definition);
    const id = await this.#writer.registerSchema({ name, encoding: 'ros2msg', data });
    this.#schemas.set(name, id);
    return id;
  }

  #metadata(): string {
    const topics = [...this.#channels].map(([name, { type, messages, latched }]) => ({
      name,
      type: type.name,
      messages,
      latched,
    }));
    const file = {
      path: basename(this.#place.file),
      start: this.#span?.start ?? 0n,
      end: this.#span?.end ?? 0n,
      messages: topics.reduce((sum, { messages }) => sum + messages, 0),
    };
    return bagMetadata({ files: [file], topics });
  }
}

function unfinished(path: string): string {
  return `${path}.part`;
}
