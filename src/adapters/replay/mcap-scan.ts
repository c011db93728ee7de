import { McapConstants } from '@mcap/core';
import type { Stamp } from '../../types.ts';
import { type BagTopic, type Damage, damageReason, errorText, type Span } from './bag-file.ts';
import {
  chunkRecords,
  type McapChannels,
  type McapRecord,
  messageKey,
  OPCODE,
  parseChunkHeader,
  RECORD_HEADER,
  walkRecords,
} from './mcap-records.ts';
import type { RandomFile } from './random-file.ts';
import { beginning } from './zstd-beginning.ts';

/** A stretch of a file that holds messages: a chunk, or records that stand outside of chunks. */
export interface Region {
  readonly offset: number;
  readonly length: number;
  /** `cut-chunk`: a compressed chunk at the end of a cut file, as far as it goes */
  readonly kind: 'chunk' | 'records' | 'cut-chunk';
  readonly start: Stamp;
  readonly end: Stamp;
  /** ids of the channels that have messages here, where an index says so */
  readonly channels?: readonly number[];
}

export interface Scan {
  readonly regions: readonly Region[];
  readonly damage: readonly Damage[];
  readonly counts: ReadonlyMap<BagTopic, number>;
}

const MAGIC_LENGTH = 8;
/** Messages outside of chunks are read in stretches of about this many bytes. */
const STRETCH = 4 * 2 ** 20;
/** enough for a chunk's times, sizes and the name of its compression */
const CHUNK_HEAD = 64;
const LOOSE: ReadonlySet<number> = new Set([OPCODE.MESSAGE, OPCODE.SCHEMA, OPCODE.CHANNEL]);

/**
 * Walks over an MCAP file that has no usable index, and finds what can be read of it. Chunks are read, to know their
 * channels and their true times; they are not kept. Never rejects for damage.
 */
export async function scanMcap(file: RandomFile, channels: McapChannels): Promise<Scan> {
  const found = new Findings(channels);
  /** where the records outside of chunks began that are not a region yet */
  let loose: number | undefined;
  for (let offset = MAGIC_LENGTH; ; ) {
    const step = await recordAt(file, offset);
    const isLoose = 'opcode' in step && LOOSE.has(step.opcode);
    if (loose !== undefined && (!isLoose || offset - loose > STRETCH)) {
      await found.add(file, { kind: 'records', offset: loose, length: offset - loose });
      loose = undefined;
    }
    if ('end' in step) {
      const rest = step.end === 'cut' ? await cutChunk(file, offset) : undefined;
      if (rest) await found.add(file, rest);
      if (step.damage) found.damage.push(step.damage);
      return found;
    }
    const start = offset + RECORD_HEADER;
    if (isLoose) loose ??= offset;
    if (step.opcode === OPCODE.CHUNK)
      await found.add(file, { kind: 'chunk', offset: start, length: step.length });
    offset = start + step.length;
  }
}

type Place = Pick<Region, 'kind' | 'offset' | 'length'>;

class Findings implements Scan {
  readonly regions: Region[] = [];
  readonly damage: Damage[] = [];
  readonly counts = new Map<BagTopic, number>();
  readonly #channels: McapChannels;

  constructor(channels: McapChannels) {
    this.#channels = channels;
  }

  /** Surveys a stretch of the file; one that cannot be read is damage. */
  async add(file: RandomFile, place: Place): Promise<void> {
    try {
      let span: Span | undefined;
      for (const record of walkRecords(await regionRecords(file, place))) {
        this.#channels.addRecord(record);
        if (record.opcode === OPCODE.MESSAGE) span = this.#count(record, span);
      }
      if (span) this.regions.push({ ...place, ...span });
    } catch (error) {
      const detail = `${place.kind} at ${place.offset}: ${errorText(error)}`;
      this.damage.push({ reason: damageReason(error), detail });
    }
  }

  #count({ content }: McapRecord, span: Span | undefined): Span {
    const { id, logTime } = messageKey(content);
    const topic = this.#channels.byId.get(id);
    if (topic) this.counts.set(topic, (this.counts.get(topic) ?? 0) + 1);
    return {
      start: span && span.start < logTime ? span.start : logTime,
      end: span && span.end > logTime ? span.end : logTime,
    };
  }
}

/** The bytes of a region's records. Rejects where they cannot be read. */
export async function regionRecords(file: RandomFile, { kind, offset, length }: Place): Promise<Uint8Array> {
  const bytes = await file.read(offset, length);
  if (kind === 'cut-chunk') return beginning(bytes);
  return kind === 'chunk' ? chunkRecords(bytes) : bytes;
}

type Step = { opcode: number; length: number } | { end: 'done' | 'cut' | 'lost'; damage?: Damage };

/** The head of the record at an offset, or why there is none. */
async function recordAt(file: RandomFile, offset: number): Promise<Step> {
  const missing = (expected: string): Step => ({
    end: 'cut',
    damage: {
      reason: 'truncated-bag',
      detail: `expected ${expected} at ${offset}, found the end of the file at ${file.size}; what came before is used`,
    },
  });
  if (offset + RECORD_HEADER > file.size) return missing('a record or the end of the data');
  const head = await file.peek(offset, RECORD_HEADER);
  const opcode = head[0]!;
  if (opcode === OPCODE.DATA_END || opcode === OPCODE.FOOTER) {
    const tail = await file.peek(file.size - MAGIC_LENGTH, MAGIC_LENGTH);
    const ended = McapConstants.MCAP_MAGIC.every((byte, i) => tail[i] === byte);
    return ended ? { end: 'done' } : missing('the magic bytes after the summary');
  }
  if (opcode === 0) {
    const detail = `expected a record at ${offset}, found opcode 0; what came before is used`;
    return { end: 'lost', damage: { reason: 'damaged-bag', detail } };
  }
  const length = Number(new DataView(head.buffer, head.byteOffset).getBigUint64(1, true));
  if (offset + RECORD_HEADER + length > file.size) return missing(`a record of ${length} bytes`);
  return { opcode, length };
}

/** Where the records are of a last chunk that was cut, if it is not compressed, or by zstd, whose blocks stand alone. */
async function cutChunk(file: RandomFile, offset: number): Promise<Place | undefined> {
  const start = offset + RECORD_HEADER;
  try {
    if ((await file.peek(offset, RECORD_HEADER))[0] !== OPCODE.CHUNK) return undefined;
    const head = await file.peek(start, Math.min(CHUNK_HEAD, file.size - start));
    const { compression, recordsOffset } = parseChunkHeader(head);
    const records = start + recordsOffset;
    if (!['', 'zstd'].includes(compression) || records >= file.size) return undefined;
    return {
      kind: compression === '' ? 'records' : 'cut-chunk',
      offset: records,
      length: file.size - records,
    };
  } catch {
    // Not even the head of the chunk is left.
    return undefined;
  }
}
