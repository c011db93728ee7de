import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { recorderConfig } from '../../src/adapters/recorder/recorder-config.ts';
import { RecordingMetrics } from '../../src/adapters/recorder/recording-metrics.ts';
import { RobotRecording } from '../../src/adapters/recorder/robot-recording.ts';
import { uploadConfig } from '../../src/adapters/recorder/upload/upload-config.ts';
import { DriveUploader, type UploaderOptions } from '../../src/adapters/recorder/upload/uploader.ts';
import { Tokens } from '../../src/map-service/http/auth.ts';
import { FolderStore } from '../../src/map-service/http/folder-store.ts';
import { Random } from '../../src/math/random.ts';
import { serveMaps } from '../map-service/service.ts';
import { sampleDrive } from '../replay/fixtures.ts';
import { Line } from './line.ts';

/** The robot's uploader against the map service itself; what goes wrong goes wrong on the line between them. */

const root = mkdtempSync(join(tmpdir(), 'upload-'));
afterAll(() => rmSync(root, { recursive: true }));

let count = 0;
let drives: string;
let service: Awaited<ReturnType<typeof serveMaps>>;
let line: Line;
let told: { kind: string; severity: string; text: string }[];
const port = () => Number(new URL(service.url).port);
const serve = (more: Partial<Parameters<typeof serveMaps>[0]> = {}) =>
  serveMaps({ store: new FolderStore(root), drives, ...more });

beforeEach(async () => {
  drives = join(root, `service-${++count}`);
  service = await serve();
  line = await Line.start(port);
  told = [];
});
afterEach(async () => {
  await line.stop();
  await service.app.close();
});

/** A drive of several files as a robot leaves it, about 120 kB. */
beforeAll(async () => {
  const config = recorderConfig.parse({
    folder: join(root, 'robot'),
    chunkBytes: 1 << 14,
    fileMegabytes: 0.03,
  });
  const recording = new RobotRecording(config, () => {});
  await recording.start('monday');
  // A file ends when it is full and the recorder's thread looks: it is given time to.
  for (const [k, message] of sampleDrive(12).entries()) {
    recording.message(message);
    if (k % 150 === 0) await new Promise((resolve) => setTimeout(resolve, 60));
  }
  await recording.stop();
});

function recorded(name = 'monday'): string {
  const folder = join(root, `robot-${count}`, name);
  cpSync(join(root, 'robot', 'monday'), folder, { recursive: true });
  if (name !== 'monday') writeFileSync(join(folder, 'note.json'), name);
  return folder;
}

function uploader(changes: object = {}, more: Partial<UploaderOptions> = {}): DriveUploader {
  const config = uploadConfig.parse({
    service: line.url,
    networks: ['127.0.0.0/8'],
    pieceMegabytes: 0.02,
    megabytesPerSecond: 1000,
    firstPause: 0.001,
    longestPause: 0.01,
    stallTimeout: 2,
    attempts: 8,
    ...changes,
  });
  return new DriveUploader({
    config,
    gate: () => undefined,
    tell: (kind, severity, text) => void told.push({ kind, severity, text }),
    ...more,
  });
}

const list = async (query = '') => {
  const answer = await fetch(`${service.url}/v1/drives${query}`);
  return ((await answer.json()) as { drives: { drive: string; name: string; messages: number }[] }).drives;
};
const sizeOf = (folder: string) =>
  readdirSync(folder)
    .filter((name) => /mcap$|yaml$|received/.test(name))
    .reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
const hashOf = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');
const totalOf = (folder: string) => {
  const { recorded } = JSON.parse(readFileSync(join(folder, 'received.json'), 'utf8'));
  return Object.values(recorded as Record<string, Record<string, number>>)
    .flatMap((spans) => Object.values(spans))
    .reduce((sum, n) => sum + n, 0);
};

