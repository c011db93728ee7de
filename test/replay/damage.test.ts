import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { crc32 } from 'node:zlib';
import zstd from '@foxglove/wasm-zstd';
import { McapStreamReader } from '@mcap/core';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { Random } from '../../src/math/random.ts';
import { refusalReason, type SensorMessage } from '../../src/types.ts';
import {
  keyOf,
  readAll,
  refusals,
  START,
  sampleDrive,
  temporaryFolder,
  write,
  writeMcap,
  writeSqlite,
} from './fixtures.ts';
import { type Ros1Item, rosbag1 } from './rosbag1-fixture.ts';

// Hundreds of bags are written and read, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });
const folder = temporaryFolder();
// 4 MB of clouds in chunks of 1 MB.
const drive = sampleDrive(4, 3, 6000);

/** Cuts where something special happens, and random ones. */
function cuts(length: number, count: number, first: number, seed: number): number[] {
  const random = new Random(seed);
  const edges = [first, first + 1, first + 9, length - 1, length - 7, length - 8, length - 9, length - 40];
  return [...edges, ...Array.from({ length: count }, () => first + (random.uint32() % (length - first)))];
}

/** Reads a cut bag: at most one refused item, the last; a refusal to open is told by its reason. */
async function readCut(path: string): Promise<{ good: SensorMessage[]; reason: string | undefined }> {
  let read: SensorMessage[];
  try {
    read = await readAll(path);
  } catch (error) {
    return { good: [], reason: refusalReason(error) ?? `threw ${error}` };
  }
  const good = read.filter(({ kind }) => kind !== 'refused');
  const reasons = refusals(read);
  expect(reasons.length).toBeLessThanOrEqual(1);
  if (reasons.length > 0) expect(read.at(-1)?.kind).toBe('refused');
  return { good, reason: reasons[0] };
}

/** A message by its arrival and value: sequences count what is left, so they shift behind a loss. */
function contentOf(message: SensorMessage): string {
  const { arrival, channel } = message;
  if (message.kind === 'points') return `${arrival} ${channel} ${crc32(message.value.data)}`;
  return `${arrival} ${channel} ${message.kind === 'refused' ? message.detail : inspect(message.value, { depth: 5, sorted: true })}`;
}

describe('an MCAP that is cut', () => {
  let bytes: Buffer;
  /** where each chunk ends, and how many messages lie before */
  const chunks: { end: number; messages: number }[] = [];

  beforeAll(async () => {
    bytes = readFileSync(await writeMcap(join(folder, 'whole.mcap'), drive));
    await zstd.isLoaded;
    const decompressHandlers = {
      zstd: (data: Uint8Array, size: bigint) => zstd.decompress(data, Number(size)),
    };
    const reader = new McapStreamReader({ includeChunks: true, decompressHandlers });
    let messages = 0;
    // One byte at a time would be slow: the reader tells how much it has not taken yet.
    reader.append(bytes);
    for (let record = reader.nextRecord(); record; record = reader.nextRecord()) {
      if (record.type === 'Chunk') chunks.push({ end: bytes.length - reader.bytesRemaining(), messages: 0 });
      if (record.type === 'Message') chunks.at(-1)!.messages = ++messages;
    }
    expect(chunks.length).toBeGreaterThan(3);
  });

  it('gives every message that is whole, also of the last chunk, and says once that it is cut, at 250 places', async () => {
    let more = 0;
    for (const cut of cuts(bytes.length, 250, 8, 11)) {
      const { good, reason } = await readCut(write(join(folder, 'cut.mcap'), bytes.subarray(0, cut)));
      const expected = chunks.findLast(({ end }) => end <= cut)?.messages ?? 0;
      expect(reason, `cut at ${cut}`).toBe('truncated-bag');
      expect(good.length, `cut at ${cut}`).toBeGreaterThanOrEqual(expected);
      expect(good.map(keyOf), `cut at ${cut}`).toEqual(drive.slice(0, good.length).map(keyOf));
      more += good.length - expected;
    }
    expect(more).toBeGreaterThan(0);
  });

  it('loses one chunk where a byte of it is wrong', async () => {
    const flipped = Buffer.from(bytes);
    flipped[chunks[1]!.end - 1000]! ^= 0x10;
    const { good, reason } = await readCut(write(join(folder, 'flipped.mcap'), flipped));
    const lost = drive.slice(chunks[0]!.messages, chunks[1]!.messages);
    expect(reason).toBe('damaged-bag');
    expect(good.map(contentOf)).toEqual(drive.filter((message) => !lost.includes(message)).map(contentOf));
  });

  it('survives wrong bytes anywhere', async () => {
    const random = new Random(5);
    for (let round = 0; round < 60; round++) {
      const wrong = Buffer.from(bytes);
      // Half of them near the end, where the index is.
      const span = round % 2 === 0 ? wrong.length : Math.min(wrong.length, 6000);
      for (let i = 0; i < 3; i++) wrong[wrong.length - 1 - (random.uint32() % span)] = random.uint32() & 0xff;
      const { good } = await readCut(write(join(folder, 'wrong.mcap'), wrong));
      const known = new Set(drive.map(contentOf));
      expect(good.every((message) => known.has(contentOf(message)))).toBe(true);
    }
  });
});

