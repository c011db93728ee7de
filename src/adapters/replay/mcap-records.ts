import { crc32 } from 'node:zlib';
import { McapConstants, McapStreamReader, type McapTypes } from '@mcap/core';
import { Refusal } from '../../types.ts';
import type { BagTopic, RawMessage } from './bag-file.ts';
import { plainTypeName } from './bag-file.ts';
import { decompress } from './decompress.ts';

/** Records are: opcode, u64 length, content (https://mcap.dev/spec). */
export const RECORD_HEADER = 9;
export const OPCODE = McapConstants.Opcode;
/** channel id, sequence, log time, publish time */
const MESSAGE_HEADER = 2 + 4 + 8 + 8;

export interface McapRecord {
  readonly opcode: number;
  readonly content: Uint8Array;
  /** from the start of the bytes walked over */
  readonly offset: number;
}

/** The complete records of a region, as views. Returns how many bytes at the end are not a complete record. */
export function* walkRecords(bytes: Uint8Array): Generator<McapRecord, number> {
  const view = viewOf(bytes);
  let offset = 0;
  while (offset + RECORD_HEADER <= bytes.length) {
    const length = Number(view.getBigUint64(offset + 1, true));
    const start = offset + RECORD_HEADER;
    if (start + length > bytes.length) break;
    yield { opcode: bytes[offset]!, content: bytes.subarray(start, start + length), offset };
    offset = start + length;
  }
  return bytes.length - offset;
}

/** When a message was logged, and on which channel id. */
export function messageKey(content: Uint8Array): { id: number; logTime: bigint } {
  const view = viewOf(content);
  return { id: view.getUint16(0, true), logTime: view.getBigUint64(6, true) };
}

export function rawMessage(content: Uint8Array, topic: BagTopic): RawMessage {
  const view = viewOf(content);
  return {
    topic,
    arrival: view.getBigUint64(6, true),
    published: view.getBigUint64(14, true),
    sequence: view.getUint32(2, true),
    data: content.subarray(MESSAGE_HEADER),
  };
}

export interface ChunkHeader {
  readonly compression: string;
  readonly uncompressedSize: number;
  readonly uncompressedCrc: number;
  /** from the start of the chunk's content */
  readonly recordsOffset: number;
}

/** Reads the head of a chunk's content, which may be cut after it. */
export function parseChunkHeader(content: Uint8Array): ChunkHeader {
  const view = viewOf(content);
  const nameLength = view.getUint32(28, true);
  return {
    uncompressedSize: Number(view.getBigUint64(16, true)),
    uncompressedCrc: view.getUint32(24, true),
    compression: new TextDecoder().decode(content.subarray(32, 32 + nameLength)),
    recordsOffset: 32 + nameLength + 8,
  };
}

/** The records of a whole chunk. Throws a Refusal if they do not decompress or their CRC is wrong. */
export async function chunkRecords(content: Uint8Array): Promise<Uint8Array> {
  const { compression, uncompressedSize, uncompressedCrc, recordsOffset } = parseChunkHeader(content);
  const records = await decompress(compression, content.subarray(recordsOffset), uncompressedSize);
  // 0 means that the writer did not compute one.
  if (uncompressedCrc !== 0 && crc32(records) !== uncompressedCrc) {
    throw new Refusal('damaged-bag', `expected chunk CRC ${uncompressedCrc}, found ${crc32(records)}`);
  }
  return records;
}

/** The channels of one file by id, as its Schema and Channel records come by. */
export class McapChannels {
  readonly byId = new Map<number, BagTopic>();
  readonly #schemas = new Map<number, McapTypes.Schema>();

  addSchema(schema: McapTypes.Schema): void {
    this.#schemas.set(schema.id, schema);
  }

  /** Writers repeat channels in every chunk; the first one counts. */
  addChannel(channel: McapTypes.Channel): void {
    if (this.byId.has(channel.id)) return;
    const schema = this.#schemas.get(channel.schemaId);
    this.byId.set(channel.id, {
      name: channel.topic,
      type: plainTypeName(schema?.name ?? ''),
      encoding: channel.messageEncoding,
      schemaEncoding: schema?.encoding ?? '',
      definition: new TextDecoder().decode(schema?.data),
      stored: {
        typeName: schema?.name ?? '',
        schema: schema?.data ?? new Uint8Array(),
        metadata: channel.metadata,
      },
    });
  }

  /** Takes a record in if it is one of a schema or a channel. */
  addRecord({ opcode, content }: McapRecord): void {
    if (opcode !== OPCODE.SCHEMA && opcode !== OPCODE.CHANNEL) return;
    const reader = new McapStreamReader({ noMagicPrefix: true });
    const header = new Uint8Array(RECORD_HEADER);
    header[0] = opcode;
    viewOf(header).setBigUint64(1, BigInt(content.length), true);
    reader.append(header);
    reader.append(content);
    const record = reader.nextRecord();
    if (record?.type === 'Schema') this.addSchema(record);
    if (record?.type === 'Channel') this.addChannel(record);
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