describe('a drive', () => {
  it('arrives whole over a line that breaks again and again, is listed once, and costs nothing again', async () => {
    const folder = recorded();
    expect(readdirSync(folder).filter((name) => name.endsWith('.mcap')).length).toBeGreaterThan(2);
    const random = new Random(4);
    let left = 30_000;
    line.up = (part) => {
      left -= part.length;
      if (left > 0) return part;
      left = random.uniform(2_000, 40_000);
      return undefined;
    };
    const sent = await uploader().upload(folder);
    expect(line.breaks).toBeGreaterThan(3);
    expect(sent.windows.length).toBeGreaterThan(20);
    expect(sent.windows.filter(({ verdict }) => verdict !== 'ok')).toEqual([]);
    expect(new Set(sent.windows.map(({ from, to }) => `${from} ${to}`))).toEqual(
      new Set(['sensor received', 'received recorded', 'recorded uploaded', 'uploaded accepted']),
    );
    const [one, ...more] = await list();
    expect(more).toEqual([]);
    expect(one).toMatchObject({ drive: sent.drive, name: 'monday', messages: totalOf(folder), wrong: 0 });
    for (const name of readdirSync(folder).filter((file) => file.endsWith('.mcap'))) {
      const hash = hashOf(join(folder, name));
      expect(hashOf(join(drives, hash)), name).toBe(hash);
      expect(existsSync(join(folder, `${name}.uploaded`)), name).toBe(true);
    }
    // Again, and as a copy of another name: the service has it all.
    const copy = `${folder}-copy`;
    cpSync(folder, copy, { recursive: true });
    for (const again of [folder, copy])
      expect(await uploader().upload(again)).toMatchObject({ drive: sent.drive, sent: 0 });
    expect(await list()).toHaveLength(1);
    expect(told.filter(({ severity }) => severity !== 'info')).toEqual([]);
  });

  it('is not listed before the last of its files is there, whenever the robot drives off; then it goes on', async () => {
    const folder = recorded();
    const size = sizeOf(folder);
    let [parts, rounds] = [0, 0];
    // It may send twelve parts more each time, then it drives.
    let allowed = 0;
    line.up = (part) => {
      parts++;
      allowed--;
      return part;
    };
    const gate = () => (allowed <= 0 ? 'it has 30 m of a route to go' : undefined);
    const slow = uploader({ pieceMegabytes: 0.01 }, { gate });
    for (;;) {
      allowed = 12;
      const done = await slow.upload(folder).catch((error: { reason: string }) => error.reason);
      if (typeof done !== 'string') break;
      expect(done).toBe('paused');
      expect(await list()).toEqual([]);
      expect(++rounds).toBeLessThan(100);
    }
    expect([parts > 10, rounds > 3]).toEqual([true, true]);
    expect(await list()).toHaveLength(1);
    // What was there stayed there: of each pause one piece is sent again at most.
    expect(line.sent).toBeLessThan(size + rounds * (10_000 + 3_000) + 30_000);
  });

  it('goes on when the service was away and comes back', async () => {
    const folder = recorded();
    const at = port();
    let parts = 0;
    let away: Promise<unknown> | undefined;
    line.up = (part) => {
      if (++parts === 6)
        away = service.app.close().then(async () => {
          service = await serve({ port: at });
        });
      return part;
    };
    const sent = await uploader({ attempts: 40, longestPause: 0.1 }).upload(folder);
    await away;
    expect(sent.windows.filter(({ verdict }) => verdict !== 'ok')).toEqual([]);
    expect(await list()).toHaveLength(1);
  });

  it('that was changed on the line is refused by its hash and sent again', async () => {
    const folder = recorded();
    let spoilt = 0;
    line.up = (part) => {
      // A byte in the middle of a piece, not of a head.
      if (part.length < 5000 || spoilt > 1) return part;
      spoilt++;
      const other = Buffer.from(part);
      other[other.length - 100]! ^= 1;
      return other;
    };
    await uploader().upload(folder);
    expect(spoilt).toBe(2);
    const [one] = await list();
    const { files } = (await (await fetch(`${service.url}/v1/drives/${one!.drive}`)).json()) as {
      files: { path: string; sha256: string }[];
    };
    for (const { path, sha256 } of files) expect(hashOf(join(drives, sha256)), path).toBe(sha256);
  });

  it('that two send at once is accepted once', async () => {
    const folder = recorded();
    const both = await Promise.all([uploader().upload(folder), uploader().upload(folder)]);
    expect(both[0].drive).toBe(both[1].drive);
    expect(await list()).toHaveLength(1);
    expect(await (await fetch(`${service.url}/metrics`)).text()).toContain(
      'drives_accepted_total{robot=""} 1',
    );
  });

  it('of which messages are missing raises the alarm, in the metrics too', async () => {
    const folder = recorded();
    rmSync(join(folder, 'monday_1.mcap'));
    const metrics = new RecordingMetrics();
    const sent = await uploader({}, { metrics }).upload(folder);
    const wrong = sent.windows.filter(({ verdict }) => verdict !== 'ok');
    expect(new Set(wrong.map(({ from, to, verdict }) => `${from} ${to} ${verdict}`))).toEqual(
      new Set(['recorded uploaded missing']),
    );
    expect(told.filter(({ kind }) => kind === 'messages-missing').length).toBe(wrong.length);
    expect(told.find(({ kind }) => kind === 'messages-missing')).toMatchObject({ severity: 'alarm' });
    expect(await metrics.registry.metrics()).toMatch(
      /recorder_window_alarm\{channel="\/imu",window="drive",from="recorded",to="uploaded"\} 1/,
    );
    expect(await (await fetch(`${service.url}/metrics`)).text()).toMatch(
      /drive_window_alarms_total\{robot=""\} [1-9]/,
    );
  });

  it('whose sensor was silent for a while, or never spoke, raises the alarm', async () => {
    const folder = recorded();
    const path = join(folder, 'received.json');
    const said = JSON.parse(readFileSync(path, 'utf8'));
    // Whole spans of five seconds: the sample has one between its ends.
    for (const span of Object.keys(said.received['/imu'])) said.received['/imu'][span] = 40;
    said.rates['/never'] = 1;
    writeFileSync(path, JSON.stringify(said));
    const { windows } = await uploader().upload(folder);
    const wrong = windows.filter(({ from, verdict }) => from === 'sensor' && verdict !== 'ok');
    expect(new Set(wrong.map(({ channel, verdict }) => `${channel} ${verdict}`))).toEqual(
      new Set(['/imu missing', '/never missing']),
    );
    expect(told.some(({ kind, text }) => kind === 'messages-missing' && text.includes('/never'))).toBe(true);
  });

  it('with a damaged file is taken as it is, and said to be damaged', async () => {
    const folder = recorded();
    const path = join(folder, 'monday_0.mcap');
    writeFileSync(path, readFileSync(path).subarray(0, -2000));
    await uploader().upload(folder);
    const [one] = await list();
    const record = (await (await fetch(`${service.url}/v1/drives/${one!.drive}`)).json()) as {
      files: { path: string; damage?: string }[];
    };
    expect(record.files.filter(({ damage }) => damage).map(({ path }) => path)).toEqual(['monday_0.mcap']);
  });
});

