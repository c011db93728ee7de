import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { KeptState } from '../../src/commands/kept-state.ts';
import { openRos2Robot } from '../../src/commands/ros2-robot.ts';
import { openCore, openSession } from '../../src/commands/shared.ts';
import { loadConfig } from '../../src/config.ts';
import type { RobotEvent } from '../../src/ports/robot.ts';

const MAP = resolve(import.meta.dirname, '../../maps/gangnam-demo');
const T_map_base = { position: [1, 2, 3], orientation: [0, 0, 0, 1] } as const;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dilly-'));
});
afterAll(() => rm(folder, { recursive: true }));

it('keeps a pose for the map it belongs to; anything else is no pose', async () => {
  const file = join(folder, 'deep/state.json');
  const store = new KeptState(file);
  expect(await store.read('a')).toBeUndefined();
  await store.save({ stamp: 7n, mapId: 'a', mapVersion: 2, T_map_base });
  expect(await store.read('a')).toEqual(T_map_base);
  expect(await store.read('b')).toBeUndefined();
  const text = await readFile(file, 'utf8');
  for (const damaged of [text.slice(0, -3), '', 'null', text.replace('"position":[1', '"position":[null')]) {
    await writeFile(file, damaged);
    expect(await store.read('a')).toBeUndefined();
  }
});

it('opens the robot on the demo map: walls, signals, places, and a recording of what it is told', async () => {
  const session = { ...(await openSession({ set: [] })), config: await loadConfig(undefined, settings()) };
  const events: RobotEvent[] = [];
  const watcher = { status: () => {}, scan: () => {}, event: (event: RobotEvent) => void events.push(event) };
  const robot = await openRos2Robot(openCore(session), session, watcher, new AbortController().signal);
  try {
    const { walls, signals, toLonLat } = robot.pictures;
    expect(walls().length).toBeGreaterThan(0);
    expect(signals().length).toBeGreaterThan(0);
    for (const { position } of signals()) expect(Math.hypot(...position)).toBeLessThan(200);
    const [lon, lat] = toLonLat(0, 0)!;
    expect([lon, lat].map((value) => value.toFixed(2))).toEqual(['127.03', '37.50']);
    // A way needs a place; the robot has none yet.
    expect(await robot.command({ kind: 'go-to', poi: 'lobby' })).toMatchObject({
      ok: false,
      reason: 'place-unknown',
    });
    expect(await robot.command({ kind: 'save-state' })).toMatchObject({ ok: false, reason: 'place-unknown' });
    await expect(robot.recording.stop()).rejects.toThrow(/found none/);
    const bag = await robot.recording.start();
    expect(bag).toContain(folder);
    robot.clockJumped(3600);
    expect(await robot.recording.stop()).toBe(bag);
  } finally {
    await robot.close();
  }
});

it('gives up what nobody waits for, and what has no map', async () => {
  const session = { ...(await openSession({ set: [] })), config: await loadConfig(undefined, settings()) };
  const watcher = { status: () => {}, scan: () => {}, event: () => {} };
  const aborted = AbortSignal.abort();
  await expect(openRos2Robot(openCore(session), session, watcher, aborted)).rejects.toThrow(/nobody waits/);
  const nowhere = { ...session, config: await loadConfig(undefined, ['ros2.map=/nowhere']) };
  await expect(
    openRos2Robot(openCore(nowhere), nowhere, watcher, new AbortController().signal),
  ).rejects.toThrow(/no such folder/);
});

function settings(): string[] {
  return [
    `ros2.map=${MAP}`,
    `ros2.stateFile=${join(folder, 'state.json')}`,
    `ros2.records=${join(folder, 'drives')}`,
    `ros2.profile=${resolve(MAP, '../profiles/wheeled-robot.yaml')}`,
  ];
}
