import { afterEach, expect, it } from 'vitest';
import { ReplayWatch, type WatchParts } from '../../src/commands/replay-watch.ts';
import { configSchema } from '../../src/config.ts';
import type { SensorMessage } from '../../src/types.ts';
import { type Rig, status, TestClient, until } from './fake-robot.ts';

let watch: ReplayWatch;
afterEach(() => watch.close());

const index = {
  mapId: 'street',
  version: 3,
  tileSize: 20,
  origin: { lat: 37.5, lon: 127, ellipsoidalHeight: 40 },
};

it('begins when somebody looks, shows what the localisation says, and takes no commands', async () => {
  const said: string[] = [];
  watch = await ReplayWatch.open({
    core: {} as WatchParts['core'],
    config: configSchema.parse({}),
    map: { index, source: {} } as unknown as WatchParts['map'],
    tiles: () => ['0_0'],
    say: (text) => said.push(text),
  });
  const [, url, token] = /(http:\S+)\/#token=(\S+)/.exec(said.join('\n'))!;
  const first = { kind: 'time', arrival: 5n } as unknown as SensorMessage;
  let begun = false;
  const beginning = watch.await(first).then(() => (begun = true));
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(begun).toBe(false);
  const client = await TestClient.join({ url } as Rig, token!);
  await beginning;
  const frames: unknown[] = [];
  const sink = watch.over({ frame: (frame) => frames.push(frame), update: () => {}, refused: () => {} });
  sink.frame(status(1).frame);
  sink.frame({ ...status(2).frame, state: 'LOST', stateReason: 'no-match' });
  await client.until(() => client.of('status').at(-1)?.state === 'LOST');
  // The run's own record gets everything too.
  expect(frames).toHaveLength(2);
  expect(client.of('status').at(-1)).toMatchObject({
    advice: { motion: 'stop', reason: 'localisation: LOST, no-match' },
    health: [{ name: 'map', state: 'ok', text: 'street version 3' }],
  });
  expect(client.of('event').map(({ severity, text }) => [severity, text])).toEqual([
    ['info', 'TRACKING'],
    ['alarm', 'LOST: no-match'],
  ]);
  client.say({ type: 'control', action: 'take' });
  client.command('a', { kind: 'stop' });
  await client.until(() => client.of('answer').length === 1);
  expect(client.of('answer')[0]).toMatchObject({ ok: false, reason: 'a-replay' });
  client.socket.terminate();
  await until(() => client.closed !== undefined);
});
