import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { McapWriter } from '@mcap/core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { toRos2 } from '../../src/adapters/recorder/ros2-messages.ts';
import { SimulatedDrive } from '../../src/adapters/sim/source.ts';
import { writeBag } from '../../src/commands/bag.ts';
import { buildMap } from '../../src/commands/map-build.ts';
import { replay } from '../../src/commands/replay.ts';
import type { RunSummary } from '../../src/evaluation/summarise.ts';
import { readTum } from '../../src/evaluation/tum.ts';
import type { Odometry, PointCloud2, SensorMessage } from '../../src/types.ts';
import { writeMcap } from '../replay/fixtures.ts';
import { movePoints, type Spoil, spoil, twice } from './spoil.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });
const NAN = Number.NaN;
const SECONDS = 1_000_000_000n;
/** 1 km in degrees of latitude */
const KM_LAT = 1 / 111.0;
/** Largest error of any pose of a spoiled drive, m: two scans are 0.2 s, which IMU and wheels bridge to centimetres. */
const MAX_ERROR = 0.15;

/** A change, and under which reason the report counts it how often. */
type Fault = [change: Spoil, reason: string, count: number];

/**
 * Six seconds through a simulated street, standing for two and walking from then on. Each case spoils what was
 * recorded while it walked (scans at 10 Hz, fixes 1, odometry 20, IMU 100) and replays it as the command does.
 */
