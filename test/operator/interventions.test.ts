import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import {
  INTERVENTIONS_FILE,
  InterventionStore,
  interventionsGeoJson,
  readInterventions,
} from '../../src/adapters/operator/interventions.ts';
import { event, startRig, status, TestClient, token, until } from './fake-robot.ts';

it('keeps what an operator did, with place and events, also beside a torn line', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dilly-interventions-'));
  await appendFile(join(folder, INTERVENTIONS_FILE), '{"id":"torn');
  const rig = await startRig(
    {},
    { interventions: await InterventionStore.open(folder), recording: () => 'drive.mcap' },
  );
  try {
    rig.gateway.status(status(10));
    rig.gateway.event(event('crossing', 'waits'));
    const client = await TestClient.join(rig, await token('operator', 'kim'));
    client.say({ type: 'control', action: 'take' });
    client.command('m', { kind: 'mark-intervention', note: 'kerb is missing' });
    await client.until(() => client.of('event').some(({ kind }) => kind === 'intervention'));
    const { records, damaged } = await readInterventions(folder);
    expect(damaged).toHaveLength(1);
    const [record] = records;
    expect(record).toMatchObject({
      operator: 'kim',
      note: 'kerb is missing',
      map: { mapId: 'street', version: 3 },
    });
    expect(record!.recording).toEqual({ path: 'drive.mcap', stamp: record!.stamp });
    expect(record!.covariance).toHaveLength(36);
    expect(record!.events.map(({ kind }) => kind)).toEqual(['crossing', 'control-taken']);
    const { features } = interventionsGeoJson(records) as {
      features: { geometry: { coordinates: number[] } }[];
    };
    // 10 m east of the origin at this latitude: 10 / (111,320 · cos 37.5°) degrees.
    expect(features[0]!.geometry.coordinates[0]).toBeCloseTo(
      127.02762 + 10 / (111_320 * Math.cos(0.6545)),
      6,
    );
    await until(() => rig.failures.length === 0);
  } finally {
    await rig.close();
    await rm(folder, { recursive: true });
  }
});