describe('a SQLite bag that is cut', () => {
  it('gives rows that were written, in order, or is refused, at 80 places', async () => {
    const bytes = readFileSync(writeSqlite(join(folder, 'whole.db3'), drive));
    const known = drive.map(keyOf);
    let most = 0;
    for (const cut of cuts(bytes.length, 80, 16, 12)) {
      const { good, reason } = await readCut(write(join(folder, 'cut.db3'), bytes.subarray(0, cut)));
      expect(['truncated-bag', 'damaged-bag'], `cut at ${cut}`).toContain(reason);
      const keys = good.map(keyOf);
      expect(known.slice(0, keys.length), `cut at ${cut}`).toEqual(keys);
      most = Math.max(most, keys.length / known.length);
    }
    expect(most).toBeGreaterThan(0.5);
  });
});

describe('a ROS 1 bag', () => {
  const items = imuItems(240);
  const chunks = Array.from({ length: 12 }, (_, i) => items.slice(20 * i, 20 * i + 20));
  const keys = items.map(({ topic, arrival }, i) => `${arrival} ${topic} ${i} imu`);

  it('is read with and without its index', async () => {
    const closed = await readCut(write(join(folder, 'closed.bag'), rosbag1(chunks, true)));
    expect(closed).toMatchObject({ reason: undefined });
    expect(closed.good.map(keyOf)).toEqual(keys);
    expect(closed.good[3]).toMatchObject({ value: { frameId: 'imu', linearAcceleration: [0, 0.25, 9.8] } });
    const killed = await readCut(write(join(folder, 'killed.bag'), rosbag1(chunks, false)));
    expect(killed.reason).toBe('truncated-bag');
    expect(killed.good.map(keyOf)).toEqual(keys);
  });

  it('gives every whole message where it is cut, at 120 places', async () => {
    const bytes = rosbag1(chunks, true);
    const ends = chunks.map((_, i) => rosbag1(chunks.slice(0, i + 1), false).length);
    let partial = 0;
    for (const cut of cuts(bytes.length, 120, 13, 13)) {
      const { good, reason } = await readCut(write(join(folder, 'cut.bag'), bytes.subarray(0, cut)));
      expect(reason, `cut at ${cut}`).toBe('truncated-bag');
      expect(keys.slice(0, good.length), `cut at ${cut}`).toEqual(good.map(keyOf));
      const whole = 20 * ends.filter((end) => end <= cut).length;
      expect(good.length, `cut at ${cut}`).toBeGreaterThanOrEqual(whole);
      if (good.length > whole) partial++;
    }
    // These chunks are not packed, so that most cuts leave some messages of the chunk under the cut.
    expect(partial).toBeGreaterThan(40);
  });
});

function imuItems(count: number): Ros1Item[] {
  return Array.from({ length: count }, (_, i) => {
    const arrival = START + BigInt(i) * 10_000_000n;
    const stamp = { sec: Number(arrival / 1_000_000_000n), nsec: Number(arrival % 1_000_000_000n) };
    const zero = { x: 0, y: 0, z: 0 };
    return {
      topic: '/imu',
      type: 'sensor_msgs/Imu',
      arrival,
      message: {
        header: { seq: i, stamp, frame_id: '/imu' },
        orientation: { ...zero, w: 0 },
        orientation_covariance: Array(9).fill(0),
        angular_velocity: zero,
        angular_velocity_covariance: Array(9).fill(0),
        linear_acceleration: { x: 0, y: 0.25, z: 9.8 },
        linear_acceleration_covariance: Array(9).fill(0),
      },
    };
  });
}
