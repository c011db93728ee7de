import { createHash } from 'node:crypto';
import { appendFile, mkdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Manifest, manifestSchema, parseManifest, type TileEntry, tilePath } from '../map/manifest.ts';
import { tileOrigin } from '../map/tile-grid.ts';
import { encodePcd } from '../pointcloud/pcd.ts';
import type { BuiltTile } from './tile-builder.ts';
import { writeWhole } from './whole-file.ts';

const TILE_FIELDS = ['x', 'y', 'z', 'intensity', 'normal_x', 'normal_y', 'normal_z', 'curvature'];
const EMPTY_GRAPH = '{"type":"FeatureCollection","features":[]}\n';

export interface PackageOptions {
  readonly mapId: string;
  readonly expires: string;
  readonly origin: Manifest['frame']['origin'];
  readonly tileSize: number;
  readonly normalNeighbours: number;
  /** bytes of graph.geojson; default no features */
  readonly graph?: Uint8Array;
}

/** Writes a map package tile by tile; the manifest comes last, so that a half-written folder is never a map. */
export class MapPackageWriter {
  readonly #folder: string;
  readonly #options: PackageOptions;
  readonly #journal: string | undefined;
  #tiles: Record<string, TileEntry> = {};

  /** @param journal a file that remembers the tiles written, so that a killed writer can `resume` */
  constructor(folder: string, options: PackageOptions, journal?: string) {
    this.#folder = folder;
    this.#options = options;
    this.#journal = journal;
  }

  /** Takes the tiles of the journal whose files are there as written. */
  async resume(): Promise<void> {
    const text = this.#journal ? await readFile(this.#journal, 'utf8').catch(() => '') : '';
    for (const line of text.split('\n').slice(0, -1)) {
      const { id, entry } = parseLine(line) ?? {};
      if (!id || !entry) continue;
      const file = await stat(join(this.#folder, tilePath(entry))).catch(() => undefined);
      if (file?.size === entry.bytes) this.#tiles[id] = entry;
    }
  }

  has(id: string): boolean {
    return Object.hasOwn(this.#tiles, id);
  }

  get tileCount(): number {
    return Object.keys(this.#tiles).length;
  }

  async add(tile: BuiltTile): Promise<void> {
    const { tileSize, normalNeighbours } = this.#options;
    const bytes = encodePcd(tile.arrays, tile.rgb);
    const entry: TileEntry = {
      sha256: sha256(bytes),
      bytes: bytes.length,
      points: tile.arrays.positions.length / 3,
      bbox: tileBox(tile, tileSize),
      normals: { k: normalNeighbours },
      fields: tile.rgb ? [...TILE_FIELDS, 'rgb'] : TILE_FIELDS,
    };
    await writeWhole(join(this.#folder, tilePath(entry)), bytes);
    this.#tiles[tile.id] = entry;
    if (!this.#journal) return;
    await mkdir(dirname(this.#journal), { recursive: true });
    // A line that a kill cuts short must not spoil the next one, hence the line break in front.
    await appendFile(this.#journal, `\n${JSON.stringify({ id: tile.id, entry })}\n`);
  }

  /**
   * Writes graph and manifest. The version is one more than that of a different map with this id already in the
   * folder. The signature, manifest.json.dsse, is made by `map sign` of the map service.
   */
  async finish(): Promise<{ manifest: Manifest; manifestSha256: string }> {
    const graph = this.#options.graph ?? new TextEncoder().encode(EMPTY_GRAPH);
    await writeWhole(join(this.#folder, 'graph.geojson'), graph);
    const { mapId, expires, origin, tileSize } = this.#options;
    const draft: Manifest = {
      specVersion: 1,
      mapId,
      version: 1,
      expires,
      frame: { origin, axes: 'ENU', epsg: 4326 },
      tileSize,
      tiles: Object.fromEntries(Object.entries(this.#tiles).sort(([a], [b]) => (a < b ? -1 : 1))),
      graph: { sha256: sha256(graph), bytes: graph.length },
    };
    const manifest = manifestSchema.parse({ ...draft, version: await this.#nextVersion(draft) });
    const bytes = new TextEncoder().encode(`${JSON.stringify(manifest, null, 2)}\n`);
    await writeWhole(join(this.#folder, 'manifest.json'), bytes);
    return { manifest, manifestSha256: sha256(bytes) };
  }

  async #nextVersion(draft: Manifest): Promise<number> {
    let old: Manifest;
    try {
      old = parseManifest(await readFile(join(this.#folder, 'manifest.json')));
    } catch {
      return 1;
    }
    if (old.mapId !== draft.mapId) return 1;
    const same = JSON.stringify({ ...old, version: 0 }) === JSON.stringify({ ...draft, version: 0 });
    return same ? old.version : old.version + 1;
  }
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The tile's square over the plane, and its points' heights; metres, map frame. */
function tileBox({ id, arrays }: BuiltTile, tileSize: number): TileEntry['bbox'] {
  const [x, y] = tileOrigin(id, tileSize);
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let at = 2; at < arrays.positions.length; at += 3) {
    low = Math.min(low, arrays.positions[at]!);
    high = Math.max(high, arrays.positions[at]!);
  }
  return [x, y, low, x + tileSize, y + tileSize, high];
}

function parseLine(line: string): { id: string; entry: TileEntry } | undefined {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
