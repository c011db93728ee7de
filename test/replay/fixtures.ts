import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sqlite from 'node-sqlite3-wasm';
import { afterAll } from 'vitest';
import { McapBagWriter } from '../../src/adapters/recorder/mcap-writer.ts';
import { toRos2 } from '../../src/adapters/recorder/ros2-messages.ts';
import { openSource } from '../../src/adapters/replay/open.ts';
import { Random } from '../../src/math/random.ts';
import { quatFromRpy } from '../../src/math/so3.ts';
import type { PointCloud2, SensorMessage, Stamp } from '../../src/types.ts';

export const START = 1_700_000_000_000_000_000n;
const MS = 1_000_000n;

/** A folder for one test file, gone when its tests are done. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'dilly-replay-test-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function write(path: string, content: string | Uint8Array): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

export function cloud(stamp: Stamp, points: number, random: Random): PointCloud2 {
  const values = Float32Array.from({ length: 4 * points }, () => random.uniform(-50, 50));
  return {
    stamp,
    frameId: 'lidar',
    height: 1,
    width: points,
    fields: ['x', 'y', 'z', 'intensity'].map((name, i) => ({ name, offset: 4 * i, datatype: 7, count: 1 })),
    isBigEndian: false,
    pointStep: 16,
    rowStep: 16 * points,
    data: new Uint8Array(values.buffer),
  };
}

/** A drive of `seconds`: every kind, in order of arrival; IMU 20 Hz, clouds 10 Hz, the rest 5 Hz. */
export function sampleDrive(seconds: number, seed = 1, points = 200): SensorMessage[] {
  const random = new Random(seed);
  const drive: SensorMessage[] = [
    {
      channel: '/tf_static',
      arrival: START - 1n,
      sequence: 0,
      kind: 'mount',
      value: {
        parent: 'base_link',
        child: 'lidar',
        T_parent_child: { position: [0.1, 0.2, 0.3], orientation: quatFromRpy(0.1, 0.2, 0.3) },
      },
    },
  ];
  for (let i = 0; i < 20 * seconds; i++) {
    const stamp = START + BigInt(i) * 50n * MS;
    const pose = { position: [i, random.gaussian(), 0.5], orientation: quatFromRpy(0, 0.1, i / 9) } as const;
    if (i % 4 === 0) {
      const fix = { frameId: 'gnss', status: 2, longitude: 127.02762 + i * 1e-7, altitude: 45.2 };
      const place = { arrival: stamp + 7n * MS, sequence: i / 4 };
      const value = {
        stamp,
        ...fix,
        latitude: 37.49794 + random.gaussian(0, 1e-6),
        covariance: diagonal(0.25),
      };
      drive.push({ channel: '/fix', ...place, kind: 'gnss', value: { ...value, covarianceType: 2 } });
      drive.push({ channel: '/truth', ...place, kind: 'pose', value: { stamp, pose } });
      const twist = { linear: [1, 0, 0], angular: [0, 0, random.gaussian()] } as const;
      const frames = { frameId: 'odom', childFrameId: 'base_link' };
      drive.push({
        channel: '/odom',
        ...place,
        kind: 'odometry',
        value: { stamp, ...frames, pose, ...twist },
      });
    }
    const imu = { angularVelocity: [0, 0, random.gaussian()], linearAcceleration: [0, 0, 9.8] } as const;
    const arrival = stamp + 2n * MS;
    drive.push({
      channel: '/imu',
      arrival,
      sequence: i,
      kind: 'imu',
      value: { stamp, frameId: 'imu', ...imu },
    });
    if (i % 2 === 0) {
      const value = cloud(stamp, points, random);
      drive.push({ channel: '/points', arrival: stamp + 50n * MS, sequence: i / 2, kind: 'points', value });
    }
  }
  return drive.sort(compareMessages);
}

export function compareMessages(a: SensorMessage, b: SensorMessage): number {
  if (a.arrival !== b.arrival) return a.arrival < b.arrival ? -1 : 1;
  if (a.channel !== b.channel) return a.channel < b.channel ? -1 : 1;
  return a.sequence - b.sequence;
}

export async function writeMcap(path: string, messages: Iterable<SensorMessage>): Promise<string> {
  const writer = await McapBagWriter.create(path);
  for (const message of messages) await writer.write(message);
  await writer.close();
  return path;
}

/** A rosbag2 SQLite file of the first schema, rows in the order given; `encoding` may lie. */
export function writeSqlite(path: string, messages: readonly SensorMessage[], encoding = 'cdr'): string {
  const db = new sqlite.Database(path);
  db.exec(
    'CREATE TABLE topics(id INTEGER PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL,' +
      'serialization_format TEXT NOT NULL, offered_qos_profiles TEXT NOT NULL);' +
      'CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL, timestamp INTEGER NOT NULL,' +
      'data BLOB NOT NULL); CREATE INDEX timestamp_idx ON messages (timestamp ASC); BEGIN',
  );
  const ids = new Map<string, number>();
  for (const message of messages) {
    const { type, fields } = toRos2(message);
    let id = ids.get(message.channel);
    if (id === undefined) {
      id = ids.size + 1;
      ids.set(message.channel, id);
      db.run('INSERT INTO topics VALUES (?, ?, ?, ?, ?)', [id, message.channel, type.name, encoding, '']);
    }
    const data = type.serialise(fields);
    db.run('INSERT INTO messages (topic_id, timestamp, data) VALUES (?, ?, ?)', [id, message.arrival, data]);
  }
  db.exec('COMMIT');
  db.close();
  return path;
}

/** Everything a path gives, in order; kept until the end, to catch a reader that writes to what it gave away. */
export async function readAll(
  path: string,
  options: Parameters<typeof openSource>[1] = {},
): Promise<SensorMessage[]> {
  const source = await openSource(path, options);
  try {
    const messages: SensorMessage[] = [];
    for await (const message of source.messages()) messages.push(message);
    return messages;
  } finally {
    await source.close();
  }
}

export function plain(message: SensorMessage): SensorMessage {
  if (message.kind !== 'points') return message;
  return { ...message, value: { ...message.value, data: new Uint8Array(message.value.data) } };
}

/** What identifies a message, for fast comparison of long lists. */
export function keyOf({ channel, arrival, sequence, kind }: SensorMessage): string {
  return `${arrival} ${channel} ${sequence} ${kind}`;
}

export function refusals(messages: readonly SensorMessage[]): string[] {
  return messages.flatMap((message) => (message.kind === 'refused' ? [message.reason] : []));
}

function diagonal(variance: number): number[] {
  return [variance, 0, 0, 0, variance, 0, 0, 0, variance];
}
