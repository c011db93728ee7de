import { join } from 'node:path';
import { MapPackageWriter, type PackageOptions } from '../map-service/map-package.ts';
import type { TileBuilder } from '../map-service/tile-builder.ts';
import { progressBar } from './progress.ts';

/** Of the map's folder; holds what a killed build goes on from, and is gone when it is done. */
export const WORK_FOLDER = '.build';
/** Of the work folder's format and of the method: another one begins anew. */
export const WORK_VERSION = 2;
/** Points of neighbouring tiles that help the normals at a tile's rim, metres. */
export const MARGIN_M = 1;

/** What `map build --json` says, and the name of the map. */
export interface Written {
  readonly mapId: string;
  readonly version: number;
  readonly tiles: number;
  readonly points: number;
  readonly bytes: number;
  readonly bbox: readonly number[];
  readonly manifestSha256: string;
}

/** Finishes the tiles of a sealed builder and writes them as a map package, with a progress bar. */
export async function writeMap(
  out: string,
  options: PackageOptions,
  builder: TileBuilder,
  work: string,
): Promise<Written> {
  const writer = new MapPackageWriter(out, options, join(work, 'tiles.ndjson'));
  await writer.resume();
  const bar = progressBar('writing tiles  ', 2 * builder.tileCount);
  let steps = 0;
  await builder.thin((id) => bar.update(++steps, id));
  for await (const tile of builder.finish((id) => writer.has(id))) {
    await writer.add(tile);
    bar.update(++steps, tile.id);
  }
  bar.stop();
  const { manifest, manifestSha256 } = await writer.finish();
  const tiles = Object.values(manifest.tiles);
  const sum = (key: 'points' | 'bytes') => tiles.reduce((total, tile) => total + tile[key], 0);
  const edge = (k: number, pick: (a: number, b: number) => number) =>
    tiles.reduce((all, { bbox }) => pick(all, bbox[k]!), pick === Math.min ? Infinity : -Infinity);
  const bbox = [0, 1, 2].map((k) => edge(k, Math.min)).concat([3, 4, 5].map((k) => edge(k, Math.max)));
  const { mapId, version } = manifest;
  return {
    mapId,
    version,
    tiles: tiles.length,
    points: sum('points'),
    bytes: sum('bytes'),
    bbox,
    manifestSha256,
  };
}

/** One line for people. */
export function describeWritten({ mapId, version, tiles, points, bytes }: Written, out: string): string {
  return `map ${mapId} version ${version}: ${tiles} tiles, ${points} points, ${(bytes / 1e6).toFixed(1)} MB in ${out}`;
}
