import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { McapBagWriter } from '../../src/adapters/recorder/mcap-writer.ts';
import { parseFrameRange } from '../../src/adapters/replay/frames.ts';
import { openSource } from '../../src/adapters/replay/open.ts';
import type { SensorMessage } from '../../src/types.ts';
import {
  compareMessages,
  keyOf,
  plain,
  readAll,
  refusals,
  START,
  sampleDrive,
  temporaryFolder,
  write,
  writeMcap,
  writeSqlite,
} from './fixtures.ts';

const folder = temporaryFolder();
const drive = sampleDrive(3);

describe('a bag that we write', () => {
  it('gives back what was written, from MCAP (file and folder) and SQLite', async () => {
    const paths = [
      await writeMcap(join(folder, 'trip.mcap'), drive),
      await writeMcap(join(folder, 'trip'), drive),
      writeSqlite(join(folder, 'trip.db3'), drive),
    ];
    for (const path of paths)
      expect((await readAll(path)).map(plain), basename(path)).toEqual(drive.map(plain));
  });

  it('has the same bytes each time', async () => {
    const [a, b] = [
      await writeMcap(join(folder, 'a.mcap'), drive),
      await writeMcap(join(folder, 'b.mcap'), drive),
    ];
    expect(readFileSync(a).equals(readFileSync(b))).toBe(true);
    expect((await readAll(a)).map(plain)).toEqual((await readAll(b)).map(plain));
  });

  it('has metadata that ros2 bag reads', async () => {
    const path = await writeMcap(join(folder, 'described'), drive);
    const text = readFileSync(join(path, 'metadata.yaml'), 'utf8');
    expect(text).not.toMatch(/[&*]a\d/);
    const { rosbag2_bagfile_information: information } = parse(text, { intAsBigInt: true });
    expect(information.relative_file_paths).toEqual(['described_0.mcap']);
    expect(information.message_count).toBe(BigInt(drive.length));
    expect(information.starting_time.nanoseconds_since_epoch).toBe(START - 1n);
  });

  it('does not appear before it is closed, nor over another', async () => {
    const path = await writeMcap(join(folder, 'once.mcap'), drive.slice(0, 3));
    await expect(writeMcap(path, [])).rejects.toMatchObject({ reason: 'output-exists' });
  });

  it('leaves nothing behind when it is given up', async () => {
    for (const path of [join(folder, 'gone.mcap'), join(folder, 'gone')]) {
      const writer = await McapBagWriter.create(path);
      await writer.write(drive[0]!);
      await writer.discard();
      expect(readdirSync(folder).filter((name) => name.startsWith('gone'))).toEqual([]);
    }
  });

  it('keeps refused messages as dead letters', async () => {
    const refused: SensorMessage = {
      channel: '/fix',
      arrival: START,
      sequence: 4,
      kind: 'refused',
      reason: 'not-finite',
      detail: 'latitude',
    };
    const path = await writeMcap(join(folder, 'letters'), [refused]);
    expect(readFileSync(join(path, 'metadata.yaml'), 'utf8')).toContain('/dead_letter');
    expect(await readAll(path)).toEqual([]);
  });
});

describe('order', () => {
  it('is (arrival, channel, sequence) whatever the order of writing', async () => {
    const shuffled = drive.toSorted((a, b) => (keyOf(a).at(-7)! < keyOf(b).at(-7)! ? -1 : 1));
    for (const path of [
      await writeMcap(join(folder, 'shuffled.mcap'), shuffled),
      writeSqlite(join(folder, 'shuffled.db3'), shuffled),
    ]) {
      const read = await readAll(path);
      expect(read.length).toBe(drive.length);
      expect(read.map(keyOf)).toEqual(read.toSorted(compareMessages).map(keyOf));
    }
  });

  it('merges files that overlap in time, of either format', async () => {
    for (const [name, writeFile] of [
      ['mcap', writeMcap],
      ['db3', writeSqlite],
    ] as const) {
      const parts = join(folder, `parts-${name}`);
      write(join(parts, 'note.txt'), 'not a bag');
      await writeFile(
        join(parts, `part_0.${name}`),
        drive.filter((_, i) => i % 3 === 0),
      );
      await writeFile(
        join(parts, `part_1.${name}`),
        drive.filter((_, i) => i % 3 !== 0),
      );
      expect((await readAll(parts)).map(plain)).toEqual(drive.map(plain));
    }
  });

  it('follows arrivals where the sensor’s own stamps go backwards', async () => {
    const imus = drive.filter((message) => message.kind === 'imu').slice(0, 5);
    const backwards = imus.map((message, i) => ({
      ...message,
      value: { ...message.value, stamp: START - BigInt(i) },
    }));
    const read = await readAll(await writeMcap(join(folder, 'backwards.mcap'), backwards));
    expect(read).toEqual(backwards);
  });
});

