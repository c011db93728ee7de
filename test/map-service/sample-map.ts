import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MapPackageWriter } from '../../src/map-service/map-package.ts';
import { TileBuilder } from '../../src/map-service/tile-builder.ts';
import { loadCore } from '../../src/native.ts';
import { OPTIONS, sceneScans } from './scene.ts';

export const SAMPLE_ORIGIN = { lat: 37.49794, lon: 127.02762, ellipsoidalHeight: 45.2 };

/** Writes a small map package of rough ground. */
export async function sampleMap(folder: string, scans = 3, graph?: string): Promise<void> {
  const core = loadCore();
  const work = join(folder, '.build');
  const builder = await TileBuilder.open(core, { ...OPTIONS, removeMoving: false }, work, 'key');
  for (const { cloud, T_base_sensor, T_map_base, path } of sceneScans(core, scans)) {
    await builder.add(cloud, T_base_sensor, T_map_base, path);
    await builder.scanDone();
  }
  await builder.seal(SAMPLE_ORIGIN);
  await builder.thin(() => {});
  const bytes = graph === undefined ? undefined : new TextEncoder().encode(graph);
  const writer = new MapPackageWriter(folder, {
    mapId: 'sample',
    expires: '2036-01-01T00:00:00Z',
    origin: SAMPLE_ORIGIN,
    ...OPTIONS,
    ...(bytes && { graph: bytes }),
  });
  for await (const tile of builder.finish(() => false)) await writer.add(tile);
  await writer.finish();
  await rm(work, { recursive: true });
}
