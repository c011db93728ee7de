import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { BagFile } from '../../src/adapters/replay/bag-file.ts';
import { openSource } from '../../src/adapters/replay/open.ts';
import { openRosbag1 } from '../../src/adapters/replay/rosbag1.ts';
import { openMcap } from '../../src/adapters/replay/rosbag2-mcap.ts';
import { openSqlite } from '../../src/adapters/replay/rosbag2-sqlite.ts';
import { readAll, refusals } from './fixtures.ts';

const data = process.env.DILLY_DATA ?? resolve(import.meta.dirname, '../../../shared/data');
const cases = join(data, 'bag-cases');
const present = existsSync(cases);
if (!present)
  console.warn(`skipped: no bags of others in ${cases}; set DILLY_DATA to the folder that has bag-cases`);

function filesIn(folder: string, ending: string): string[] {
  if (!present) return [];
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return names
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name))
    .sort();
}

/** Every message of a file, of any type, with the damage. */
async function readRaw(file: BagFile) {
  const damage: string[] = [];
  const arrivals: bigint[] = [];
  for await (const { arrival } of file.read(
    () => true,
    ({ detail }) => damage.push(detail),
  )) {
    arrivals.push(arrival);
  }
  await file.close();
  return { arrivals, damage };
}

describe.skipIf(!present)('bags of others', () => {
  it.each(filesIn(cases, 'metadata.yaml'))(
    '%s: counts and times are those that the recorder wrote',
    async (path) => {
      const information = parse(readFileSync(path, 'utf8'), {
        intAsBigInt: true,
      }).rosbag2_bagfile_information;
      const files = (information.relative_file_paths as string[]).map((name) => join(dirname(path), name));
      const read = await Promise.all(
        files.map(async (name) =>
          readRaw(await (name.endsWith('.mcap') ? openMcap(name) : openSqlite(name))),
        ),
      );
      const arrivals = read.flatMap((part) => part.arrivals);
      expect(read.flatMap(({ damage }) => damage)).toEqual([]);
      expect(BigInt(arrivals.length)).toBe(information.message_count);
      if (arrivals.length > 0) expect(arrivals[0]).toBe(information.starting_time.nanoseconds_since_epoch);
    },
  );

  it.each([...filesIn(cases, '.mcap'), ...filesIn(cases, '.db3')])(
    '%s: opens and is in order',
    async (path) => {
      const { arrivals, damage } = await readRaw(
        await (path.endsWith('.mcap') ? openMcap(path) : openSqlite(path)),
      );
      expect(damage).toEqual([]);
      expect(arrivals).toEqual(arrivals.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0)));
      const source = await openSource(path);
      expect(source.describe().name).toBe(basename(path));
      await source.close();
    },
  );

  it('reads ROS 1 bags of every compression alike', async () => {
    const bags = ['example.bag', 'example-lz4.bag', 'example-bz2.bag'].map((name) =>
      join(cases, 'rosbag1', name),
    );
    const read = await Promise.all(bags.map(async (path) => readRaw(await openRosbag1(path))));
    expect(read[0]!.arrivals.length).toBeGreaterThan(1000);
    for (const other of read.slice(1)) expect(other).toEqual(read[0]);
  });

  it.each(filesIn(cases, '.bag').filter((name) => !name.endsWith('empty-file.bag')))(
    '%s: is in order',
    async (path) => {
      const { arrivals, damage } = await readRaw(await openRosbag1(path));
      expect(damage).toEqual([]);
      expect(arrivals).toEqual(arrivals.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0)));
    },
  );

  it('refuses what is no bag', async () => {
    const open = (name: string) => openSource(join(cases, 'rosbag1', name));
    await expect(open('empty-file.bag')).rejects.toMatchObject({ reason: 'empty-bag' });
    await expect(open('asci-file.txt')).rejects.toMatchObject({ reason: 'not-a-bag' });
  });

  it('reads a robot’s bag as others converted it', { timeout: 60_000 }, async () => {
    const husky = join(data, 'robot-husky-gps-imu-odom');
    const read = await readAll(join(husky, 'test1.bag'));
    expect(refusals(read)).toEqual([]);
    const fixes = read.filter((message) => message.kind === 'gnss');
    const [head, ...rows] = gunzipSync(readFileSync(join(husky, 'fix.csv.gz')))
      .toString()
      .trim()
      .split('\n');
    const columns = head!.split(',');
    const latitude = columns.findIndex((name) => name.startsWith('lat'));
    expect(fixes.map(({ value }) => value.latitude)).toEqual(
      rows.map((row) => Number(row.split(',')[latitude])),
    );
    expect(read.filter(({ kind }) => kind === 'imu')).toHaveLength(11_865);
    expect(read.filter(({ kind }) => kind === 'odometry')).toHaveLength(3_952);
  });
});
