import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { HeightRaster, tilePicture } from '../evaluation/plots/height-raster.ts';
import { type Manifest, parseManifest } from '../map/manifest.ts';
import { parseTileId } from '../map/tile-grid.ts';
import { diffMaps, type MapDifference, Thickness } from '../map-service/describe-map.ts';
import { projectionOf } from '../map-service/projection.ts';
import { openMap } from '../map-service/source-tiles.ts';
import { writeWhole } from '../map-service/whole-file.ts';
import { enuFrame } from '../math/geodesy.ts';
import { Refusal } from '../types.ts';
import { describeProposal, isProposal, showProposal } from './map-diff-page.ts';
import { progressBar } from './progress.ts';
import { answer, type CommonOptions, openCore, openSession, withCommonOptions } from './shared.ts';

interface InfoOptions extends CommonOptions {
  readonly epsg?: string;
  readonly picture?: string;
}
interface DiffOptions extends CommonOptions {
  readonly picture?: string;
  readonly page?: string;
}

/** Of the picture of a map. */
const PICTURE_PIXELS = 1400;

export function addMapInfo(map: Command): void {
  withCommonOptions(map.command('info'))
    .description('what a map is: place, size, points, thickness of its walls, features of its graph')
    .argument('<dir>', 'folder of the map')
    .option('--epsg <code>', 'give the corners in this system', '4326')
    .option('--picture <file>', 'also draw it from above, coloured by height, as PNG')
    .action(async (dir: string, options: InfoOptions) => {
      const result = await mapInfo(dir, options);
      answer(options, result, JSON.stringify(result, null, 2));
    });
  withCommonOptions(map.command('diff'))
    .description('what became of a map: tiles, points and features added, removed and changed')
    .argument('<a>', 'folder of the older map')
    .argument('<b>', 'folder of the newer one, or of a proposal (drive gold)')
    .option('--page <file>', 'of a proposal: a page (HTML) with before, after and evidence of each object')
    .option(
      '--picture <file>',
      'also draw it, as PNG: green added, red removed, amber changed, grey the same',
    )
    .action(async (a: string, b: string, options: DiffOptions) => {
      if (await isProposal(b)) {
        const shown = await showProposal(a, b, options, options.page);
        return answer(options, shown, describeProposal(shown));
      }
      if (options.page !== undefined)
        throw new Refusal('bad-argument', `--page: expected a proposal of drive gold, found ${b}`);
      const found = await mapDiff(a, b, options);
      answer(options, found, describeDiff(found));
    });
}

/** `map info`. Rejects with a Refusal as `openMap` does, or where a tile is not as the manifest says. */
export async function mapInfo(dir: string, options: InfoOptions) {
  const core = openCore(await openSession(options));
  const projection = projectionOf(Number(options.epsg ?? 4326));
  const map = await openMap(core, dir);
  const manifest = map.manifest;
  if (!manifest)
    throw new Refusal(
      'not-a-map',
      `expected a map package in ${dir}, found an Autoware folder; make one: map tile`,
    );
  const tiles = Object.values(manifest.tiles);
  const points = tiles.reduce((sum, tile) => sum + tile.points, 0);
  const bbox = tiles.reduce(
    (box, tile) => box.map((v, k) => (k < 3 ? Math.min : Math.max)(v, tile.bbox[k]!)),
    [Infinity, Infinity, Infinity, -Infinity, -Infinity, -Infinity],
  );
  const [west, south, low, east, north, high] = bbox as [number, number, number, number, number, number];
  const thickness = new Thickness(core, points);
  const raster = new HeightRaster({ west, east, south, north }, PICTURE_PIXELS);
  const bar = progressBar('reading tiles', map.files);
  let read = 0;
  for await (const { name, corner, arrays } of map.tiles(0)) {
    await thickness.add(arrays);
    if (options.picture) raster.add(arrays.positions, [corner[0], corner[1], corner[2]]);
    bar.update(++read, name);
  }
  bar.stop();
  if (options.picture) await writeWhole(options.picture, raster.png());
  const frame = enuFrame(manifest.frame.origin);
  const place = (x: number, y: number, z: number) => projection.fromGeodetic(frame.toGeodetic([x, y, z]));
  const { mapId, version, expires, tileSize } = manifest;
  return {
    mapId,
    version,
    expires,
    tileSize,
    origin: manifest.frame.origin,
    tiles: tiles.length,
    points,
    bytes: tiles.reduce((sum, tile) => sum + tile.bytes, 0),
    bbox,
    /** south-west and north-east, x y height of the system */
    corners: {
      epsg: projection.epsg,
      southWest: place(west, south, low),
      northEast: place(east, north, high),
    },
    /** metres */
    thickness: thickness.median(),
    features: featureCounts(await readGraph(dir)),
  };
}

/** `map diff`. */
export async function mapDiff(a: string, b: string, options: DiffOptions): Promise<MapDifference> {
  const [before, after] = [await readManifest(a), await readManifest(b)];
  const found = diffMaps(before, after, await readGraph(a), await readGraph(b));
  if (options.picture) {
    const changed = new Set(found.changed);
    const squares = (ids: readonly string[], rgb: readonly [number, number, number]) =>
      ids.map((id) => ({ ...parseTileId(id), rgb }));
    const kept = Object.keys(before.tiles).filter((id) => Object.hasOwn(after.tiles, id));
    const all = [
      ...squares(
        kept.filter((id) => !changed.has(id)),
        [200, 205, 210],
      ),
      ...squares(found.added, [0, 158, 115]),
      ...squares(found.removed, [213, 94, 0]),
      ...squares(found.changed, [230, 159, 0]),
    ];
    await writeWhole(options.picture, tilePicture(all));
  }
  return found;
}

async function readManifest(dir: string): Promise<Manifest> {
  const bytes = await readFile(join(dir, 'manifest.json')).catch(() => {
    throw new Refusal('not-a-map', `expected manifest.json in ${dir}, found none`);
  });
  return parseManifest(bytes);
}

async function readGraph(dir: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(join(dir, 'graph.geojson'), 'utf8'));
  } catch (error) {
    throw new Refusal(
      'bad-graph',
      `${dir}/graph.geojson: expected GeoJSON, found ${(error as Error).message}`,
    );
  }
}

function featureCounts(graph: unknown): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { properties } of (graph as { features?: { properties?: { kind?: string } }[] }).features ?? [])
    counts[properties?.kind ?? '?'] = (counts[properties?.kind ?? '?'] ?? 0) + 1;
  return counts;
}

function describeDiff({ added, removed, changed, same, points, features, notes }: MapDifference): string {
  const list = (what: string, ids: readonly string[]) =>
    `${what} ${ids.length}${ids.length > 0 ? `: ${ids.slice(0, 20).join(' ')}${ids.length > 20 ? ' …' : ''}` : ''}`;
  return [
    ...notes.map((note) => `note: ${note}`),
    list('tiles added', added),
    list('tiles removed', removed),
    list('tiles changed', changed),
    `tiles the same ${same}; points ${points >= 0 ? '+' : ''}${points}`,
    list('features added', features.added),
    list('features removed', features.removed),
    list('features changed', features.changed),
  ].join('\n');
}
