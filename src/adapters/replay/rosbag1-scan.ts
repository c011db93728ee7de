import { Refusal, type Stamp } from '../../types.ts';
import { type BagTopic, type Damage, damageReason, errorText } from './bag-file.ts';
import type { RandomFile } from './random-file.ts';
import {
  bagArrival,
  bagChunkRecords,
  bagTopic,
  headerText,
  headerU32,
  OP,
  parseBagHeader,
  walkBagRecords,
} from './rosbag1-records.ts';

export const BAG_MAGIC = '#ROSBAG V2.0\n';
/** Headers hold a few short fields; more is a damaged length. */
const MAX_HEADER = 2 ** 20;

export interface ChunkPlace {
  readonly offset: number;
  readonly start: Stamp;
  readonly end: Stamp;
}

export interface BagIndex {
  readonly topics: ReadonlyMap<number, BagTopic>;
  /** messages by connection id */
  readonly counts: ReadonlyMap<number, number>;
  readonly chunks: readonly ChunkPlace[];
  readonly damage: readonly Damage[];
}

interface RecordPlace {
  readonly header: Map<string, Uint8Array>;
  readonly dataOffset: number;
  readonly end: number;
}

/**
 * Walks over a bag that has no usable index, and finds what can be read of it. Chunks are read, to know their
 * connections and times; they are not kept. Rejects only for a compression that we cannot read.
 */
export async function scanBag(file: RandomFile): Promise<BagIndex> {
  const topics = new Map<number, BagTopic>();
  const counts = new Map<number, number>();
  const chunks: ChunkPlace[] = [];
  const damage: Damage[] = [];
  const lost = (reason: Damage['reason'], detail: string) => {
    damage.push({ reason, detail: `${detail}; what came before is used` });
  };
  let offset = BAG_MAGIC.length;
  while (offset < file.size) {
    let place: RecordPlace;
    try {
      place = await recordAt(file, offset);
      const op = place.header.get('op')?.[0];
      // Connections stand in the chunks and again behind them: an index section needs no reading here.
      if (op === OP.chunk) {
        const chunk = await surveyChunk(await readBagChunk(file, offset), topics, counts);
        if (chunk) chunks.push({ offset, ...chunk });
      }
    } catch (error) {
      if (error instanceof Refusal && error.reason === 'unsupported-compression') throw error;
      lost(damageReason(error), `record at ${offset}: ${errorText(error)}`);
      const next = await nextRecord(file, offset);
      if (next === undefined) break;
      offset = next;
      continue;
    }
    if (place.end > file.size) {
      lost(
        'truncated-bag',
        `record at ${offset}: expected to end at ${place.end}, found the end at ${file.size}`,
      );
      break;
    }
    offset = place.end;
  }
  if (damage.length === 0) {
    const detail =
      'expected an index at the end, found none: the recorder did not finish; run `rosbag reindex`';
    damage.push({ reason: 'truncated-bag', detail });
  }
  return { topics, counts, chunks, damage };
}

/** The records of the chunk at an offset. Of a chunk that the end of the file cuts: the complete ones, unless packed. */
export async function readBagChunk(file: RandomFile, offset: number): Promise<Uint8Array> {
  const { header, dataOffset, end } = await recordAt(file, offset);
  const cut = end > file.size;
  if (cut && headerText(header, 'compression') !== 'none') {
    throw new Refusal(
      'truncated-bag',
      `expected a chunk to end at ${end}, found the end of the file at ${file.size}`,
    );
  }
  const data = await file.read(dataOffset, Math.min(end, file.size) - dataOffset);
  return cut ? data : bagChunkRecords(header, data);
}

/** How the chunk at an offset is compressed. */
export async function chunkCompression(file: RandomFile, offset: number): Promise<string> {
  return headerText((await recordAt(file, offset)).header, 'compression');
}

async function recordAt(file: RandomFile, offset: number): Promise<RecordPlace> {
  const headerLength = await u32At(file, offset);
  if (headerLength > MAX_HEADER) {
    throw new Refusal(
      'damaged-bag',
      `expected a header of at most ${MAX_HEADER} bytes, found ${headerLength}`,
    );
  }
  const header = parseBagHeader(await file.peek(offset + 4, headerLength));
  const dataOffset = offset + 4 + headerLength + 4;
  return { header, dataOffset, end: dataOffset + (await u32At(file, dataOffset - 4)) };
}

async function u32At(file: RandomFile, offset: number): Promise<number> {
  const bytes = await file.peek(offset, 4);
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
}

/** Where the walk can go on after a record whose content is damaged but whose length still fits the file. */
async function nextRecord(file: RandomFile, offset: number): Promise<number | undefined> {
  const place = await recordAt(file, offset).catch(() => undefined);
  return place && place.end <= file.size ? place.end : undefined;
}

/** Takes in the connections of a chunk; its times, or undefined if it holds no messages. */
function surveyChunk(records: Uint8Array, topics: Map<number, BagTopic>, counts: Map<number, number>) {
  let times: { start: Stamp; end: Stamp } | undefined;
  for (const record of walkBagRecords(records)) {
    const id = headerU32(record.header, 'conn');
    if (record.op === OP.connection && !topics.has(id)) topics.set(id, bagTopic(record));
    if (record.op !== OP.message) continue;
    counts.set(id, (counts.get(id) ?? 0) + 1);
    const time = bagArrival(record);
    times = {
      start: !times || time < times.start ? time : times.start,
      end: !times || time > times.end ? time : times.end,
    };
  }
  return times;
}
