import type { Stamp } from '../../types.ts';
import { type BagTopic, plainTypeName, type RawMessage } from './bag-file.ts';
import { decompress } from './decompress.ts';

/** Record operations of the rosbag 2.0 format (http://wiki.ros.org/Bags/Format/2.0). */
export const OP = { message: 2, bagHeader: 3, index: 4, chunk: 5, chunkInfo: 6, connection: 7 };

export interface BagRecord {
  readonly op: number;
  readonly header: Map<string, Uint8Array>;
  readonly data: Uint8Array;
}

/** The complete records of a region (u32 length, header, u32 length, data), as views; a cut last one is left out. */
export function* walkBagRecords(bytes: Uint8Array): Generator<BagRecord> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let offset = 0; offset + 8 <= bytes.length; ) {
    const headerEnd = offset + 4 + view.getUint32(offset, true);
    if (headerEnd + 4 > bytes.length) return;
    const end = headerEnd + 4 + view.getUint32(headerEnd, true);
    if (end > bytes.length) return;
    const header = parseBagHeader(bytes.subarray(offset + 4, headerEnd));
    yield { op: header.get('op')?.[0] ?? 0, header, data: bytes.subarray(headerEnd + 4, end) };
    offset = end;
  }
}

/** A record's header: fields `name=value`, each behind its u32 length. Throws a RangeError if it is cut. */
export function parseBagHeader(bytes: Uint8Array): Map<string, Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fields = new Map<string, Uint8Array>();
  for (let offset = 0; offset < bytes.length; ) {
    const end = offset + 4 + view.getUint32(offset, true);
    const field = bytes.subarray(offset + 4, end);
    const equals = field.indexOf(0x3d);
    if (equals < 0 || end > bytes.length)
      throw new RangeError(`expected name=value in a header of ${bytes.length} bytes`);
    fields.set(text(field.subarray(0, equals)), field.subarray(equals + 1));
    offset = end;
  }
  return fields;
}

/** A number of a header. Throws a RangeError if it is missing or short. */
export function headerU32(header: Map<string, Uint8Array>, name: string, offset = 0): number {
  const value = header.get(name) ?? new Uint8Array(0);
  return new DataView(value.buffer, value.byteOffset, value.byteLength).getUint32(offset, true);
}

export function headerText(header: Map<string, Uint8Array>, name: string): string {
  return text(header.get(name) ?? new Uint8Array(0));
}

/** Records inside a chunk. Throws a Refusal if they do not decompress. */
export function bagChunkRecords(header: Map<string, Uint8Array>, data: Uint8Array): Promise<Uint8Array> {
  return decompress(headerText(header, 'compression'), data, headerU32(header, 'size'));
}

/** A connection: the topic's name stands in the header, its type and definition in the data. */
export function bagTopic({ header, data }: BagRecord): BagTopic {
  const connection = parseBagHeader(data);
  return {
    name: headerText(header, 'topic'),
    type: plainTypeName(headerText(connection, 'type')),
    encoding: 'ros1',
    schemaEncoding: 'ros1msg',
    definition: headerText(connection, 'message_definition'),
  };
}

export function bagArrival({ header }: BagRecord): Stamp {
  return BigInt(headerU32(header, 'time')) * 1_000_000_000n + BigInt(headerU32(header, 'time', 4));
}

/** The format stores no sequence: messages of a topic with one arrival time keep their order in the bag. */
export function bagMessage(record: BagRecord, topic: BagTopic): RawMessage {
  return { topic, arrival: bagArrival(record), sequence: 0, data: record.data };
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
