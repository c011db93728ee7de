import { Bag } from '@foxglove/rosbag';
import type { Stamp } from '../../types.ts';
import {
  type BagFile,
  type BagTopic,
  type Damage,
  type RawMessage,
  type ReportDamage,
  reportUnknownChannels,
  spanOf,
} from './bag-file.ts';
import { refuseUnsupported } from './decompress.ts';
import { type Block, inOrder } from './order.ts';
import { RandomFile } from './random-file.ts';
import { bagMessage, headerU32, OP, walkBagRecords } from './rosbag1-records.ts';
import { type BagIndex, type ChunkPlace, chunkCompression, readBagChunk, scanBag } from './rosbag1-scan.ts';

/**
 * Opens a ROS 1 bag (format 2.0): by its index if that is whole, else by walking over its chunks. Rejects with a
 * Refusal `unsupported-compression`; damage is reported when reading.
 */
export async function openRosbag1(path: string): Promise<BagFile> {
  const file = await RandomFile.open(path);
  try {
    const index = (await readIndex(file)) ?? (await scanBag(file));
    const [first] = index.chunks;
    if (first) refuseUnsupported(await chunkCompression(file, first.offset));
    return new Rosbag1File(file, index);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** What the index section says; undefined if there is none (index_pos 0: the recorder did not close) or it is cut. */
async function readIndex(file: RandomFile): Promise<BagIndex | undefined> {
  const bag = new Bag(
    { read: (offset, length) => file.read(offset, length), size: () => file.size },
    { parse: false },
  );
  try {
    await bag.open();
  } catch {
    return undefined;
  }
  if (!bag.header || bag.header.indexPosition === 0) return undefined;
  const topics = new Map<number, BagTopic>();
  for (const { conn, topic, type, messageDefinition } of bag.connections.values()) {
    const encoding = { encoding: 'ros1', schemaEncoding: 'ros1msg' };
    topics.set(conn, { name: topic, type: type ?? '', ...encoding, definition: messageDefinition });
  }
  const counts = new Map<number, number>();
  for (const { connections } of bag.chunkInfos) {
    for (const { conn, count } of connections) counts.set(conn, (counts.get(conn) ?? 0) + count);
  }
  const chunks = bag.chunkInfos
    .filter(({ count }) => count > 0)
    .map(({ chunkPosition, startTime, endTime }) => ({
      offset: chunkPosition,
      start: toStamp(startTime),
      end: toStamp(endTime),
    }));
  return { topics, counts, chunks, damage: [] };
}

class Rosbag1File implements BagFile {
  readonly topics: readonly BagTopic[];
  readonly span: BagFile['span'];
  readonly #file: RandomFile;
  readonly #byId: ReadonlyMap<number, BagTopic>;
  readonly #counts: Map<BagTopic, number>;
  readonly #chunks: readonly ChunkPlace[];
  readonly #damage: readonly Damage[];

  constructor(file: RandomFile, { topics, counts, chunks, damage }: BagIndex) {
    this.#file = file;
    this.#byId = topics;
    this.#chunks = chunks;
    this.#damage = damage;
    this.topics = [...topics.values()];
    this.#counts = new Map([...topics].map(([id, topic]) => [topic, counts.get(id) ?? 0]));
    this.span = spanOf(chunks);
  }

  messageCount(topic: BagTopic): number | undefined {
    return this.#counts.get(topic);
  }

  read(wanted: (topic: BagTopic) => boolean, report: ReportDamage): AsyncIterable<RawMessage> {
    for (const damage of this.#damage) report(damage);
    const blocks = this.#chunks.map(
      (chunk): Block => ({
        start: chunk.start,
        end: chunk.end,
        load: () => this.#load(chunk, wanted, report),
      }),
    );
    return inOrder(blocks, report);
  }

  async #load(
    { offset }: ChunkPlace,
    wanted: (topic: BagTopic) => boolean,
    report: ReportDamage,
  ): Promise<RawMessage[]> {
    const messages: RawMessage[] = [];
    const unknown = new Set<number>();
    for (const record of walkBagRecords(await readBagChunk(this.#file, offset))) {
      if (record.op !== OP.message) continue;
      const id = headerU32(record.header, 'conn');
      const topic = this.#byId.get(id);
      if (!topic) unknown.add(id);
      else if (wanted(topic)) messages.push(bagMessage(record, topic));
    }
    reportUnknownChannels(unknown, report);
    return messages;
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

function toStamp({ sec, nsec }: { sec: number; nsec: number }): Stamp {
  return BigInt(sec) * 1_000_000_000n + BigInt(nsec);
}
