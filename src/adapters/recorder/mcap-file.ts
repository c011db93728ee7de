import { closeSync, existsSync, fdatasyncSync, openSync, renameSync, writevSync } from 'node:fs';
import zstd from '@foxglove/wasm-zstd';
import { McapConstants, McapRecordBuilder, type McapTypes } from '@mcap/core';
import { chunkHead, RECORD_HEAD, record, wider } from './mcap-parts.ts';

/** channel id, sequence, log time, publish time */
const MESSAGE_HEAD = 2 + 4 + 8 + 8;
/** What a file is called until its header is on the disk. */
const FRESH = '.new';

export interface McapFileOptions {
  readonly profile: string;
  /** a chunk is closed when it holds this many bytes before compression */
  readonly chunkBytes: number;
  readonly zstdLevel: number;
}

export interface McapFileState {
  /** on the disk */
  readonly bytes: number;
  readonly messages: bigint;
  readonly start: bigint;
  readonly end: bigint;
  readonly counts: ReadonlyMap<number, bigint>;
}

/**
 * Writes one MCAP file (https://mcap.dev/spec) chunk by chunk, each synced to the disk before the call returns: for a
 * thread of its own. The writer of @mcap/core copies a chunk six times and computes its CRCs in JavaScript; here a
 * message is copied once, which halves the time of a processor. `await McapFile.ready` before the first.
 */
export class McapFile {
  static readonly ready: Promise<unknown> = zstd.isLoaded;
  readonly #file: number;
  readonly #options: McapFileOptions;
  readonly #records = new McapRecordBuilder();
  readonly #schemas: McapTypes.Schema[] = [];
  readonly #channels = new Map<number, McapTypes.Channel>();
  readonly #chunks: McapTypes.ChunkIndex[] = [];
  readonly #counts = new Map<number, bigint>();
  #chunk: Uint8Array;
  #view: DataView;
  #used = 0;
  #index = new Map<number, McapTypes.MessageIndex['records']>();
  #span: [bigint, bigint] | undefined;
  #chunkSpan: [bigint, bigint] | undefined;
  #position = 0;
  #messages = 0n;