describe('what is read', () => {
  const path = writeMcap(join(folder, 'choice.mcap'), drive);

  it('can leave out point clouds by index, and nothing else', async () => {
    const read = await readAll(await path, { frames: parseFrameRange('1::3') });
    const expected = drive.filter(({ kind, sequence }) => kind !== 'points' || sequence % 3 === 1);
    expect(read.map(keyOf)).toEqual(expected.map(keyOf));
    const source = await openSource(await path, { frames: parseFrameRange('1::3') });
    expect(source.describe().clouds).toBe(expected.filter(({ kind }) => kind === 'points').length);
    await source.close();
  });

  it('is described before reading', async () => {
    const source = await openSource(await path);
    expect(source.describe()).toMatchObject({
      name: 'choice.mcap',
      start: START - 1n,
      end: drive.at(-1)!.arrival,
      channels: {
        '/points': 'points',
        '/fix': 'gnss',
        '/odom': 'odometry',
        '/truth': 'pose',
        '/tf_static': 'mount',
      },
      clouds: 30,
    });
    await source.close();
  });

  it('can be chosen by topic', async () => {
    const read = await readAll(await path, { topics: { imu: ['/imu'], pose: [], points: [] } });
    expect(new Set(read.map(({ kind }) => kind))).toEqual(new Set(['mount', 'gnss', 'imu', 'odometry']));
  });

  it('refuses topics that are not there or carry something else', async () => {
    const bag = await path;
    await expect(openSource(bag, { topics: { imu: '/imu2' } })).rejects.toMatchObject({
      reason: 'no-such-topic',
    });
    await expect(openSource(bag, { topics: { imu: '/fix' } })).rejects.toMatchObject({
      reason: 'wrong-topic-type',
    });
  });

  it('leaves moving transforms out', async () => {
    const moving = drive.filter(({ kind }) => kind === 'mount').map((m) => ({ ...m, channel: '/tf' }));
    expect(await readAll(await writeMcap(join(folder, 'tf.mcap'), moving))).toEqual([]);
  });

  it('can stop early', async () => {
    for (const bag of [await path, writeSqlite(join(folder, 'early.db3'), drive)]) {
      const source = await openSource(bag);
      for await (const message of source.messages()) if (message.sequence > 3) break;
      await source.close();
    }
  });
});

describe('what is no bag', () => {
  it.each([
    ['empty.mcap', '', 'empty-bag'],
    ['text.bag', 'hello, this is no bag', 'not-a-bag'],
    ['old.bag', '#ROSBAG V1.2\n', 'not-a-bag'],
    ['packed.mcap.zstd', Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0), 'unsupported-compression'],
    ['noise.db3', 'SQLite format 3\0garbage', 'damaged-bag'],
  ])('%s is refused', async (name, content, reason) => {
    await expect(openSource(write(join(folder, 'no', name), content))).rejects.toMatchObject({ reason });
  });

  it('a missing path and an empty folder are refused', async () => {
    await expect(openSource(join(folder, 'nowhere'))).rejects.toMatchObject({ reason: 'not-found' });
    write(join(folder, 'void', 'readme'), '');
    await expect(openSource(join(folder, 'void'))).rejects.toMatchObject({ reason: 'not-a-bag' });
  });

  it('a file that is missing from a bag is one refused item after all the others', async () => {
    const path = await writeMcap(join(folder, 'half'), drive);
    const metadata = join(path, 'metadata.yaml');
    const text = readFileSync(metadata, 'utf8');
    write(metadata, text.replace('- half_0.mcap', '- half_0.mcap\n    - half_1.mcap'));
    const read = await readAll(path);
    expect(read.slice(0, -1).map(keyOf)).toEqual(drive.map(keyOf));
    expect(refusals(read)).toEqual(['damaged-bag']);
  });

  it('an unknown serialisation is refused message by message', async () => {
    const read = await readAll(writeSqlite(join(folder, 'odd.db3'), drive.slice(0, 9), 'morse'));
    expect(refusals(read)).toEqual(Array(9).fill('unknown-encoding'));
  });
});
