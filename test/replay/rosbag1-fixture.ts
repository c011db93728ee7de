import { parse, stringify } from '@foxglove/rosmsg';
import { ros1 } from '@foxglove/rosmsg-msgs-common';
import { MessageWriter } from '@foxglove/rosmsg-serialization';
import type { Stamp } from '../../src/types.ts';

type Definition = ReturnType<typeof parse>[number];

export interface Ros1Item {
  readonly topic: string;
  readonly type: 'sensor_msgs/Imu' | 'sensor_msgs/NavSatFix';
  readonly arrival: Stamp;
  readonly message: object;
}

const text = new TextEncoder();

/** A rosbag 2.0 file; with `index` as a closed recorder leaves it, without as a killed one does. */
export function rosbag1(chunks: readonly (readonly Ros1Item[])[], index: boolean): Uint8Array {
  const topics = [...new Set(chunks.flat().map(({ topic }) => topic))];
  const connections = topics.map((topic, id) =>
    connection(id, topic, chunks.flat().find((item) => item.topic === topic)!.type),
  );
  const parts = [text.encode('#ROSBAG V2.0\n')];
  const bagHeader = (position: number) =>
    record({
      op: u8(3),
      index_pos: u64(position),
      conn_count: u32(topics.length),
      chunk_count: u32(chunks.length),
    });
  let offset = parts[0]!.length + bagHeader(0).length;
  const infos: Uint8Array[] = [];
  const body: Uint8Array[] = [];
  const seen = new Set<string>();
  for (const items of chunks) {
    const inner: Uint8Array[] = [];
    const places = new Map<number, [Stamp, number][]>();
    for (const { topic, type, arrival, message } of items) {
      const id = topics.indexOf(topic);
      if (!seen.has(topic)) inner.push(connections[id]!);
      seen.add(topic);
      places.set(id, [...(places.get(id) ?? []), [arrival, size(inner)]]);
      inner.push(
        record({ op: u8(2), conn: u32(id), time: time(arrival) }, writerOf(type).writeMessage(message)),
      );
    }
    const records = join(inner);
    const chunk = record({ op: u8(5), compression: text.encode('none'), size: u32(records.length) }, records);
    const indexes = [...places].map(([id, entries]) =>
      record(
        { op: u8(4), ver: u32(1), conn: u32(id), count: u32(entries.length) },
        join(entries.flatMap(([arrival, place]) => [time(arrival), u32(place)])),
      ),
    );
    const times = items.map(({ arrival }) => arrival).sort((a, b) => (a < b ? -1 : 1));
    const range = { start_time: time(times[0]!), end_time: time(times.at(-1)!) };
    infos.push(
      record(
        { op: u8(6), ver: u32(1), chunk_pos: u64(offset), ...range, count: u32(places.size) },
        join([...places].flatMap(([id, entries]) => [u32(id), u32(entries.length)])),
      ),
    );
    body.push(chunk, ...indexes);
    offset += size([chunk, ...indexes]);
  }
  return join([
    ...parts,
    bagHeader(index ? offset : 0),
    ...body,
    ...(index ? [...connections, ...infos] : []),
  ]);
}

function connection(id: number, topic: string, type: Ros1Item['type']): Uint8Array {
  const fields = { topic: text.encode(topic), type: text.encode(type), md5sum: text.encode('*') };
  const definition = text.encode(stringify(definitionsOf(type)));
  const header = { op: u8(7), conn: u32(id), topic: text.encode(topic) };
  return record(header, fieldBytes({ ...fields, message_definition: definition }));
}

function definitionsOf(type: string): Definition[] {
  const collect = (name: string): Definition[] => {
    const root = (ros1 as Record<string, Definition>)[name]!;
    return [
      root,
      ...root.definitions.filter(({ isComplex }) => isComplex).flatMap((field) => collect(field.type)),
    ];
  };
  return [...new Set(collect(type))];
}

const writers = new Map<string, MessageWriter>();
function writerOf(type: string): MessageWriter {
  const writer = writers.get(type) ?? new MessageWriter(parse(stringify(definitionsOf(type))));
  writers.set(type, writer);
  return writer;
}

function record(header: Record<string, Uint8Array>, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  const fields = fieldBytes(header);
  return join([u32(fields.length), fields, u32(data.length), data]);
}

function fieldBytes(fields: Record<string, Uint8Array>): Uint8Array {
  const parts = Object.entries(fields).map(([name, value]) => join([text.encode(`${name}=`), value]));
  return join(parts.flatMap((part) => [u32(part.length), part]));
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

function size(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}

function u8(value: number): Uint8Array {
  return Uint8Array.of(value);
}

function u32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

function u64(value: number): Uint8Array {
  return new Uint8Array(BigUint64Array.of(BigInt(value)).buffer);
}

function time(stamp: Stamp): Uint8Array {
  return join([u32(Number(stamp / 1_000_000_000n)), u32(Number(stamp % 1_000_000_000n))]);
}
