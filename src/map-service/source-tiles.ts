import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import type { CloudArrays, Core } from '../core.ts';
import { loadTile } from '../map/load-tile.ts';
import { type Manifest, parseManifest, tilePath } from '../map/manifest.ts';
import { tileOrigin } from '../map/tile-grid.ts';
import { readRgb } from '../pointcloud/pcd.ts';
import { Refusal, type Vec3 } from '../types.ts';

/** Points of one file of a map, relative to `corner` (float64, map frame, metres). */
export interface SourceTile {
  readonly name: string;
  readonly corner: Vec3;
  readonly arrays: CloudArrays;
  /** colours as `encodePcd` takes them */
  readonly rgb?: Float32Array;
}

export interface SourceMap {
  readonly name: string;
  /** of a map package */
  readonly manifest: Manifest | undefined;
  readonly files: number;
  /** The tiles in a fixed order, those before `from` not read; each is checked before it is given. */
  tiles(from: number): AsyncGenerator<SourceTile>;
}

/** `pointcloud_map_metadata.yaml` of Autoware: file name → lower left corner, m. */
const AUTOWARE_METADATA = 'pointcloud_map_metadata.yaml';
const autowareSchema = z
  .object({ x_resolution: z.number().positive(), y_resolution: z.number().positive() })
  .catchall(z.tuple([z.number(), z.number()]));

/** Opens a map package, or a folder divided the Autoware way. Rejects with a Refusal `not-a-map`, `bad-manifest` … */
export async function openMap(core: Core, dir: string): Promise<SourceMap> {
  const has = (name: string) =>
    stat(join(dir, name)).then(
      () => true,
      () => false,
    );
  if (await has('manifest.json')) return openPackage(core, dir);
  if (await has(AUTOWARE_METADATA)) return openAutoware(core, dir);
  throw new Refusal('not-a-map', `expected manifest.json or ${AUTOWARE_METADATA} in ${dir}, found neither`);
}

async function openPackage(core: Core, dir: string): Promise<SourceMap> {
  const manifest = parseManifest(await readFile(join(dir, 'manifest.json')));
  const entries = Object.entries(manifest.tiles);
  return {
    name: `${manifest.mapId} version ${manifest.version}`,
    manifest,
    files: entries.length,
    async *tiles(from) {
      for (const [id, entry] of entries.slice(from)) {
        const bytes = await readMapFile(join(dir, tilePath(entry)));
        await loadTile(core, id, entry, manifest.tileSize, bytes);
        const { cloud } = await core.decodePcd(bytes);
        const rgb = entry.fields.includes('rgb') ? readRgb(bytes) : undefined;
        yield {
          name: id,
          corner: tileOrigin(id, manifest.tileSize),
          arrays: cloud.arrays(),
          ...(rgb && { rgb }),
        };
      }
    },
  };
}

/** The points of such files are in the map frame, not relative to their corner. */
async function openAutoware(core: Core, dir: string): Promise<SourceMap> {
  const parsed = autowareSchema.safeParse(parse(await readFile(join(dir, AUTOWARE_METADATA), 'utf8')));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new Refusal('bad-metadata', `${AUTOWARE_METADATA}: ${issue?.path.join('.')}: ${issue?.message}`);
  }
  const { x_resolution, y_resolution, ...corners } = parsed.data;
  const entries = Object.entries(corners as Record<string, [number, number]>).sort(([a], [b]) =>
    a < b ? -1 : 1,
  );
  return {
    name: `${dir} (Autoware, ${x_resolution} m × ${y_resolution} m)`,
    manifest: undefined,
    files: entries.length,
    async *tiles(from) {
      for (const [file, [x, y]] of entries.slice(from)) {
        const { cloud } = await core.decodePcd(await readMapFile(join(dir, file)));
        const limits = {
          origin: [0, 0, 0] as Vec3,
          box: [x, y, -1e6, x + x_resolution, y + y_resolution, 1e6] as const,
          boxTolerance: 0.01,
          normalTolerance: 0.01,
        };
        const fault = await core.firstFault(cloud, limits);
        if (fault)
          throw new Refusal(
            'tile-outside-box',
            `${file}: expected unit normals and points within [${x}, ${x + x_resolution}] × [${y}, ${y + y_resolution}], found ${JSON.stringify(fault)}`,
          );
        yield { name: file, corner: [0, 0, 0], arrays: cloud.arrays() };
      }
    },
  };
}

async function readMapFile(path: string): Promise<Uint8Array> {
  return readFile(path).catch((error) => {
    throw new Refusal(
      'map-file-missing',
      `expected ${path}, found nothing (${error.code}); copy the map again`,
    );
  });
}
