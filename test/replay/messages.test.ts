import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from '@foxglove/rosmsg';
import { MessageWriter } from '@foxglove/rosmsg2-serialization';
import { McapWriter } from '@mcap/core';
import { describe, expect, it } from 'vitest';
import { toRos2 } from '../../src/adapters/recorder/ros2-messages.ts';
import { decoderOf } from '../../src/adapters/replay/codec.ts';
import { Random } from '../../src/math/random.ts';
import { refusalReason, type SensorMessage } from '../../src/types.ts';
import {
  cloud,
  readAll,
  refusals,
  START,
  sampleDrive,
  temporaryFolder,
  write,
  writeMcap,
} from './fixtures.ts';

const folder = temporaryFolder();
const drive = sampleDrive(1);
const STRING_FIX = 'std_msgs/Header header\nstring latitude\n';
const HEADER = `${'='.repeat(80)}\nMSG: std_msgs/Header\nbuiltin_interfaces/Time stamp\nstring frame_id\n`;

function topic(type: string, definition = '') {
  return { name: '/x', type, encoding: 'cdr', schemaEncoding: definition && 'ros2msg', definition };
}

/** Why a message with changed fields is refused; undefined if it is not. */
function reasonFor(
  kind: SensorMessage['kind'],
  type: string,
  change: (fields: never) => object,
): string | undefined {
  const { type: ros2, fields } = toRos2(drive.find((message) => message.kind === kind)!);
  const bytes = ros2.serialise({ ...fields, ...change(fields as never) });
  try {
    decoderOf(topic(type))(bytes);
    return undefined;
  } catch (error) {
    return refusalReason(error) ?? `threw ${error}`;
  }
}

describe('a message at the border', () => {
  const quaternion = (w: number) => () => ({ pose: { pose: { orientation: { x: 0, y: 0, z: 0, w } } } });
  it.each<[string, SensorMessage['kind'], string, () => object, string | undefined]>([
    ['latitude NaN', 'gnss', 'sensor_msgs/NavSatFix', () => ({ latitude: Number.NaN }), 'not-finite'],
    ['latitude 91', 'gnss', 'sensor_msgs/NavSatFix', () => ({ latitude: 91 }), 'out-of-range'],
    [
      'no fix',
      'gnss',
      'sensor_msgs/NavSatFix',
      () => ({ latitude: Number.NaN, status: { status: -1, service: 1 } }),
      'no-fix',
    ],
    [
      'IMU rate ∞',
      'imu',
      'sensor_msgs/Imu',
      () => ({ angular_velocity: { x: Infinity, y: 0, z: 0 } }),
      'not-finite',
    ],
    [
      'IMU without attitude',
      'imu',
      'sensor_msgs/Imu',
      () => ({ orientation_covariance: Array(9).fill(0) }),
      undefined,
    ],
    [
      'IMU without rates',
      'imu',
      'sensor_msgs/Imu',
      () => ({ angular_velocity_covariance: [-1, 0, 0, 0, 0, 0, 0, 0, 0] }),
      'missing-value',
    ],
    ['quaternion of length 0.5', 'odometry', 'nav_msgs/Odometry', quaternion(0.5), 'bad-quaternion'],
    ['quaternion of length 1.001', 'odometry', 'nav_msgs/Odometry', quaternion(1.001), undefined],
    [
      'cloud cut short',
      'points',
      'sensor_msgs/PointCloud2',
      () => ({ data: new Uint8Array(100) }),
      'bad-length',
    ],
    ['row too short', 'points', 'sensor_msgs/PointCloud2', () => ({ row_step: 8 }), 'bad-length'],
    [
      'field beyond the point',
      'points',
      'sensor_msgs/PointCloud2',
      () => ({ fields: [{ name: 'x', offset: 14, datatype: 7, count: 1 }] }),
      'bad-length',
    ],
    [
      'unknown datatype',
      'points',
      'sensor_msgs/PointCloud2',
      () => ({ fields: [{ name: 'x', offset: 0, datatype: 9, count: 1 }] }),
      'wrong-field-type',
    ],
  ])('%s', (_, kind, type, change, reason) => {
    expect(reasonFor(kind, type, change)).toBe(reason);
  });

  it('is refused where its bytes end early, at every length', () => {
    for (const message of drive.slice(0, 8)) {
      const { type, fields } = toRos2(message);
      const bytes = type.serialise(fields);
      const decode = decoderOf(topic(type.name.replace('/msg/', '/')));
      // A view inside a larger buffer: what lies behind it must not be taken for the message.
      const around = new Uint8Array(bytes.length + 64);
      around.set(bytes);
      expect(decode(around.subarray(0, bytes.length))).toHaveLength(1);
      for (let length = 0; length < Math.min(bytes.length, 300); length++) {
        let reason: string | undefined = 'none';
        try {
          decode(around.subarray(0, length));
        } catch (error) {
          reason = refusalReason(error);
        }
        expect(reason, `${message.kind} of ${length} bytes`).toBe('bad-message');
      }
    }
  });

  it('has field types by its own definition, which may be wrong', () => {
    const definition = STRING_FIX + HEADER;
    const writer = new MessageWriter(parse(definition, { ros2: true }));
    const bytes = writer.writeMessage({ header: { frame_id: 'gnss' }, latitude: '37.5' });
    const decode = decoderOf(topic('sensor_msgs/NavSatFix', definition));
    expect(() => decode(bytes)).toThrow(expect.objectContaining({ reason: 'wrong-field-type' }));
  });

  it('gives a cloud as a view of the bytes', () => {
    const value = cloud(START, 50, new Random(1));
    const { type, fields } = toRos2({ channel: '/p', arrival: START, sequence: 0, kind: 'points', value });
    const bytes = type.serialise(fields);
    const [payload] = decoderOf(topic('sensor_msgs/PointCloud2'))(bytes);
    expect(payload).toMatchObject({ kind: 'points', value });
    expect(payload?.kind === 'points' && payload.value.data.buffer === bytes.buffer).toBe(true);
  });
});

