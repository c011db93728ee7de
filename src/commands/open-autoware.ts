import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { parse } from 'yaml';
import type { FolderMap } from '../adapters/tiles/folder-map.ts';
import type { Config } from '../config.ts';
import { autowareIndex } from '../map/autoware-index.ts';
import type { MapIndex } from '../map/map-index.ts';
import { Refusal } from '../types.ts';

const METADATA = 'pointcloud_map_metadata.yaml';
/** Beside the metadata Autoware has this folder; where it is missing, the files lie beside the metadata. */
const PCD_FOLDER = 'pointcloud_map.pcd';

export async function isAutowareFolder(folder: string): Promise<boolean> {
  return exists(join(folder, METADATA));
}

/** A map divided the Autoware way, as unsigned as it is. Rejects with `unsigned`, `bad-metadata` or `no-origin`. */
export async function openAutoware(
  folder: string,
  map: Config['map'],
  source: FolderMap,
): Promise<{ index: MapIndex; problems: [] }> {
  if (!map.allowUnsigned)
    throw new Refusal(
      'unsigned',
      `map ${folder}: expected a signed map package, found one divided the Autoware way, which nobody signs; to use it nevertheless: --set map.allowUnsigned=true`,
    );
  const metadata = parse(Buffer.from(await source.read(METADATA)).toString('utf8'));
  const prefix = (await exists(join(folder, PCD_FOLDER))) ? `${PCD_FOLDER}/` : '';
  const sizes = new Map<string, number>();
  for (const name of await readdir(join(folder, prefix)))
    if (name.endsWith('.pcd')) sizes.set(name, (await stat(join(folder, prefix, name))).size);
  const mapId = basename(resolve(folder));
  return { index: autowareIndex(mapId, metadata, await originOf(folder, map), prefix, sizes), problems: [] };
}

/** From the configuration, or from Autoware's map_projector_info.yaml where its frame is a local one. */
async function originOf(folder: string, { origin }: Config['map']): Promise<MapIndex['origin']> {
  if (origin) return origin;
  const text = await readFile(join(folder, 'map_projector_info.yaml'), 'utf8').catch(() => '');
  const info = parse(text) as { projector_type?: string; map_origin?: Record<string, number> } | null;
  const { latitude: lat, longitude: lon, altitude = 0 } = info?.map_origin ?? {};
  if (info?.projector_type === 'LocalCartesian' && Number.isFinite(lat) && Number.isFinite(lon))
    return { lat: lat!, lon: lon!, ellipsoidalHeight: altitude };
  throw new Refusal(
    'no-origin',
    `map ${folder}: expected the place of its origin, found no map_projector_info.yaml of type LocalCartesian; set map.origin`,
  );
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
