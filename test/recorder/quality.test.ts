import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { DriveQuality } from '../../src/adapters/recorder/drive-quality.ts';
import { messageFault } from '../../src/adapters/recorder/message-fault.ts';
import { recorderConfig } from '../../src/adapters/recorder/recorder-config.ts';
import { RobotRecording } from '../../src/adapters/recorder/robot-recording.ts';
import { SchemaRegistry } from '../../src/adapters/recorder/schema-registry.ts';
import { rawMessages } from '../../src/commands/bag-read.ts';
import { CountLedger } from '../../src/quality/count-ledger.ts';
import { compareWindows, worstWindows } from '../../src/quality/count-windows.ts';
import { compareSchemas } from '../../src/quality/schema-compare.ts';
import type { SensorMessage } from '../../src/types.ts';
import { keyOf, readAll, sampleDrive } from '../replay/fixtures.ts';
import { imuMessage } from './stream.ts';

const root = mkdtempSync(join(tmpdir(), 'quality-'));
afterAll(() => rmSync(root, { recursive: true }));
const type = (definition: string, name = 'a/msg/B') => ({ name, definition });

describe('schemas', () => {
  it('fit only where the older comes first', () => {
    const old = type('int32 a\nfloat64[3] b');
    expect(compareSchemas(old, type('# said otherwise\nint32 a\nfloat64[3] b'))).toEqual({ kind: 'same' });
    expect(compareSchemas(old, type('int32 a\nfloat64[3] b\nstring c')).kind).toBe('compatible');
    for (const other of [
      'int32 a',
      'float64[3] b\nint32 a',
      'int32 a\nfloat64[4] b',
      'int64 a\nfloat64[3] b',
    ])
      expect(compareSchemas(old, type(other)).kind, other).toBe('incompatible');
    expect(compareSchemas(old, type('int32 a\nfloat64[3] b', 'a/msg/C')).kind).toBe('incompatible');
  });

  it('look into nested types, where an addition moves what follows', () => {
    const of = (inner: string) => type(`a/In in\nint32 last\n${'='.repeat(80)}\nMSG: a/In\n${inner}`);
    expect(compareSchemas(of('int32 x'), of('int32 x')).kind).toBe('same');
    expect(compareSchemas(of('int32 x'), of('int32 x\nint32 y')).kind).toBe('incompatible');
  });

  it('have versions that outlive the process', async () => {
    const path = join(root, 'channels.json');
    const first = await SchemaRegistry.open(path);
    expect(first.register('/t', type('int32 a'))).toEqual({ ok: true, version: 1 });
    expect(first.register('/t', type('int32 a\nint32 b'))).toMatchObject({ ok: true, version: 2 });
    first.setRate('/t', 10);
    // Two at once do not spoil each other's file.
    const saves = [first.save()];
    first.register('/u', type('int32 a'));
    saves.push(first.save());
    await Promise.all(saves);
    const second = await SchemaRegistry.open(path);
    expect([...second.rates]).toEqual([['/t', 10]]);
    expect(second.register('/t', type('string a'))).toMatchObject({ ok: false, version: 2 });
    const accepting = await SchemaRegistry.open(path, ['/t']);
    expect(accepting.register('/t', type('string a'))).toMatchObject({ ok: true, version: 3 });
    writeFileSync(path, '{"x": 1}');
    await expect(SchemaRegistry.open(path)).rejects.toMatchObject({ reason: 'bad-registry' });
  });
});

describe('windows', () => {
  it('add up to what was counted, whatever their order', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(2), fc.nat(30)), { maxLength: 200 }), (counts) => {
        const ledger = new CountLedger();
        for (const [channel, bucket] of counts) ledger.add(`${channel}`, bucket);
        const again = CountLedger.from(JSON.parse(JSON.stringify(ledger)));
        for (const channel of ['0', '1', '2']) {
          expect(again.between(channel, 0, 30)).toBe(counts.filter(([one]) => `${one}` === channel).length);
          expect(again.between(channel, 0, 10) + again.between(channel, 11, 30)).toBe(again.total(channel));
        }
      }),
      { seed: 1 },
    );
  });

  it('find a gap by the minute that ten minutes and the drive do not show', () => {
    const found = new CountLedger();
    for (let bucket = 0; bucket < 240; bucket++) found.add('/a', bucket, bucket === 100 ? 25 : 50);
    const given = {
      from: 'sensor',
      to: 'received',
      channels: ['/a'],
      first: 0,
      last: 239,
      expected: (_: string, from: number, to: number) => 50 * (to - from + 1),
      found,
      tolerance: 0.02,
      slack: 0,
    } as const;
    expect(compareWindows(given).map(({ verdict }) => verdict)).toEqual(['ok', 'ok', 'ok']);
    const worst = Object.fromEntries(worstWindows(given).map((row) => [row.window, row.verdict]));
    // 25 of 600 are 4 %, of 6000 0.4 %.
    expect(worst).toEqual({ minute: 'missing', 'ten-minutes': 'ok', drive: 'ok' });
    expect(compareWindows({ ...given, last: -1 })).toEqual([]);
  });

  it('notice within seconds that a channel has fallen silent, or sends too much', () => {
    const quality = new DriveQuality({ rates: new Map([['/never', 1]]), missing: 0.05, chunkSeconds: 1 });
    const missing = () =>
      quality
        .rows()
        .filter(({ to, window, verdict }) => to === 'received' && window === 'minute' && verdict !== 'ok')
        .map(({ channel, verdict }) => `${channel} ${verdict}`);
    const send = (from: number, to: number, hertz: number) => {
      for (let k = from * hertz; k < to * hertz; k++)
        quality.take('/imu', 'imu', imuMessage(0).arrival + BigInt(Math.round((1e9 * k) / hertz)));
    };
    send(0, 120, 20);
    expect(missing()).toEqual(['/never missing']);
    expect(quality.learnt.get('/imu')).toBeCloseTo(20, 3);
    quality.pass(imuMessage(0).arrival + 131_000_000_000n);
    expect(missing()).toEqual(['/imu missing', '/never missing']);
    send(131, 260, 60);
    expect(missing()).toEqual(['/imu too-many', '/never missing']);
  });
});