describe('a channel', () => {
  /** An MCAP written record by record, without our writer's care. */
  async function rawMcap(
    name: string,
    channels: { schema: string; encoding: string; message: SensorMessage }[],
  ) {
    const parts: Uint8Array[] = [];
    const position = () => BigInt(parts.reduce((sum, { length }) => sum + length, 0));
    const append = async (part: Uint8Array) => {
      parts.push(new Uint8Array(part));
    };
    // Messages outside of chunks: a file that no index describes.
    const writer = new McapWriter({ writable: { write: append, position }, useChunks: false });
    await writer.start({ profile: 'ros2', library: 'test' });
    for (const { schema, encoding, message } of channels) {
      const { type, fields } = toRos2(message);
      const data = new TextEncoder().encode(type.definition);
      const schemaId = await writer.registerSchema({ name: schema, encoding, data });
      const channel = { schemaId, topic: message.channel, messageEncoding: 'cdr', metadata: new Map() };
      const channelId = await writer.registerChannel(channel);
      const logTime = message.arrival;
      await writer.addMessage({
        channelId,
        sequence: 0,
        logTime,
        publishTime: logTime,
        data: type.serialise(fields),
      });
    }
    await writer.end();
    return write(join(folder, name), Buffer.concat(parts));
  }
  const fix = drive.find(({ kind }) => kind === 'gnss')!;
  const imu = drive.find(({ kind }) => kind === 'imu')!;
  const ros2msg = 'ros2msg';

  it('is read from a file without chunks', async () => {
    const path = await rawMcap('loose.mcap', [
      { schema: 'sensor_msgs/msg/Imu', encoding: ros2msg, message: imu },
      { schema: 'sensor_msgs/msg/NavSatFix', encoding: ros2msg, message: fix },
    ]);
    expect(await readAll(path)).toEqual([imu, fix]);
  });

  it('keeps its first type; messages of another are refused and reading goes on', async () => {
    const path = await rawMcap('mixed.mcap', [
      { schema: 'sensor_msgs/msg/Imu', encoding: ros2msg, message: { ...imu, channel: '/fix' } },
      { schema: 'sensor_msgs/msg/NavSatFix', encoding: ros2msg, message: fix },
      { schema: 'sensor_msgs/msg/Imu', encoding: ros2msg, message: { ...imu, arrival: fix.arrival + 1n } },
    ]);
    const read = await readAll(path);
    expect(read.map(({ kind }) => kind)).toEqual(['imu', 'refused', 'imu']);
    expect(refusals(read)).toEqual(['conflicting-type']);
  });

  it('in an unknown language is refused message by message', async () => {
    const path = await rawMcap('idl.mcap', [
      { schema: 'sensor_msgs/msg/Imu', encoding: 'protobuf', message: imu },
      { schema: 'sensor_msgs/msg/NavSatFix', encoding: ros2msg, message: fix },
    ]);
    expect(refusals(await readAll(path))).toEqual(['unknown-encoding']);
  });

  it('of bytes that are no message is refused message by message', async () => {
    const path = await writeMcap(join(folder, 'before.mcap'), [fix]);
    expect(readFileSync(path).length).toBeGreaterThan(0);
    const lied = await rawMcap('lied.mcap', [
      { schema: 'nav_msgs/msg/Odometry', encoding: ros2msg, message: imu },
    ]);
    expect(refusals(await readAll(lied))).toHaveLength(1);
  });
});
