import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { bagMetadata } from './bag-metadata.ts';
import { keepQuota, UNFINISHED } from './drive-folder.ts';
import { McapFile } from './mcap-file.ts';
import { Ring } from './ring.ts';
import { SyncedSpans } from './synced-spans.ts';
import { type ThreadData, type ThreadNews, WIRE, WIRE_HEAD, type WireChannel } from './wire.ts';

/** How long the thread sleeps at most: what a time limit is late by. */
const TICK_MS = 50;
/** After a fault of the disk the next try waits so long. */
const RETRY_MS = 1000;
const NEWS_MS = 250;
const MAX_LATCHED = 256;

interface OpenFile {
  readonly mcap: McapFile;
  readonly path: string;
  readonly openedMs: number;
  /** ids of the ring's channels → ids in the file */
  readonly channels: Map<number, number>;
}

interface Latched {
  readonly id: number;
  readonly sequence: number;
  readonly times: readonly [log: bigint, publish: bigint];
  readonly data: Uint8Array;
}

interface DoneFile {
  readonly name: string;
  readonly start: bigint;
  readonly end: bigint;
  readonly counts: ReadonlyMap<number, number>;
}

/** The disk side of the recorder: takes messages from the ring and never touches the robot's event loop. */
class Disk {
  readonly #data: ThreadData;
  readonly #folder: string;
  readonly #known = new Map<number, WireChannel>();
  /** what every file begins with, so that it stands alone */
  readonly #latched: Latched[] = [];
  readonly #synced: Record<number, number> = {};
  readonly #unsynced = new Map<number, number>();
  readonly #spans = new SyncedSpans();
  readonly #lost: Record<number, number> = {};
  readonly #done: DoneFile[] = [];
  #file: OpenFile | undefined;
  #files = 0;
  #bytes = 0;
  #chunkBeganMs: number | undefined;
  #retryAtMs = 0;
  #newsAtMs = 0;

  constructor(data: ThreadData) {
    this.#data = data;
    this.#folder = join(data.config.folder, data.name);
  }