describe('a replay of a drive that is spoiled in the middle', () => {
  const folder = mkdtempSync(join(tmpdir(), 'dilly-faults-'));
  const map = join(folder, 'map');
  const drive: SensorMessage[] = [];
  let clean: RunSummary;
  let runs = 0;

  async function run(bag: string, set: string[] = []) {
    const out = join(folder, `run${runs++}`);
    const { summary } = await replay(bag, { set, map, reference: '/ground_truth/pose', out, threads: '1' });
    const result: RunSummary = JSON.parse(readFileSync(join(out, 'result.json'), 'utf8'));
    expect(result.refused).toEqual(summary.refused);
    // Throws unless its stamps rise.
    const trajectory = await readTum(join(out, 'trajectory.tum'));
    return { result, trajectory, html: readFileSync(join(out, 'report.html'), 'utf8') };
  }

  const runSpoiled = async (change: Spoil, set: string[] = []) =>
    run(await writeMcap(join(folder, `spoiled${runs}.mcap`), change(drive)), set);

  /** What is refused beyond the clean drive, by reason. */
  function more({ refused }: RunSummary): Record<string, number> {
    const names = new Set([...Object.keys(refused), ...Object.keys(clean.refused)]);
    return Object.fromEntries(
      [...names]
        .map((name) => [name, (refused[name] ?? 0) - (clean.refused[name] ?? 0)] as const)
        .filter(([, count]) => count !== 0),
    );
  }

  /** The report has a row of its table for the reason with this count. */
  function expectInReport(html: string, reason: string, count: number) {
    const text = html.replaceAll(/<[^>]*>/g, ' ').replaceAll(/\s+/g, ' ');
    expect(text).toContain(` ${reason} ${count} `);
  }

  function expectNear(result: RunSummary, frames = clean.frames) {
    expect(result.frames).toBe(frames);
    expect(result.matched).toBe(frames);
    expect(result.ape!.max).toBeLessThan(MAX_ERROR);
  }

  beforeAll(async () => {
    vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    await writeBag(new SimulatedDrive({ seed: 7, seconds: 6 }), join(folder, 'mapping.mcap'));
    await buildMap({ set: [], scans: join(folder, 'mapping.mcap'), poses: '/ground_truth/pose', out: map });
    for await (const message of new SimulatedDrive({ seed: 7, noiseSeed: 8, seconds: 6 }).messages())
      drive.push(message);
    clean = (await runSpoiled((messages) => [...messages])).result;
    expectNear(clean, 60);
  });
  afterAll(() => {
    vi.restoreAllMocks();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Runs the drive with all of the faults, each at a place of its own, and expects each of them counted, no other. */
  async function expectCounted(faults: readonly Fault[], frames = clean.frames) {
    const { result, html } = await runSpoiled((drive) =>
      faults.reduce((d, [change]) => change(d), [...drive]),
    );
    const expected: Record<string, number> = {};
    for (const [, reason, count] of faults) expected[reason] = (expected[reason] ?? 0) + count;
    expect(more(result)).toEqual(expected);
    for (const [reason, count] of Object.entries(expected)) expectInReport(html, reason, count);
    expectNear(result, frames);
    return result;
  }

  /** Two scans each, from scan 24 on with three good ones between. */
  const scans = (faults: [change: (cloud: PointCloud2) => Partial<PointCloud2>, reason: string][]): Fault[] =>
    faults.map(([change, reason], i) => [spoil('points', 24 + 5 * i, 2, change), reason, 2]);
  const field = (change: object) => (cloud: PointCloud2) => ({
    fields: cloud.fields.map((f) => (f.name === 'x' ? { ...f, ...change } : f)),
  });

  it('goes on through scans without anything to see', async () => {
    await expectCounted(
      scans([
        [movePoints(() => [NAN, NAN, NAN]), 'points-not-finite'],
        [movePoints(() => [1, Infinity, -Infinity]), 'points-not-finite'],
        [() => ({ width: 0, rowStep: 0, data: new Uint8Array() }), 'points-empty'],
        [
          ({ data, pointStep }) => ({
            height: 1,
            width: 1,
            rowStep: pointStep,
            data: data.slice(0, pointStep),
          }),
          'points-too-few',
        ],
        [movePoints((x, y, z) => [x + 1000, y, z]), 'points-out-of-range'],
        [() => ({ frameId: 'other' }), 'unknown-mount'],
      ]),
    );
  });

  it('goes on through scans of one plane, of one line, and of points that the map does not have', async () => {
    await expectCounted(
      scans([
        [movePoints((x, y) => [x, y, -0.9 - 0.03 * x]), 'points-in-a-plane'],
        [movePoints((_, y, z) => [12, y, z]), 'points-in-a-plane'],
        [movePoints((x) => [x, 1 + 0.1 * x, 0.5]), 'points-in-a-line'],
        [movePoints((x, y, z) => [x, y, z + 30]), 'registration-no-overlap'],
      ]),
    );
  });

  it('goes on through fields that are not what they should be', async () => {
    await expectCounted(
      scans([
        [field({ name: 'X' }), 'missing-field'],
        [field({ count: 3 }), 'unsupported-field'],
        // The bytes of a float32 read as int8: a cloud of nonsense, which only the map can tell.
        [field({ datatype: 1 }), 'registration-too-few-inliers'],
      ]),
    );
  });

  it('goes on through clouds whose layout contradicts itself, which give no frame', async () => {
    const faults = scans([
      [field({ datatype: 9 }), 'wrong-field-type'],
      [() => ({ pointStep: 12 }), 'bad-length'],
      [() => ({ pointStep: 0 }), 'bad-length'],
      [({ rowStep }) => ({ rowStep: rowStep - 1 }), 'bad-length'],
      [({ data }) => ({ data: data.slice(0, -1) }), 'bad-length'],
      [() => ({ height: 0xffff_ffff, width: 0xffff_ffff }), 'bad-length'],
    ]);
    await expectCounted(faults, 60 - 2 * faults.length);
  });

  it('leaves single points out that are NaN or infinite, and counts them', async () => {
    let spoiled = 0;
    const change = movePoints((x, y, z, i) => {
      if (!Number.isFinite(x) || i % 10 > 0) return undefined;
      spoiled++;
      return i % 20 ? [NAN, y, z] : [x, Infinity, z];
    });
    const { result, html } = await runSpoiled(spoil('points', 35, 3, change));
    expect(spoiled).toBeGreaterThan(1000);
    expect(more(result)).toEqual({});
    const { notFinite, total } = clean.points!;
    expect([result.points!.total, result.points!.notFinite]).toEqual([total, notFinite + spoiled]);
    expect(html).toContain(String(notFinite + spoiled));
    expectNear(result);
  });

  it('goes on through numbers that are none, and places that are nowhere', async () => {
    await expectCounted([
      [spoil('imu', 300, 7, () => ({ angularVelocity: [0, 0, NAN] as const })), 'not-finite', 7],
      [spoil('imu', 400, 7, () => ({ linearAcceleration: [0, -Infinity, 9.8] as const })), 'not-finite', 7],
      [spoil('odometry', 70, 4, () => ({ linear: [NAN, 0, 0] as const })), 'not-finite', 4],
      [
        spoil('odometry', 80, 4, ({ pose }) => ({ pose: { ...pose, orientation: [0, 0, 0, 0] as const } })),
        'bad-quaternion',
        4,
      ],
      [spoil('gnss', 2, 1, () => ({ latitude: NAN })), 'not-finite', 1],
      [spoil('gnss', 3, 1, () => ({ latitude: 91 })), 'out-of-range', 1],
    ]);
  });

  it('goes on through fixes and odometry that jump by 1 km', async () => {
    const kmAway = ({ pose }: Odometry) => ({
      pose: { ...pose, position: [pose.position[0] + 1000, pose.position[1], 0] as const },
    });
    const result = await expectCounted([
      [spoil('gnss', 3, 2, (fix) => ({ latitude: fix.latitude + KM_LAT })), 'gnss-innovation-gate', 2],
      [spoil('odometry', 60, 4, kmAway), 'odometry-pose-jump', 4],
      // Stays there: followed after five that agree.
      [spoil('odometry', 90, 1000, kmAway), 'odometry-pose-jump', 5],
    ]);
    expect(result.nis.gnss!.rejected['innovation-gate']).toBe(2);
  });

  const KINDS = ['points', 'imu', 'odometry', 'gnss'] as const;
  const FIRST = { points: 30, imu: 300, odometry: 60, gnss: 3 };

  it.each([
    ['3 s old', 'too-old', -3n * SECONDS],
    ['years old', 'too-old', -500_000_000n * SECONDS],
    ['years ahead', 'from-future', 300_000_000n * SECONDS],
  ])('goes on through stamps that are %s', async (_, reason, by) => {
    await expectCounted(
      KINDS.map((kind) => [
        spoil(kind, FIRST[kind], 2, ({ stamp }) => ({ stamp: stamp + by })),
        `${kind}-${reason}`,
        2,
      ]),
      // A scan at a time that is not believed gives no pose.
      58,
    );
  });

  it('goes on through stamps that come twice', async () => {
    await expectCounted(
      KINDS.map((kind) => [
        twice(kind, FIRST[kind], 2),
        `${kind === 'points' ? 'registration' : kind}-duplicate-stamp`,
        2,
      ]),
    );
  });

  it('never says TRACKING from a start that is 1 km off the map', async () => {
    const bag = await writeMcap(join(folder, 'prior.mcap'), drive);
    const { result, trajectory, html } = await run(bag, ['replay.start.position=[1000, 0, 0]']);
    expect([result.frames, result.tracked, trajectory.length]).toEqual([60, 0, 0]);
    expect(result.refused['registration-no-tiles']).toBe(60);
    expectInReport(html, 'registration-no-tiles', 60);
  });

  it('goes on where some messages of a topic are of another type, or have other fields', async () => {
    const header = `${'='.repeat(80)}\nMSG: std_msgs/Header\nbuiltin_interfaces/Time stamp\nstring frame_id\n`;
    const text = `std_msgs/Header header\nstring status\n${header}`;
    const bag = await oddBag(folder, drive, [
      { kind: 'gnss', first: 3, count: 2, type: 'sensor_msgs/msg/NavSatFix', definition: text },
      { kind: 'odometry', first: 70, count: 4, type: 'sensor_msgs/msg/Imu', definition: '' },
    ]);
    const { result, html } = await run(bag);
    const expected = { 'wrong-field-type': 2, 'conflicting-type': 4 };
    expect(more(result)).toEqual(expected);
    for (const [reason, count] of Object.entries(expected)) expectInReport(html, reason, count);
    expectNear(result);
  });

  it.each([0.5, 0.9])('gives what a bag has that is cut after %f of its bytes', async (share) => {
    const bytes = readFileSync(join(folder, 'spoiled0.mcap'));
    const cut = join(folder, `cut${share}.mcap`);
    writeFileSync(cut, bytes.subarray(0, Math.floor(share * bytes.length)));
    const { result, html } = await run(cut);
    expect(more(result)).toMatchObject({ 'truncated-bag': 1 });
    expectInReport(html, 'truncated-bag', 1);
    expect(result.frames).toBeGreaterThan(60 * (share - 0.2));
    expectNear(result, result.frames);
  });
});

interface Odd {
  readonly kind: SensorMessage['kind'];
  readonly first: number;
  readonly count: number;
  readonly type: string;
  /** '' where it has none */
  readonly definition: string;
}

/** The drive as an MCAP in which some messages of a topic come on a second channel that tells another type. */
async function oddBag(
  folder: string,
  messages: readonly SensorMessage[],
  odds: readonly Odd[],
): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const write = async (part: Uint8Array) => {
    parts.push(part.slice());
    length += part.length;
  };
  const writer = new McapWriter({ writable: { write, position: () => BigInt(length) }, useChunks: false });
  await writer.start({ profile: 'ros2', library: 'test' });
  const channels = new Map<string, number>();
  const channelOf = async (topic: string, name: string, definition: string): Promise<number> => {
    const key = `${topic} ${name} ${definition}`;
    const known = channels.get(key);
    if (known !== undefined) return known;
    const encoding = definition && 'ros2msg';
    const schemaId = await writer.registerSchema({
      name,
      encoding,
      data: new TextEncoder().encode(definition),
    });
    const id = await writer.registerChannel({ schemaId, topic, messageEncoding: 'cdr', metadata: new Map() });
    channels.set(key, id);
    return id;
  };
  const seen = new Map<string, number>();
  for (const message of messages) {
    const { type, stamp, fields } = toRos2(message);
    const index = seen.get(message.kind) ?? 0;
    seen.set(message.kind, index + 1);
    const odd = odds.find(
      ({ kind, first, count }) => kind === message.kind && index >= first && index < first + count,
    );
    const { name, definition } = odd ? { name: odd.type, definition: odd.definition } : type;
    const channelId = await channelOf(message.channel, name, definition);
    const { sequence, arrival: logTime } = message;
    await writer.addMessage({
      channelId,
      sequence,
      logTime,
      publishTime: stamp,
      data: type.serialise(fields),
    });
  }
  await writer.end();
  const path = join(folder, 'odd.mcap');
  writeFileSync(path, Buffer.concat(parts));
  return path;
}
