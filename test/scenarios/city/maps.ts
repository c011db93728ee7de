import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { plainWall } from '../../../src/adapters/sim/city/world.ts';
import { annotate } from '../../../src/commands/map-annotate.ts';
import { buildMap } from '../../../src/commands/map-build.ts';
import { readProfiles } from '../../../src/commands/map-serve.ts';
import { DEMO_MAP, openSim, PROFILES } from '../../../src/commands/sim.ts';
import { survey } from '../../../src/commands/sim-map.ts';
import type { SimParts } from '../../../src/commands/sim-run.ts';
import { FolderStore } from '../../../src/map-service/http/folder-store.ts';
import { mapService } from '../../../src/map-service/http/server.ts';
import { loadCore } from '../../../src/native.ts';
import { SMALL } from './world.ts';

/** A map to drive on, and how it can be harmed. */
export interface TestMap {
  readonly parts: Omit<SimParts, 'seed' | 'maxSeconds'>;
  /** its service answers nobody any more */
  endService?(): Promise<void>;
  close(): Promise<void>;
}

const OPTIONS = { set: ['map.allowUnsigned=true'], lidar: 'spin-16', rain: '0', seconds: '300' };

/** The demo's map from its folder. */
export async function cityMap(): Promise<TestMap> {
  return openSim({ ...OPTIONS, map: DEMO_MAP });
}

/** The demo's map by a map service on the network, kept in a store of its own. */
export async function servedMap(): Promise<TestMap> {
  const folder = await mkdtemp(join(tmpdir(), 'dilly-scenario-'));
  const service = await mapService({
    store: new FolderStore(join(DEMO_MAP, '..'), ['gangnam-demo']),
    profiles: await readProfiles(PROFILES),
    maxDriveBytes: 1e9,
    cacheBytes: 64e6,
    refreshMs: 2000,
    radiusM: 60,
    routeLifeMs: 900_000,
    bodyLimit: 1e6,
    requestTimeoutMs: 30_000,
    onFailure: () => {},
  });
  const address = await service.listen({ host: '127.0.0.1', port: 0 });
  const { parts, close } = await openSim({
    ...OPTIONS,
    set: [...OPTIONS.set, `map.store.folder=${folder}`],
    map: `${address}/v1/maps/gangnam-demo`,
    graph: DEMO_MAP,
  });
  let isOpen = true;
  const endService = async () => {
    if (isOpen) await service.close();
    isOpen = false;
  };
  return {
    parts,
    endService,
    close: async () => {
      await close();
      await endService();
      await rm(folder, { recursive: true });
    },
  };
}

/** The demo's map with one byte of one tile turned over. */
export async function damagedMap(tile: string): Promise<TestMap> {
  const folder = await mkdtemp(join(tmpdir(), 'dilly-scenario-'));
  await cp(DEMO_MAP, folder, { recursive: true });
  const manifest = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8'));
  const { sha256 } = manifest.tiles[tile];
  const path = join(folder, 'tiles', 'sha256', `${sha256}.pcd`);
  const bytes = await readFile(path);
  bytes[bytes.length >> 1]! ^= 0x40;
  await writeFile(path, bytes);
  const { parts, close } = await openSim({ ...OPTIONS, map: folder });
  return {
    parts,
    close: async () => {
      await close();
      await rm(folder, { recursive: true });
    },
  };
}

/** A map of a plain wall, surveyed as the city is. */
export async function wallMap(): Promise<TestMap> {
  const folder = await mkdtemp(join(tmpdir(), 'dilly-scenario-'));
  const [bag, out] = [join(folder, 'survey.mcap'), join(folder, 'map')];
  const places = Array.from({ length: 16 }, (_, i) => [-50 + 7 * i, -9.5] as const);
  const solids = plainWall();
  await survey(bag, { core: loadCore({ core: 'auto' } as never), seed: 0, lidar: SMALL, solids }, places);
  const set = ['map.build.voxelSize=0.28', 'map.build.maxRange=45', 'map.build.normalNeighbours=12'];
  await buildMap({ set, silent: true, scans: bag, poses: '/ground_truth/pose', out });
  const graph = [join(DEMO_MAP, 'graph.geojson')];
  await annotate(out, { set, silent: true, replace: true, graph });
  const { parts, close } = await openSim({ ...OPTIONS, map: out });
  return {
    parts: { ...parts, city: { ...parts.city, solids } },
    close: async () => {
      await close();
      await rm(folder, { recursive: true });
    },
  };
}
