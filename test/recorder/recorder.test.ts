import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { keepQuota, recordedFiles } from '../../src/adapters/recorder/drive-folder.ts';
import { Recorder } from '../../src/adapters/recorder/recorder.ts';
import { recorderConfig } from '../../src/adapters/recorder/recorder-config.ts';
import { Random } from '../../src/math/random.ts';
import type { SensorMessage } from '../../src/types.ts';
import { cloud, compareMessages, keyOf, plain, readAll, START, sampleDrive } from '../replay/fixtures.ts';

const root = mkdtempSync(join(tmpdir(), 'recorder-'));
afterAll(() => rmSync(root, { recursive: true }));
const config = (settings: object = {}) => recorderConfig.parse({ folder: root, ...settings });

async function recordAll(name: string, drive: readonly SensorMessage[], settings = {}): Promise<Recorder> {
  const recorder = await Recorder.open(config(settings), name);
  for (const message of drive) recorder.record(message);
  await recorder.close();
  return recorder;
}

describe('the recorder', () => {
  it('gives back what it was given', async () => {
    const drive = sampleDrive(5);
    const recorder = await recordAll('same', drive);
    expect((await readAll(join(root, 'same'))).map(plain)).toEqual(drive.map(plain));
    expect((await readAll(join(root, 'same', 'same_0.mcap'))).map(plain)).toEqual(drive.map(plain));
    for (const [topic, count] of recorder.counts()) {
      const given = drive.filter(({ channel }) => channel === topic).length;
      expect(count).toEqual({ received: given, recorded: given, dropped: 0, lost: 0 });
    }
  });

  it('copies at once: a sender may use its buffer again', async () => {
    const random = new Random(3);
    const value = cloud(START, 1000, random);
    const wanted = new Uint8Array(value.data);
    const recorder = await Recorder.open(config(), 'reused');
    recorder.record({ channel: '/points', arrival: START, sequence: 0, kind: 'points', value });
    value.data.fill(0);
    await recorder.close();
    const [message] = await readAll(join(root, 'reused'));
    expect(message?.kind === 'points' && new Uint8Array(message.value.data)).toEqual(wanted);
  });

  it('begins a new file by size, each of which stands alone', async () => {
    const drive = sampleDrive(4, 2, 2000);
    await recordAll('rotated', drive, { fileMegabytes: 0.2, chunkBytes: 1 << 17 });
    const names = readdirSync(join(root, 'rotated')).filter((name) => name.endsWith('.mcap'));
    expect(names.length).toBeGreaterThan(3);
    for (const name of names) expect((await readAll(join(root, 'rotated', name)))[0]?.kind).toBe('mount');
    const isMount = ({ kind }: SensorMessage) => kind === 'mount';
    const all = (await readAll(join(root, 'rotated'))).filter((message) => !isMount(message));
    const given = drive.filter((message) => !isMount(message)).sort(compareMessages);
    expect(all.map(keyOf)).toEqual(given.map(keyOf));
  });

  it('drops clouds only when the queue is full, and counts them', async () => {
    const random = new Random(4);
    let full = 0;
    const recorder = await Recorder.open(config({ queueMegabytes: 1 }), 'full', { full: () => full++ });
    const value = cloud(START, 10_000, random);
    const imu = sampleDrive(1).find(({ kind }) => kind === 'imu')!;
    // The thread needs some milliseconds to begin: whatever comes before fills the queue.
    for (let sequence = 0; sequence < 40; sequence++) {
      recorder.record({ channel: '/points', arrival: START, sequence, kind: 'points', value });
      for (let n = 0; n < 200; n++) recorder.record({ ...imu, sequence: 200 * sequence + n });
    }
    await recorder.close();
    const counts = recorder.counts();
    expect(counts.get('/imu')).toEqual({ received: 8000, recorded: 8000, dropped: 0, lost: 0 });
    const clouds = counts.get('/points')!;
    expect(clouds.dropped).toBeGreaterThan(0);
    expect(clouds.recorded + clouds.dropped).toBe(40);
    expect(full).toBeGreaterThan(0);
    const read = await readAll(join(root, 'full'));
    expect(read.filter(({ kind }) => kind === 'points')).toHaveLength(clouds.recorded);
    expect(read.filter(({ kind }) => kind === 'imu')).toHaveLength(8000);
  });

  it('says when the disk does not take it, and what was lost', async () => {
    const failures: string[] = [];
    const recorder = await Recorder.open(config(), 'broken', { failed: (text) => failures.push(text) });
    // A folder in the way of the file.
    rmSync(join(root, 'broken'), { recursive: true, force: true });
    writeFileSync(join(root, 'broken'), '');
    const drive = sampleDrive(1);
    for (const message of drive) recorder.record(message);
    await recorder.close();
    const lost = [...recorder.counts().values()].reduce((sum, count) => sum + count.lost, 0);
    expect(failures.length).toBeGreaterThan(0);
    expect(lost).toBe(drive.length);
    rmSync(join(root, 'broken'));
  });

  it('refuses a name that is taken, and two types on one topic', async () => {
    await recordAll('taken', []);
    writeFileSync(join(root, 'other'), '');
    await expect(Recorder.open(config(), 'other')).rejects.toMatchObject({ reason: 'output-exists' });
    const recorder = await Recorder.open(config(), 'types');
    const [mount, ...rest] = sampleDrive(1);
    recorder.record(mount!, '/one');
    expect(() => recorder.record(rest[0]!, '/one')).toThrow(/expected one type on \/one/);
    await recorder.close();
  });
});

describe('the quota', () => {
  it('takes uploaded files first, the oldest first', () => {
    const folder = mkdtempSync(join(tmpdir(), 'quota-'));
    const drive = join(folder, 'd');
    rmSync(drive, { recursive: true, force: true });
    writeDrive(drive, ['a', 'b', 'c', 'd']);
    for (const name of ['b', 'c']) writeFileSync(join(drive, `${name}.mcap.uploaded`), '');
    const gone = (budget: number) =>
      keepQuota(folder, budget).map(({ path }) => path.slice(drive.length + 1));
    expect(gone(400)).toEqual([]);
    expect(gone(350)).toEqual(['b.mcap']);
    expect(gone(150)).toEqual(['c.mcap', 'a.mcap']);
    expect(recordedFiles(folder).map(({ path }) => path)).toEqual([join(drive, 'd.mcap')]);
    expect(readdirSync(drive)).toEqual(['d.mcap']);
    expect(readFileSync(join(drive, 'd.mcap'))).toHaveLength(100);
    rmSync(folder, { recursive: true });
  });
});

function writeDrive(drive: string, names: readonly string[]): void {
  mkdirSync(drive, { recursive: true });
  names.forEach((name, k) => {
    const path = join(drive, `${name}.mcap`);
    writeFileSync(path, new Uint8Array(100));
    utimesSync(path, 1000 + k, 1000 + k);
  });
}
