import { readFile, rm } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { Core } from '../core.ts';
import { buildKey } from '../map-service/build-state.ts';
import { retile } from '../map-service/retile.ts';
import { openMap } from '../map-service/source-tiles.ts';
import { TileBuilder } from '../map-service/tile-builder.ts';
import type { Similarity } from '../map-service/umeyama.ts';
import type { Geodetic } from '../math/geodesy.ts';
import { Refusal } from '../types.ts';
import { MARGIN_M, WORK_FOLDER, WORK_VERSION, type Written, writeMap } from './map-write.ts';
import { progressBar } from './progress.ts';
import type { Session } from './shared.ts';

export interface Retiling {
  readonly from: string;
  readonly out: string;
  /** metres; default that of the map, or of the configuration */
  readonly tileSize?: number;
  readonly T_new_old: Similarity;
  readonly origin?: Geodetic;
  /** graph.geojson of the new map, from that of the old */
  readonly graph?: (bytes: Uint8Array) => Uint8Array;
}

export const UNMOVED: Similarity = { position: [0, 0, 0], orientation: [0, 0, 0, 1], scale: 1 };

/** A map package from another map (package or Autoware folder): other tiles, another place. Resumes where it was killed. */
export async function retileMap(core: Core, { config }: Session, job: Retiling): Promise<Written> {
  const { from, out, T_new_old } = job;
  if (resolve(from) === resolve(out))
    throw new Refusal('bad-argument', `--out: expected another folder than ${from}, found the same`);
  const map = await openMap(core, from);
  const { manifest } = map;
  const hasColours = Object.values(manifest?.tiles ?? {}).some(({ fields }) => fields.includes('rgb'));
  const build = {
    ...config.map.build,
    removeMoving: false,
    // Colours of pictures are kept; those by height may be made anew.
    colour: hasColours
      ? ('camera' as const)
      : config.map.build.colour === 'height'
        ? ('height' as const)
        : ('none' as const),
    tileSize: job.tileSize ?? manifest?.tileSize ?? config.map.build.tileSize,
  };
  const origin = job.origin ?? manifest?.frame.origin ?? { lat: 0, lon: 0, ellipsoidalHeight: 0 };
  const work = join(out, WORK_FOLDER);
  const key = buildKey([WORK_VERSION, core.kind, from, manifest, T_new_old, origin, build]);
  const builder = await TileBuilder.open(core, { ...build, margin: MARGIN_M }, work, key);
  if (!builder.state.origin) {
    const bar = progressBar('reading tiles  ', map.files);
    await retile(map, builder, T_new_old, (files) => bar.update(files, `${builder.tileCount} tiles`));
    bar.stop();
    if (builder.tileCount === 0) throw new Refusal('empty-map', `expected points in ${from}, found none`);
    await builder.seal(origin);
  }
  const mapId = build.mapId || manifest?.mapId || basename(resolve(out)).replace(/[^A-Za-z0-9._-]/g, '-');
  const old = manifest ? await readFile(join(from, 'graph.geojson')) : undefined;
  const graph = old && (job.graph ? job.graph(old) : old);
  const written = await writeMap(out, { ...build, mapId, origin, ...(graph && { graph }) }, builder, work);
  await rm(work, { recursive: true });
  return written;
}
