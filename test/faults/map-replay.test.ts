import { mkdtempSync, rmSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SimulatedDrive } from '../../src/adapters/sim/source.ts';
import { writeBag } from '../../src/commands/bag.ts';
import { buildMap } from '../../src/commands/map-build.ts';
import { replay } from '../../src/commands/replay.ts';
import { loadCore } from '../../src/native.ts';
import { MapServer } from '../tiles/server.ts';

const folder = mkdtempSync(join(tmpdir(), 'dilly-replay-map-'));
const at = (name: string) => join(folder, name);
let server: MapServer;
beforeAll(async () => {
  await writeBag(new SimulatedDrive({ seed: 1, noiseSeed: 2, seconds: 3 }), at('drive.mcap'));
  const set = ['map.build.mapId=yard'];
  await buildMap({ set, scans: at('drive.mcap'), poses: '/ground_truth/pose', out: at('map'), json: true });
  const files = new Map<string, Uint8Array>();
  for (const path of await readdir(at('map'), { recursive: true }))
    if (/\.(json|pcd)$/.test(path)) files.set(path, await readFile(join(at('map'), path)));
  server = await MapServer.start(files);
  server.date = new Date().toUTCString();
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

// The portable core is a hundred times slower.
it.skipIf(loadCore('auto').kind === 'portable')(
  'a replay is the same byte by byte on a folder, on the service, and on its store alone',
  async () => {
    const run = async (map: string, out: string) => {
      const set = [
        `map.store.folder=${at('store')}`,
        'map.service.attempts=1',
        ...(map.startsWith('http') ? ['map.allowUnsigned=true'] : []),
      ];
      const common = { set, reference: '/ground_truth/pose', threads: '2', out: at(out) };
      const { summary } = await replay(at('drive.mcap'), { ...common, map });
      return summary;
    };
    const onFolder = await run(at('map'), 'a');
    expect(onFolder.tracked).toBeGreaterThan(0.9 * onFolder.frames);
    const onService = await run(server.url, 'b');
    expect(onService.trajectorySha256).toBe(onFolder.trajectorySha256);
    expect(onService.refused).toEqual(onFolder.refused);
    await server.stop();
    const onStore = await run(server.url, 'c');
    expect(onStore.trajectorySha256).toBe(onFolder.trajectorySha256);
    expect(onStore.refused).toEqual({ ...onFolder.refused, 'service-unreachable': 1 });
  },
);
