import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { McapBagWriter } from '../../src/adapters/recorder/mcap-writer.ts';
import { checkBags, checkFile } from '../../src/commands/bag-check.ts';
import { copyBag } from '../../src/commands/bag-copy.ts';
import { filesOf, surveyBag } from '../../src/commands/bag-read.ts';
import { Random } from '../../src/math/random.ts';
import { realData } from '../data.ts';
import { keyOf, plain, readAll, sampleDrive, writeMcap, writeSqlite } from '../replay/fixtures.ts';

const root = mkdtempSync(join(tmpdir(), 'bag-tools-'));
afterAll(() => rmSync(root, { recursive: true }));
const drive = sampleDrive(4, 7, 3000);
const whole = join(root, 'whole.mcap');
let bytes: Buffer;
beforeAll(async () => {
  await writeMcap(whole, drive);
  bytes = readFileSync(whole);
});
const file = (name: string, content: string | Uint8Array) => {
  writeFileSync(join(root, name), content);
  return join(root, name);
};
const CASES = realData('bag-cases');
let outs = 0;
const out = () => join(root, `out-${outs++}.mcap`);

describe('bag recover', () => {
  it('saves a prefix of the drive from a file cut at any byte, into a sound bag', async () => {
    const random = new Random(5);
    let before = 0;
    const cuts = [
      9,
      30,
      100,
      ...Array.from({ length: 25 }, () => 9 + Math.floor(random.uniform() * (bytes.length - 9))),
    ];
    for (const cut of cuts.sort((a, b) => a - b)) {
      const saved = await copyBag(file('cut.mcap', bytes.subarray(0, cut)), out());
      expect(
        saved.damage.some(({ reason }) => reason === 'truncated-bag'),
        `cut at ${cut}`,
      ).toBe(true);
      const read = await readAll(saved.out);
      expect(read.map(keyOf)).toEqual(drive.slice(0, saved.messages).map(keyOf));
      expect(saved.messages).toBeGreaterThanOrEqual(before);
      expect((await checkFile(saved.out)).verdict).toBe(saved.messages > 0 ? 'ok' : 'no-messages');
      before = saved.messages;
    }
    expect(before).toBeGreaterThan(drive.length / 2);
  });

  it('keeps times, sequences, types and what a channel says of itself', async () => {
    const copied = await copyBag(whole, out());
    expect((await readAll(copied.out)).map(plain)).toEqual(drive.map(plain));
    const [a, b] = [await surveyBag(whole), await surveyBag(copied.out)];
    expect(b.topics).toEqual(a.topics);
    expect((await copyBag(copied.out, out())).bytes).toBe(copied.bytes);
  });

  it('makes an MCAP of a SQLite bag', async () => {
    const source = writeSqlite(join(root, 'rows.db3'), drive);
    const copied = await copyBag(source, out());
    expect((await readAll(copied.out)).map(keyOf)).toEqual(drive.map(keyOf));
  });

  it('never writes over a file, and leaves none where there is nothing to save', async () => {
    await expect(copyBag(whole, whole)).rejects.toMatchObject({ reason: 'output-exists' });
    const none = out();
    const start = file('start.mcap', bytes.subarray(0, 5));
    await expect(copyBag(start, none)).rejects.toMatchObject({ reason: 'truncated-bag' });
    expect(await filesOf(root)).not.toContain(none);
  });
});

describe('bag cut', () => {
  it('takes what lies between two times, of some topics', async () => {
    const { start } = await surveyBag(whole);
    const [from, to] = [start! + 1_000_000_000n, start! + 2_000_000_000n];
    const { out: path } = await copyBag(whole, out(), { from, to, topics: ['/imu', '/points'] });
    const wanted = drive.filter(
      ({ channel, arrival }) => ['/imu', '/points'].includes(channel) && arrival >= from && arrival <= to,
    );
    expect(wanted.length).toBeGreaterThan(20);
    // The reader counts sequences anew from the start of a file.
    const place = ({ channel, arrival }: { channel: string; arrival: bigint }) => `${channel} ${arrival}`;
    expect((await readAll(path)).map(place)).toEqual(wanted.map(place));
  });
});

describe('bag check', () => {
  it.each([
    ['whole.mcap', () => whole, 'ok'],
    ['cut', () => file('c.mcap', bytes.subarray(0, bytes.length >> 1)), 'truncated'],
    ['a few bytes', () => file('f.mcap', bytes.subarray(0, 3)), 'truncated'],
    ['nothing', () => file('n.mcap', ''), 'empty-file'],
    ['text', () => file('t.bag', 'hello, this is no bag'), 'not-a-bag'],
    ['a flipped byte', () => file('x.mcap', flipped()), 'damaged'],
    ['compressed as a whole', () => file('z.mcap.zstd', Buffer.from('28b52ffd00', 'hex')), 'unsupported'],
  ])('%s', async (_, path, verdict) => {
    expect((await checkFile(path())).verdict).toBe(verdict);
  });

  it('a sound bag without messages', async () => {
    expect((await checkFile(await writeMcap(join(root, 'e.mcap'), []))).verdict).toBe('no-messages');
  });

  it('messages that cannot be decoded', async () => {
    const other = sampleDrive(1).filter(({ kind }) => kind === 'imu');
    const path = writeSqlite(join(root, 'short.db3'), other, 'no-such-encoding');
    const { verdict, detail } = await checkFile(path);
    expect([verdict, detail]).toEqual(['bad-messages', expect.stringMatching(/^20 × /)]);
  });

  it.each<[string, (text: string) => string, string | undefined]>([
    ['as it was written', (text) => text, undefined],
    [
      'with a file too many',
      (text) => text.replace(/(file_paths:\n +- )/, '$1gone.mcap\n    - '),
      'incomplete',
    ],
    ['with another count', (text) => text.replace(/message_count: \d+/, 'message_count: 9'), 'other-count'],
    ['in another format', (text) => text.replace('format: cdr', 'format: wrong'), 'unsupported'],
    ['cut', (text) => text.slice(0, 60), 'damaged'],
    ['no YAML', () => '{{{', 'damaged'],
  ])('a folder whose metadata.yaml is %s', async (name, change, verdict) => {
    const folder = join(root, `described ${name}`);
    const writer = await McapBagWriter.create(folder);
    for (const message of drive) await writer.write(message);
    await writer.close();
    const metadata = join(folder, 'metadata.yaml');
    writeFileSync(metadata, change(readFileSync(metadata, 'utf8')));
    const [bag, ...wrong] = await checkBags([folder]);
    expect(bag).toMatchObject({ verdict: 'ok', messages: drive.length });
    expect(wrong.map((row) => [row.path, row.verdict])).toEqual(verdict ? [[metadata, verdict]] : []);
  });

  it.skipIf(!CASES)('real and broken files of others', async () => {
    const rows = await checkBags([CASES!]);
    const odd = rows
      .filter(({ verdict }) => verdict !== 'ok' && verdict !== 'not-a-bag')
      .map(({ path, verdict }) => [path.split('/').at(-1), verdict]);
    expect(odd.sort()).toEqual([
      ['empty-file.bag', 'empty-file'],
      ['empty_bag_0.db3', 'no-messages'],
      // In each storage the wrong_rmw_test.
      ['metadata.yaml', 'unsupported'],
      ['metadata.yaml', 'unsupported'],
      ['no-messages.bag', 'no-messages'],
    ]);
    expect(rows.filter(({ verdict }) => verdict === 'ok')).toHaveLength(29);
  });
});

function flipped(): Buffer {
  const copy = Buffer.from(bytes);
  copy[copy.length >> 2]! ^= 0x40;
  return copy;
}