  /** Creates the file, which must not be there yet; it appears with its header, so that it is a bag from the first. */
  constructor(path: string, options: McapFileOptions) {
    if (existsSync(path)) throw new Error(`expected no file yet at ${path}, found one; move it away`);
    this.#options = options;
    this.#chunk = new Uint8Array(options.chunkBytes + (1 << 16));
    this.#view = new DataView(this.#chunk.buffer);
    const fresh = `${path}${FRESH}`;
    this.#file = openSync(fresh, 'w');
    this.#records.writeMagic();
    this.#records.writeHeader({ profile: options.profile, library: 'dilly-nav' });
    this.#write([this.#records.buffer]);
    this.#records.reset();
    fdatasyncSync(this.#file);
    renameSync(fresh, path);
  }

  get state(): McapFileState {
    const [start, end] = this.#span ?? [0n, 0n];
    return { bytes: this.#position, messages: this.#messages, start, end, counts: this.#counts };
  }

  /** Bytes of the chunk that is not on the disk yet. */
  get pending(): number {
    return this.#index.size > 0 ? this.#used : 0;
  }

  /** Returns the id of a schema of a name, a language (`ros2msg`, `jsonschema` …) and its text. */
  schema(name: string, encoding: string, data: Uint8Array): number {
    const schema = { id: this.#schemas.length + 1, name, encoding, data };
    this.#schemas.push(schema);
    this.#copy(record((builder) => builder.writeSchema(schema)));
    return schema.id;
  }

  channel(channel: Omit<McapTypes.Channel, 'id'>): number {
    const id = this.#channels.size;
    this.#channels.set(id, { ...channel, id });
    this.#counts.set(id, 0n);
    this.#copy(record((builder) => builder.writeChannel({ ...channel, id })));
    return id;
  }

  /** Adds a message; when the chunk is full it goes to the disk, and the call returns true once it is there. */
  message(
    channelId: number,
    sequence: number,
    logTime: bigint,
    publishTime: bigint,
    data: Uint8Array,
  ): boolean {
    const at = this.#room(RECORD_HEAD + MESSAGE_HEAD + data.length);
    this.#view.setUint8(at, McapConstants.Opcode.MESSAGE);
    this.#view.setBigUint64(at + 1, BigInt(MESSAGE_HEAD + data.length), true);
    this.#view.setUint16(at + 9, channelId, true);
    this.#view.setUint32(at + 11, sequence >>> 0, true);
    this.#view.setBigUint64(at + 15, logTime, true);
    this.#view.setBigUint64(at + 23, publishTime, true);
    this.#chunk.set(data, at + RECORD_HEAD + MESSAGE_HEAD);
    let index = this.#index.get(channelId);
    if (!index) {
      index = [];
      this.#index.set(channelId, index);
    }
    index.push([logTime, BigInt(at)]);
    this.#chunkSpan = wider(this.#chunkSpan, logTime);
    this.#counts.set(channelId, (this.#counts.get(channelId) ?? 0n) + 1n);
    this.#messages++;
    if (this.#used < this.#options.chunkBytes) return false;
    this.flush();
    return true;
  }

  /** Writes the chunk that is open, with its index, and syncs it. Without messages nothing is written. */
  flush(): void {
    if (!this.#chunkSpan) return;
    const [messageStartTime, messageEndTime] = this.#chunkSpan;
    const plain = this.#chunk.subarray(0, this.#used);
    const packed = zstd.compress(plain, this.#options.zstdLevel);
    const chunkStartOffset = BigInt(this.#position);
    const head = chunkHead(messageStartTime, messageEndTime, plain, packed.length);
    const chunkLength = BigInt(head.length + packed.length);
    const messageIndexOffsets = new Map<number, bigint>();
    for (const [channelId, records] of this.#index) {
      messageIndexOffsets.set(channelId, chunkStartOffset + chunkLength + BigInt(this.#records.length));
      this.#records.writeMessageIndex({ channelId, records });
    }
    const indexes = this.#records.buffer;
    this.#records.reset();
    this.#write([head, packed, indexes]);
    fdatasyncSync(this.#file);
    this.#chunks.push({
      messageStartTime,
      messageEndTime,
      chunkStartOffset,
      chunkLength,
      messageIndexOffsets,
      messageIndexLength: BigInt(indexes.length),
      compression: 'zstd',
      compressedSize: BigInt(packed.length),
      uncompressedSize: BigInt(this.#used),
    });
    this.#span = wider(wider(this.#span, messageStartTime), messageEndTime);
    this.#chunkSpan = undefined;
    this.#index = new Map();
    this.#used = 0;
  }

  /** Finishes the file on the disk, with its summary, and closes it. */
  end(): void {
    this.flush();
    const builder = this.#records;
    // 0: not computed; each chunk has its own.
    builder.writeDataEnd({ dataSectionCrc: 0 });
    const summaryStart = BigInt(this.#position + builder.length);
    const groups: { groupOpcode: number; groupStart: bigint; groupLength: bigint }[] = [];
    const group = (groupOpcode: number, write: () => void) => {
      const from = builder.length;
      write();
      const groupLength = BigInt(builder.length - from);
      if (groupLength > 0n)
        groups.push({ groupOpcode, groupStart: BigInt(this.#position + from), groupLength });
    };
    const { Opcode } = McapConstants;
    group(Opcode.SCHEMA, () => {
      for (const schema of this.#schemas) builder.writeSchema(schema);
    });
    group(Opcode.CHANNEL, () => {
      for (const channel of this.#channels.values()) builder.writeChannel(channel);
    });
    group(Opcode.STATISTICS, () => builder.writeStatistics(this.#statistics()));
    group(Opcode.CHUNK_INDEX, () => {
      for (const chunk of this.#chunks) builder.writeChunkIndex(chunk);
    });
    const summaryOffsetStart = BigInt(this.#position + builder.length);
    for (const one of groups) builder.writeSummaryOffset(one);
    builder.writeFooter({ summaryStart, summaryOffsetStart, summaryCrc: 0 });
    builder.writeMagic();
    this.#write([builder.buffer]);
    builder.reset();
    fdatasyncSync(this.#file);
    closeSync(this.#file);
  }

  /** Closes the file as it is, after a fault of the disk. */
  abandon(): void {
    closeSync(this.#file);
  }

  #statistics(): McapTypes.Statistics {
    const [messageStartTime, messageEndTime] = this.#span ?? [0n, 0n];
    return {
      messageCount: this.#messages,
      schemaCount: this.#schemas.length,
      channelCount: this.#channels.size,
      attachmentCount: 0,
      metadataCount: 0,
      chunkCount: this.#chunks.length,
      messageStartTime,
      messageEndTime,
      channelMessageCounts: new Map([...this.#counts].filter(([, count]) => count > 0n)),
    };
  }

  #copy(bytes: Uint8Array): void {
    const at = this.#room(bytes.length);
    this.#chunk.set(bytes, at);
  }

  /** Where `bytes` more fit into the chunk. */
  #room(bytes: number): number {
    const at = this.#used;
    this.#used += bytes;
    if (this.#used > this.#chunk.length) {
      const larger = new Uint8Array(Math.max(this.#used, 2 * this.#chunk.length));
      larger.set(this.#chunk.subarray(0, at));
      this.#chunk = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }

  #write(parts: Uint8Array[]): void {
    for (let left = parts; left.length > 0; ) {
      let written = writevSync(this.#file, left);
      this.#position += written;
      while (left.length > 0 && written >= left[0]!.length) {
        written -= left[0]!.length;
        left = left.slice(1);
      }
      if (left.length > 0) left = [left[0]!.subarray(written), ...left.slice(1)];
    }
  }
}