describe('messages that fail', () => {
  it('are those that break what their type promises', () => {
    const drive = sampleDrive(2);
    for (const message of drive) expect(messageFault(message), message.kind).toBeUndefined();
    const one = <K extends SensorMessage['kind']>(kind: K) =>
      drive.find((message) => message.kind === kind) as Extract<SensorMessage, { kind: K }>;
    const spoil = <T extends SensorMessage>(message: T, value: object) =>
      messageFault({
        ...message,
        value: { ...(message as { value: object }).value, ...value },
      } as SensorMessage);
    expect(spoil(one('imu'), { linearAcceleration: [0, Number.NaN, 0] })?.reason).toBe('not-finite');
    expect(spoil(one('gnss'), { latitude: Number.POSITIVE_INFINITY })?.reason).toBe('not-finite');
    expect(spoil(one('gnss'), { latitude: Number.NaN, status: -1 })).toBeUndefined();
    expect(spoil(one('gnss'), { covariance: [1] })?.reason).toBe('bad-length');
    expect(spoil(one('odometry'), { linear: [Number.NaN, 0, 0] })?.reason).toBe('not-finite');
    expect(spoil(one('points'), { data: new Uint8Array(3) })?.reason).toBe('bad-length');
    expect(spoil(one('points'), { fields: [{ name: 'x', offset: 14, datatype: 7, count: 1 }] })?.reason).toBe(
      'bad-field',
    );
  });

  it('go to the dead letters, and operators hear of their sender at once', async () => {
    const events: { kind: string; severity: string; data?: Readonly<Record<string, unknown>> }[] = [];
    const config = recorderConfig.parse({ folder: join(root, 'letters') });
    const recording = new RobotRecording(config, (kind, severity, _text, data) =>
      events.push({ kind, severity, ...(data && { data }) }),
    );
    const drive = sampleDrive(3);
    // Mounts that came before the recording belong to it.
    const [mount, ...rest] = drive;
    recording.message(mount!);
    await expect(recording.stop()).rejects.toMatchObject({ reason: 'not-recording' });
    const folder = await recording.start('one');
    await expect(recording.start('two')).rejects.toMatchObject({ reason: 'recording' });
    for (const message of rest) recording.message(message);
    const at = rest.at(-1)!.arrival;
    const bad = {
      channel: '/imu',
      arrival: at,
      sequence: 7,
      kind: 'refused',
      reason: 'bad-message',
    } as const;
    for (let n = 0; n < 5; n++) recording.message({ ...bad, detail: 'too short', sender: 'imu_driver' });
    // Another type under a name that is taken.
    recording.message({ ...rest.find(({ kind }) => kind === 'gnss')!, channel: '/imu' } as SensorMessage);
    expect(events.filter(({ kind }) => kind === 'dead-letter')).toEqual([
      {
        kind: 'dead-letter',
        severity: 'warning',
        data: {
          sender: 'imu_driver',
          channel: '/imu',
          reason: 'bad-message',
          detail: 'too short',
          count: 1,
        },
      },
      expect.objectContaining({
        data: expect.objectContaining({ sender: '/imu', reason: 'incompatible-schema' }),
      }),
    ]);
    expect(await recording.metrics.registry.metrics()).toContain(
      'recorder_dead_letters_total{channel="/imu",reason="bad-message"} 5',
    );
    expect(recording.health().state).toBe('ok');
    await recording.stop();
    expect((await readAll(folder)).map(keyOf)).toEqual(drive.map(keyOf));
    let letters = 0;
    for await (const { topic } of rawMessages(join(folder, 'one_0.mcap'), () => {}))
      if (topic.name === '/dead_letter') letters++;
    expect(letters).toBe(6);
    const { received, recorded } = JSON.parse(readFileSync(join(folder, 'received.json'), 'utf8'));
    for (const topic of Object.keys(received)) expect(recorded[topic], topic).toEqual(received[topic]);
    // The next drive knows what each channel sends.
    const registry = await SchemaRegistry.open(join(config.folder, 'channels.json'));
    expect(registry.rates.get('/imu')).toBeCloseTo(20, 1);
  });
});
