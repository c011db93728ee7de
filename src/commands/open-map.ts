import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as breathe, setTimeout as pause } from 'node:timers/promises';
import { FolderMap } from '../adapters/tiles/folder-map.ts';
import { HttpClient } from '../adapters/tiles/http-client.ts';
import { FolderManifestStore } from '../adapters/tiles/manifest-store.ts';
import { ServiceMap, type ServiceStatus } from '../adapters/tiles/service-map.ts';
import { TileStore } from '../adapters/tiles/tile-store.ts';
import type { Config } from '../config.ts';
import { ManifestKeeper, type Problem } from '../map/manifest-keeper.ts';
import { checkManifest, checkSignature } from '../map/manifest-rules.ts';
import { indexOf, type MapIndex } from '../map/map-index.ts';
import type { PlanLimits } from '../map/tile-plan.ts';
import type { MapSource } from '../ports.ts';
import { Refusal } from '../types.ts';
import { isAutowareFolder, openAutoware } from './open-autoware.ts';

const MB = 1e6;

/** Tiles are read, checked and built so many at once: as many as libuv has threads, and the memory of their bytes. */
export const LOADED_AT_ONCE = 4;

/** Twice as long as a tile of 30,000 points takes to be built (`npm run bench -- tiles`), ms. */
const REST_MS = 25;

/** Between two tiles that are loaded while a robot drives: its scans come first. */
export const restOfTiles = () => pause(REST_MS);

/** A map that is ready to be driven on. */
export interface OpenMap {
  readonly index: MapIndex;
  readonly source: MapSource;
  /** what is not as it should be, though there is a map */
  readonly problems: readonly Problem[];
  /** of a map service: a newer version than `index`, if there is one by now */
  readonly update?: (nowMs: number) => Promise<{ index?: MapIndex; problems: Problem[] }>;
  /** `index` (or an update) is in use from now on */
  readonly adopted?: (index: MapIndex) => Promise<void>;
  /** of a map service: whether it answers, or the store alone is left, and why */
  readonly status?: () => ServiceStatus;
  close(): Promise<void>;
}

/**
 * Opens `https://host/v1/maps/ID`, the folder of a map package, or a folder divided the Autoware way. Rejects with a
 * Refusal that says why there is no map to be trusted. `nowMs`: Unix time. Of a map service, `stored` begins on what was
 * in use last, whose tiles are likely there (a drive); `newest` asks the service first (a replay).
 */
export async function openMap(
  place: string,
  map: Config['map'],
  nowMs: number,
  begin: 'stored' | 'newest',
): Promise<OpenMap> {
  if (/^https?:\/\//.test(place)) return openServiceMap(new URL(place), map, nowMs, begin);
  const { folder, budget } = map.store;
  const source = new FolderMap(place, folder ? await TileStore.open(folder, budget * MB) : undefined);
  const close = async () => {};
  if (await isAutowareFolder(place)) return { ...(await openAutoware(place, map, source)), source, close };
  const manifest = await source.read('manifest.json');
  const envelope = await source.read('manifest.json.dsse').catch(() => undefined);
  // Whoever names a folder has chosen its map; a signature is asked for as soon as there are keys to check it with.
  const allowUnsigned = map.allowUnsigned || map.trustedKeys.length === 0;
  const signed = checkSignature(manifest, envelope, { keys: map.trustedKeys, allowUnsigned });
  const index = await indexOf(manifest, signed === 'signed', breathe);
  const facts = { mapId: index.mapId, version: index.version, expires: index.expires! };
  checkManifest(facts, undefined, { version: 0, timeMs: 0 }, nowMs);
  return { index, source, problems: [], close };
}

/** What the planner keeps to, out of the configuration. */
export function planLimits(map: Config['map']): PlanLimits {
  return {
    holdRadius: map.loadRadius,
    keepFactor: map.keepFactor,
    lookAhead: map.lookAhead,
    memoryBytes: map.memoryBudget * MB,
    fetchRadius: map.fetchRadius,
  };
}

async function openServiceMap(
  url: URL,
  map: Config['map'],
  nowMs: number,
  begin: 'stored' | 'newest',
): Promise<OpenMap> {
  const mapId = url.pathname.split('/').findLast((part) => part !== '') ?? '';
  if (!/^[A-Za-z0-9._-]+$/.test(mapId) || /^\.+$/.test(mapId))
    throw new Refusal(
      'bad-argument',
      `--map: expected an address that ends in the id of a map, found ${url}`,
    );
  const folder = map.store.folder || join(homedir(), '.cache', 'dilly-nav');
  const client = new HttpClient(map.service, await tokenFor(url, map.service.tokenFile));
  const source = new ServiceMap({
    base: url.href.replace(/\/+$/, ''),
    client,
    store: await TileStore.open(folder, map.store.budget * MB),
    manifestLimit: map.service.manifestLimit * MB,
    parallel: map.service.parallel,
    retryMs: 1000 * map.service.breakFor,
  });
  const keeper = new ManifestKeeper({
    mapId,
    trust: { keys: map.trustedKeys, allowUnsigned: map.allowUnsigned },
    service: source,
    store: await FolderManifestStore.open(folder, mapId),
    breathe,
  });
  const ways = {
    stored: () => keeper.stored(nowMs),
    newest: () => keeper.check(nowMs),
  };
  const first = await ways[begin]();
  const second = first.index ? undefined : await ways[begin === 'stored' ? 'newest' : 'stored']();
  const index = first.index ?? second?.index;
  const problems = [...first.problems, ...(second?.problems ?? [])];
  if (!index) {
    await source.close();
    const why = [...new Set(problems.map(({ detail }) => detail))].join('; ');
    throw new Refusal(
      'no-map',
      `map ${mapId}: expected one to trust, found none: ${why || 'nothing is stored'}`,
    );
  }
  return {
    index,
    source,
    problems,
    update: (atMs) => keeper.check(atMs),
    adopted: (taken) => keeper.adopted(taken),
    status: () => source.status(),
    close: () => source.close(),
  };
}

/** Never over a line that others read, except on this machine. */
async function tokenFor(url: URL, tokenFile: string): Promise<string | undefined> {
  if (!tokenFile) return undefined;
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (url.protocol !== 'https:' && !isLocal)
    throw new Refusal(
      'bad-argument',
      `--map: expected https for a service with a token, found ${url.protocol}`,
    );
  try {
    return (await readFile(tokenFile, 'utf8')).trim();
  } catch (error) {
    throw new Refusal('bad-config', `map.service.tokenFile: ${(error as Error).message}`);
  }
}
