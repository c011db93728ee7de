import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { InterventionStore } from '../../src/adapters/operator/interventions.ts';
import { addInterventions } from '../../src/commands/interventions.ts';
import { event, type Rig, startRig, status, TestClient, token } from './fake-robot.ts';

interface Feature {
  readonly geometry: { readonly type: string; readonly coordinates: number[] } | null;
  // biome-ignore lint/suspicious/noExplicitAny: properties are looked at field by field
  readonly properties: Record<string, any>;
}

let folder: string;
let rig: Rig;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dilly-export-'));
});
afterEach(async () => {
  await rig?.close();
  await rm(folder, { recursive: true });
});

async function exported(): Promise<{ type: string; features: Feature[] }> {
  const out = join(folder, 'out.geojson');
  const program = new Command().exitOverride();
  addInterventions(program);
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    await program.parseAsync(['interventions', 'export', folder, '--out', out], { from: 'user' });
  } finally {
    write.mockRestore();
  }
  return JSON.parse(await readFile(out, 'utf8'));
}

it('brings what an operator did to the map team: place, covariance, the 30 s before, the recording', async () => {
  let later = 0;
  rig = await startRig(
    {},
    {
      interventions: await InterventionStore.open(folder),
      recording: () => 'drives/2026-01-05.mcap',
      clock: { nowMs: () => performance.now() + later },
    },
  );
  rig.gateway.event(event('long-ago'));
  later = 31_000;
  rig.gateway.event(event('wall', 'a wall where none is'));
  const client = await TestClient.join(rig, await token('operator', 'kim'));
  // Without a status nobody knows where the robot is: the record is kept all the same.
  client.say({ type: 'control', action: 'take' });
  client.command('a', { kind: 'stop' });
  await client.until(() => client.of('event').filter(({ kind }) => kind === 'intervention').length === 1);
  rig.gateway.status(status(10));
  client.command('b', { kind: 'relocalise', x: 3, y: 4, yaw: 1, radius: 3 });
  client.command('c', { kind: 'mark-intervention', note: '연석 "낮음", lower kerb' });
  await client.until(() => client.of('event').filter(({ kind }) => kind === 'intervention').length === 3);
  const { type, features } = await exported();
  expect(type).toBe('FeatureCollection');
  expect(features.map(({ properties }) => properties.kind)).toEqual([
    'stop',
    'relocalise',
    'mark-intervention',
  ]);
  expect(features[0]!.geometry).toBeNull();
  expect(features[1]!.properties.command).toEqual({ kind: 'relocalise', x: 3, y: 4, yaw: 1, radius: 3 });
  const { geometry, properties } = features[2]!;
  // RFC 7946 §3.1.1: longitude before latitude; 10 m east of the map's origin, and at its height.
  expect(geometry!.coordinates[0]).toBeCloseTo(127.02762 + 10 / (111_320 * Math.cos(0.65446)), 6);
  expect(geometry!.coordinates.slice(1).map((value) => Number(value.toFixed(4)))).toEqual([37.4979, 45.2]);
  expect(properties).toMatchObject({
    operator: 'kim',
    robot: 'robot',
    note: '연석 "낮음", lower kerb',
    state: 'TRACKING',
    map: { mapId: 'street', version: 3 },
    pose: { position: [10, 0, 0] },
    recording: { path: 'drives/2026-01-05.mcap', stamp: String(1_767_571_210_000_000_000n) },
  });
  expect(properties.covariance).toHaveLength(36);
  expect(properties.covariance[7]).toBe(0.04);
  const before = properties.events.map(({ kind }: { kind: string }) => kind);
  expect(before).toContain('wall');
  expect(before).not.toContain('long-ago');
});

it('is told where there is no store', async () => {
  await expect(exported()).rejects.toMatchObject({ reason: 'no-interventions' });
});