describe('the uploader', () => {
  const refused = (promise: Promise<unknown>) =>
    promise.then(
      () => 'sent',
      (error: { reason?: string; message: string }) => error.reason ?? error.message,
    );

  it('sends nothing on a network that is not permitted, or while the robot drives', async () => {
    const folder = recorded();
    for (const networks of [[], ['eth77'], ['10.0.0.0/8', '::/0']])
      expect(await refused(uploader({ networks }).upload(folder))).toBe('network-not-permitted');
    expect(await refused(uploader({}, { gate: () => 'it drives' }).upload(folder))).toBe('paused');
    expect(await refused(uploader({ networks: ['10.0.0/8'] }).upload(folder))).toBe('bad-config');
    expect(line.sent).toBe(0);
    expect(await refused(uploader({ networks: ['lo'] }).upload(folder))).toBe('sent');
  });

  it('takes every no of the service for what it is', async () => {
    const folder = recorded();
    const token = 'a-token-of-robot-1';
    const sha256 = createHash('sha256').update(token).digest('hex');
    const tokens = (dailyMb?: number) =>
      new Tokens(JSON.stringify([{ robot: 'r1', sha256, ...(dailyMb && { dailyMb }) }]));
    const serving = async (options: Parameters<typeof serve>[0]) => {
      await service.app.close();
      service = await serve(options);
    };
    await serving({ tokens: tokens() });
    expect(await refused(uploader().upload(folder))).toBe('no-token');
    expect(await refused(uploader({}, { token: 'another' }).upload(folder))).toBe('bad-token');
    await serving({ tokens: tokens(0.02) });
    expect(await refused(uploader({}, { token }).upload(folder))).toBe('quota-used');
    await serving({ maxDriveBytes: 1000 });
    expect(await refused(uploader().upload(folder))).toBe('drive-too-large');
    await serving({ keepFreeBytes: 1e18 });
    expect(await refused(uploader().upload(folder))).toBe('disk-full');
    await serving({ tokens: tokens() });
    expect(await refused(uploader({}, { token }).upload(folder))).toBe('sent');
    const answer = await fetch(`${service.url}/v1/drives?robot=r1`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect((await answer.json()) as object).toMatchObject({ drives: [{ robot: 'r1' }] });
    line.up = () => undefined;
    expect(await refused(uploader().upload(folder))).toBe('service-unreachable');
  });

  it('waits for a drive to be over, and refuses a folder that is none', async () => {
    const folder = recorded();
    writeFileSync(join(folder, 'monday_9.mcap.part'), 'x');
    expect(await refused(uploader().upload(folder))).toBe('still-recorded');
    rmSync(join(folder, 'monday_9.mcap.part'));
    const empty = mkdtempSync(join(root, 'empty-'));
    expect(await refused(uploader().upload(empty))).toBe('not-a-drive');
  });

  it('finds by itself what waits, but for the drive under way', async () => {
    const monday = recorded();
    const tuesday = recorded('tuesday');
    const one = uploader({ every: 1 });
    let recording: string | undefined = tuesday;
    one.start(join(root, `robot-${count}`), () => recording);
    while ((await list()).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    expect((await list()).map(({ name }) => name)).toEqual(['monday']);
    recording = undefined;
    while ((await list()).length === 1) await new Promise((resolve) => setTimeout(resolve, 20));
    await one.close();
    for (const folder of [monday, tuesday]) expect(existsSync(join(folder, 'accepted.json'))).toBe(true);
  });
});

describe('the service', () => {
  const offer = (body: object) =>
    fetch(`${service.url}/v1/drives`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const file = { path: 'a_0.mcap', sha256: 'a'.repeat(64), bytes: 10 };

  it('refuses offers that are none, and knows no drive that it has not accepted', async () => {
    const good = { specVersion: 1, name: 'a', files: [file] };
    expect((await offer(good)).status).toBe(202);
    for (const bad of [
      { ...good, name: '../a' },
      { ...good, files: [] },
      { ...good, files: [file, file] },
      { ...good, files: [{ ...file, path: '../../etc/passwd' }] },
      { ...good, files: [{ ...file, sha256: 'A'.repeat(64) }] },
      { ...good, files: [{ ...file, bytes: 0 }] },
      { ...good, specVersion: 2 },
    ])
      expect((await offer(bad)).status, JSON.stringify(bad)).toBe(400);
    for (const id of ['a'.repeat(64), '..%2f..%2fx', 'none'])
      expect((await fetch(`${service.url}/v1/drives/${id}`)).status).toBe(404);
    expect((await fetch(`${service.url}/v1/drives?limit=0`)).status).toBe(400);
    expect(await list()).toEqual([]);
  });

  it('lists in pages', async () => {
    const folder = recorded();
    for (let k = 0; k < 3; k++) {
      writeFileSync(join(folder, 'note.json'), `${k}`);
      await uploader().upload(folder);
    }
    const all = await list();
    expect(all).toHaveLength(3);
    const first = await list('?limit=2');
    expect(first).toEqual(all.slice(0, 2));
    expect(await list(`?after=${first[1]!.drive}`)).toEqual(all.slice(2));
    expect(await list('?robot=other')).toEqual([]);
  });
});
