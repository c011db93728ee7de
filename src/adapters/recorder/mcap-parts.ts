import { crc32 } from 'node:zlib';
import { McapConstants, McapRecordBuilder } from '@mcap/core';

/** opcode and u64 length */
export const RECORD_HEAD = 9;

/** A chunk record as far as its records: opcode, length, times, size, CRC, compression, length of the records. */
export function chunkHead(start: bigint, end: bigint, plain: Uint8Array, packed: number): Uint8Array {
  const name = Buffer.from('zstd');
  const head = Buffer.alloc(RECORD_HEAD + 8 + 8 + 8 + 4 + 4 + name.length + 8);
  head.writeUInt8(McapConstants.Opcode.CHUNK, 0);
  head.writeBigUInt64LE(BigInt(head.length - RECORD_HEAD + packed), 1);
  head.writeBigUInt64LE(start, 9);
  head.writeBigUInt64LE(end, 17);
  head.writeBigUInt64LE(BigInt(plain.length), 25);
  head.writeUInt32LE(crc32(plain), 33);
  head.writeUInt32LE(name.length, 37);
  name.copy(head, 41);
  head.writeBigUInt64LE(BigInt(packed), 41 + name.length);
  return head;
}

/** The bytes of one record. */
export function record(write: (builder: McapRecordBuilder) => void): Uint8Array {
  const builder = new McapRecordBuilder();
  write(builder);
  return builder.buffer;
}

/** A span of times that holds one more. */
export function wider(span: [bigint, bigint] | undefined, time: bigint): [bigint, bigint] {
  if (!span) return [time, time];
  return [time < span[0] ? time : span[0], time > span[1] ? time : span[1]];
}
