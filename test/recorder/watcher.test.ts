import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from '@foxglove/rosmsg';
import { MessageReader } from '@foxglove/rosmsg2-serialization';
import { afterAll, expect, it } from 'vitest';
import { recordWatcher } from '../../src/adapters/recorder/record-watcher.ts';
import { RecordedSource } from '../../src/adapters/recorder/recorded-source.ts';
import { Recorder } from '../../src/adapters/recorder/recorder.ts';
import { recorderConfig } from '../../src/adapters/recorder/recorder-config.ts';
import { rawMessages } from '../../src/commands/bag-read.ts';
import type { RobotStatus } from '../../src/ports/robot.ts';
import type { SensorMessage } from '../../src/types.ts';
import { keyOf, plain, readAll, START, sampleDrive } from '../replay/fixtures.ts';

const root = mkdtempSync(join(tmpdir(), 'watcher-'));
afterAll(() => rmSync(root, { recursive: true }));
const open = (name: string) => Recorder.open(recorderConfig.parse({ folder: root }), name);

it('records what the robot says as messages that ROS 2 reads', async () => {
  const recorder = await open('said');
  const watcher = recordWatcher(recorder);
  const covariance = Float64Array.from({ length: 36 }, (_, k) => k / 7);
  const pose = { position: [1, 2, 3], orientation: [0, 0, 0, 1] } as const;
  const frame = { stamp: START, frame: 0, state: 'TRACKING', pose, covariance, stages: {} } as const;
  const advice = { motion: 'stop', speedLimit: 0, reason: 'operator' } as const;
  const status: RobotStatus = { frame, advice, crossings: [], buildings: [], tiles: [], health: [] };
  watcher.status(status);
  const { pose: _, ...unknown } = frame;
  watcher.status({ ...status, frame: { ...unknown, stamp: START + 1n } });
  watcher.event({ stamp: START + 2n, kind: 'lost', severity: 'alarm', text: 'where am I?', data: { n: 1 } });
  await recorder.close();
  const found: { topic: string; message: unknown }[] = [];
  for await (const { topic, data } of rawMessages(join(root, 'said', 'said_0.mcap'), () => {})) {
    const reader = new MessageReader(parse(topic.definition, { ros2: true }));
    found.push({ topic: topic.name, message: reader.readMessage(data) });
  }
  const time = { sec: 1_700_000_000, nanosec: 0 };
  expect(found.map(({ topic }) => topic)).toEqual([
    '/dilly/pose',
    '/dilly/status',
    '/dilly/status',
    '/dilly/events',
  ]);
  expect(found[0]!.message).toMatchObject({
    header: { stamp: time, frame_id: 'map' },
    pose: { pose: { position: { x: 1, y: 2, z: 3 } }, covariance },
  });
  const said = JSON.parse((found[1]!.message as { data: string }).data);
  expect(said).toMatchObject({ frame: { stamp: `${START}`, covariance: [...covariance] }, advice });
  expect(found[3]!.message).toMatchObject({ level: 40, name: 'lost', msg: 'where am I?', file: '{"n":1}' });
});

it('records a source as it passes, and refused messages as dead letters', async () => {
  const drive = sampleDrive(1);
  const bad: SensorMessage = {
    channel: '/imu',
    arrival: drive.at(-1)!.arrival,
    sequence: 99,
    kind: 'refused',
    reason: 'bad-message',
    detail: 'too short',
  };
  const given = [...drive, bad];
  const source = {
    describe: () => ({ name: 'x', start: START, end: START, channels: {} }),
    async *messages() {
      yield* given;
    },
    close: async () => {},
  };
  const recorder = await open('passed');
  const recorded = new RecordedSource(source, recorder);
  const passed: SensorMessage[] = [];
  for await (const message of recorded.messages()) passed.push(message);
  await recorder.close();
  expect(passed).toEqual(given);
  expect((await readAll(join(root, 'passed'))).map(plain).map(keyOf)).toEqual(drive.map(keyOf));
  const letters: string[] = [];
  for await (const { topic, data } of rawMessages(join(root, 'passed', 'passed_0.mcap'), () => {}))
    if (topic.name === '/dead_letter') letters.push(Buffer.from(data).toString('latin1'));
  expect(letters).toEqual([expect.stringContaining('"reason":"bad-message"')]);
});