  /** One record of the ring. False: it was the last. */
  take(record: Uint8Array): boolean {
    const view = new DataView(record.buffer, record.byteOffset, record.length);
    const kind = view.getUint32(0, true);
    if (kind === WIRE.close) return false;
    const body = record.subarray(WIRE_HEAD);
    const id = view.getUint32(4, true);
    if (kind === WIRE.channel) {
      this.#known.set(id, JSON.parse(Buffer.from(body).toString()) as WireChannel);
      return true;
    }
    try {
      this.#message(
        id,
        view.getUint32(8, true),
        view.getBigInt64(12, true),
        view.getBigInt64(20, true),
        body,
      );
    } catch (error) {
      this.#lost[id] = (this.#lost[id] ?? 0) + 1;
      this.#failed(error);
    }
    return true;
  }

  /** Closes chunks and files whose time has come. */
  tick(): void {
    const now = performance.now();
    const { chunkSeconds, fileSeconds, fileMegabytes } = this.#data.config;
    try {
      if (this.#chunkBeganMs !== undefined && now - this.#chunkBeganMs >= 1000 * chunkSeconds) {
        this.#file?.mcap.flush();
        this.#wasSynced();
      }
      const file = this.#file;
      if (!file || file.mcap.state.messages === 0n) return;
      if (now - file.openedMs >= 1000 * fileSeconds || file.mcap.state.bytes >= 1e6 * fileMegabytes)
        this.#close();
    } catch (error) {
      this.#failed(error);
    }
  }

  /** The drive is over. */
  end(): void {
    try {
      if (this.#file) this.#close();
      if (this.#done.length > 0) this.#describe();
    } catch (error) {
      this.#failed(error);
    }
    this.#newsAtMs = 0;
    this.#news();
    say({ kind: 'closed' });
  }

  #message(id: number, sequence: number, logTime: bigint, publishTime: bigint, data: Uint8Array): void {
    this.#file ??= this.#open();
    const channel = announced(this.#file, this.#known.get(id)!);
    if (this.#known.get(id)!.latched && this.#latched.length < MAX_LATCHED)
      this.#latched.push({ id, sequence, times: [logTime, publishTime], data: new Uint8Array(data) });
    this.#unsynced.set(id, (this.#unsynced.get(id) ?? 0) + 1);
    this.#spans.written(id, logTime);
    this.#chunkBeganMs ??= performance.now();
    if (this.#file.mcap.message(channel, sequence, logTime, publishTime, data)) this.#wasSynced();
  }

  #open(): OpenFile {
    if (performance.now() < this.#retryAtMs) throw new Error('waiting for the disk');
    const { name, config } = this.#data;
    mkdirSync(this.#folder, { recursive: true });
    const path = join(this.#folder, `${name}_${this.#files}.mcap`);
    const mcap = new McapFile(`${path}${UNFINISHED}`, { ...config, profile: 'ros2' });
    this.#files++;
    this.#bytes = 0;
    const file = { mcap, path, openedMs: performance.now(), channels: new Map() };
    for (const { id, sequence, times, data } of this.#latched)
      mcap.message(announced(file, this.#known.get(id)!), sequence, ...times, data);
    return file;
  }

  #close(): void {
    const { mcap, path, channels } = this.#file!;
    mcap.end();
    this.#wasSynced();
    renameSync(`${path}${UNFINISHED}`, path);
    this.#file = undefined;
    const { start, end, counts, messages, bytes } = mcap.state;
    const own = [...channels].map(([id, channel]) => [id, Number(counts.get(channel))] as const);
    this.#done.push({ name: path.slice(this.#folder.length + 1), start, end, counts: new Map(own) });
    this.#describe();
    say({ kind: 'file', path, messages: Number(messages), bytes });
    const { folder, quotaGigabytes } = this.#data.config;
    for (const gone of keepQuota(folder, 1e9 * quotaGigabytes)) {
      const at = this.#done.findIndex(({ name }) => join(this.#folder, name) === gone.path);
      if (at >= 0) this.#done.splice(at, 1);
      say({ kind: 'deleted', path: gone.path, uploaded: gone.uploaded });
    }
  }

  #wasSynced(): void {
    this.#chunkBeganMs = undefined;
    for (const [id, count] of this.#unsynced) this.#synced[id] = (this.#synced[id] ?? 0) + count;
    this.#unsynced.clear();
    this.#spans.synced();
    this.#bytes = this.#file?.mcap.state.bytes ?? this.#bytes;
    this.#news();
  }

  #news(): void {
    const now = performance.now();
    if (now < this.#newsAtMs) return;
    this.#newsAtMs = now + NEWS_MS;
    const spans = this.#spans.take();
    say({ kind: 'synced', counts: this.#synced, lost: this.#lost, bytes: this.#bytes, spans });
  }

  /** What is in the open chunk is lost; what was synced stays as a file without an end, which any reader reads. */
  #failed(error: unknown): void {
    for (const [id, count] of this.#unsynced) this.#lost[id] = (this.#lost[id] ?? 0) + count;
    this.#unsynced.clear();
    this.#spans.lost();
    this.#chunkBeganMs = undefined;
    const file = this.#file;
    this.#file = undefined;
    try {
      file?.mcap.abandon();
    } catch {
      // It is closed already.
    }
    if (performance.now() < this.#retryAtMs) return;
    this.#retryAtMs = performance.now() + RETRY_MS;
    say({ kind: 'failed', text: String((error as Error).message), lost: this.#lost });
  }

  /** metadata.yaml over the files that are finished, so that `ros2 bag` reads the folder. */
  #describe(): void {
    const topics = [...this.#known.values()].map(({ id, topic, schemaName, latched }) => ({
      name: topic,
      type: schemaName,
      latched,
      messages: this.#done.reduce((sum, { counts }) => sum + (counts.get(id) ?? 0), 0),
    }));
    const files = this.#done.map(({ name, start, end, counts }) => ({
      path: name,
      start,
      end,
      messages: [...counts.values()].reduce((sum, count) => sum + count, 0),
    }));
    const path = join(this.#folder, 'metadata.yaml');
    writeFileSync(`${path}.tmp`, bagMetadata({ files, topics }), { flush: true });
    renameSync(`${path}.tmp`, path);
  }
}

/** The id of a channel in a file, which is told of it when it comes first. */
function announced({ mcap, channels }: OpenFile, known: WireChannel): number {
  const before = channels.get(known.id);
  if (before !== undefined) return before;
  const { topic, encoding, schemaName, schemaEncoding, schema, metadata } = known;
  const schemaId = mcap.schema(schemaName, schemaEncoding, new TextEncoder().encode(schema));
  const channel = mcap.channel({
    topic,
    schemaId,
    messageEncoding: encoding,
    metadata: new Map(Object.entries(metadata)),
  });
  channels.set(known.id, channel);
  return channel;
}

function say(news: ThreadNews): void {
  parentPort!.postMessage(news);
}

await McapFile.ready;
const data = workerData as ThreadData;
const ring = new Ring(data.ring);
const disk = new Disk(data);
for (let open = true; open; ) {
  const record = ring.take(TICK_MS);
  if (record) {
    open = disk.take(record);
    ring.release();
  }
  disk.tick();
}
disk.end();
