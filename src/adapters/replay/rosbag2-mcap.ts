import { McapIndexedReader } from '@mcap/core';
import {
  type BagFile,
  type BagTopic,
  type Damage,
  type RawMessage,
  type ReportDamage,
  reportUnknownChannels,
  spanOf,
} from './bag-file.ts';
import { McapChannels, messageKey, OPCODE, RECORD_HEADER, rawMessage, walkRecords } from './mcap-records.ts';
import { type Region, regionRecords, type Scan, scanMcap } from './mcap-scan.ts';
import { type Block, inOrder } from './order.ts';
import { RandomFile } from './random-file.ts';

/**
 * Opens an MCAP file: by its index if that is whole, else by walking over its records. The file starts with MCAP's
 * magic; damage after that is reported when reading.
 */
export async function openMcap(path: string): Promise<BagFile> {
  const file = await RandomFile.open(path);
  try {
    const channels = new McapChannels();
    const scan = (await readIndex(file, channels)) ?? (await scanMcap(file, channels));
    return new McapFile(file, channels, scan);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** What the summary section says; undefined if it is missing, damaged, or does not cover all messages. */
async function readIndex(file: RandomFile, channels: McapChannels): Promise<Scan | undefined> {
  const readable = {
    size: async () => BigInt(file.size),
    read: (offset: bigint, length: bigint) => file.read(Number(offset), Number(length)),
  };
  const index = await McapIndexedReader.Initialize({ readable }).catch(() => undefined);
  const statistics = index?.statistics;
  if (!index || !statistics || statistics.chunkCount !== index.chunkIndexes.length) return undefined;
  if (statistics.channelCount !== index.channelsById.size) return undefined;
  // Messages outside of chunks are in no index.
  if (statistics.chunkCount === 0 && statistics.messageCount > 0n) return undefined;
  for (const schema of index.schemasById.values()) channels.addSchema(schema);
  for (const channel of index.channelsById.values()) channels.addChannel(channel);
  const counts = new Map<BagTopic, number>();
  for (const [id, count] of statistics.channelMessageCounts) {
    const topic = channels.byId.get(id);
    if (topic) counts.set(topic, Number(count));
  }
  const regions = index.chunkIndexes
    // A chunk without messages has times 0, which are no times.
    .filter((chunk) => chunk.messageIndexOffsets.size > 0 || chunk.messageEndTime > 0n)
    .map((chunk) => ({
      kind: 'chunk' as const,
      offset: Number(chunk.chunkStartOffset) + RECORD_HEADER,
      length: Number(chunk.chunkLength) - RECORD_HEADER,
      start: chunk.messageStartTime,
      end: chunk.messageEndTime,
      ...(chunk.messageIndexOffsets.size > 0 && { channels: [...chunk.messageIndexOffsets.keys()] }),
    }));
  return { regions, counts, damage: [] };
}

class McapFile implements BagFile {
  readonly topics: readonly BagTopic[];
  readonly span: BagFile['span'];
  readonly #file: RandomFile;
  readonly #channels: McapChannels;
  readonly #regions: readonly Region[];
  readonly #damage: readonly Damage[];
  readonly #counts: ReadonlyMap<BagTopic, number>;

  constructor(file: RandomFile, channels: McapChannels, { regions, damage, counts }: Scan) {
    this.#file = file;
    this.#channels = channels;
    this.#regions = regions;
    this.#damage = damage;
    this.#counts = counts;
    this.topics = [...channels.byId.values()];
    this.span = spanOf(regions);
  }

  messageCount(topic: BagTopic): number | undefined {
    return this.#counts.get(topic) ?? 0;
  }

  read(wanted: (topic: BagTopic) => boolean, report: ReportDamage): AsyncIterable<RawMessage> {
    for (const damage of this.#damage) report(damage);
    const blocks = this.#regions
      .filter(({ channels }) => !channels || channels.some((id) => this.#mayWant(id, wanted)))
      .map(
        (region): Block => ({
          start: region.start,
          end: region.end,
          load: () => this.#load(region, wanted, report),
        }),
      );
    return inOrder(blocks, report);
  }

  /** An unknown channel is worth loading, to be reported. */
  #mayWant(id: number, wanted: (topic: BagTopic) => boolean): boolean {
    const topic = this.#channels.byId.get(id);
    return !topic || wanted(topic);
  }

  async #load(
    region: Region,
    wanted: (topic: BagTopic) => boolean,
    report: ReportDamage,
  ): Promise<RawMessage[]> {
    const messages: RawMessage[] = [];
    const unknown = new Set<number>();
    for (const { opcode, content } of walkRecords(await regionRecords(this.#file, region))) {
      if (opcode !== OPCODE.MESSAGE) continue;
      const { id } = messageKey(content);
      const topic = this.#channels.byId.get(id);
      if (!topic) unknown.add(id);
      else if (wanted(topic)) messages.push(rawMessage(content, topic));
    }
    reportUnknownChannels(unknown, report);
    return messages;
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
