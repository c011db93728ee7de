import type { Core, Tile } from '../core.ts';
import { type MapFile, Refusal, type Vec3 } from '../types.ts';
import { loadTile, type MakeTile } from './load-tile.ts';
import {
  type Manifest,
  manifestSchema,
  type TileEntry,
  tileEntrySchema,
  tileIdSchema,
  tilePath,
} from './manifest.ts';
import { scanManifest } from './manifest-scan.ts';
import { tileOrigin } from './tile-grid.ts';
import { TileTable } from './tile-table.ts';

/** Memory of a point that is ready to search (coordinates, normal, its share of the trees): 38 measured on tiles of 30,000. */
export const BYTES_A_POINT = 40;

/** What a map has, without the tiles themselves. */
export interface MapIndex {
  readonly mapId: string;
  readonly version: number;
  readonly expires: string | undefined;
  readonly origin: Manifest['frame']['origin'];
  /** metres */
  readonly tileSize: number;
  readonly size: number;
  readonly isSigned: boolean;
  /** graph.geojson, where the map has one */
  readonly graph?: MapFile | undefined;
  /** undefined where the map has no such tile, as in the next */
  file(id: string): MapFile | undefined;
  /** memory that the tile takes when it is loaded, bytes */
  memoryOf(id: string): number | undefined;
  /** What the points of the tile's file are relative to, map frame */
  pointsOrigin(id: string): Vec3;
  /** The tile from the bytes of its file, checked, by `make` or else by the core. Rejects with a Refusal. */
  build(core: Core, id: string, bytes: Uint8Array, make?: MakeTile): Promise<Tile>;
}

/** The index of a map package, from the bytes of its manifest: about a hundred bytes a tile. Rejects `bad-manifest`. */
export async function indexOf(
  manifest: Uint8Array,
  isSigned: boolean,
  breathe: () => Promise<void>,
): Promise<MapIndex> {
  const table = new TileTable();
  const onTile = (id: string, value: unknown) => {
    const entry = tileEntrySchema.safeParse(value);
    const problem = tileIdSchema.safeParse(id).error ?? entry.error;
    if (problem) throw badManifest(`tiles.${id}`, problem.issues[0]!);
    if (!table.add(id, entry.data!)) throw new Refusal('bad-manifest', `manifest.json: ${id}: found twice`);
  };
  const rest = manifestSchema.safeParse(await scanManifest(manifest, onTile, breathe));
  if (!rest.success) throw badManifest('', rest.error.issues[0]!);
  return new PackageIndex(rest.data, table, isSigned);
}

function badManifest(under: string, issue: { path: PropertyKey[]; message: string }): Refusal {
  const path = [under, ...issue.path].filter((part) => part !== '').join('.');
  return new Refusal('bad-manifest', `manifest.json: ${path || '(root)'}: ${issue.message}`);
}

class PackageIndex implements MapIndex {
  readonly mapId: string;
  readonly version: number;
  readonly expires: string;
  readonly origin: Manifest['frame']['origin'];
  readonly tileSize: number;
  readonly size: number;
  readonly isSigned: boolean;
  readonly graph: MapFile;
  readonly #table: TileTable;

  constructor(head: Manifest, table: TileTable, isSigned: boolean) {
    this.mapId = head.mapId;
    this.version = head.version;
    this.expires = head.expires;
    this.origin = head.frame.origin;
    this.tileSize = head.tileSize;
    this.size = table.size;
    this.isSigned = isSigned;
    this.graph = { path: 'graph.geojson', sha256: head.graph.sha256, bytes: head.graph.bytes };
    this.#table = table;
  }

  file(id: string): MapFile | undefined {
    const entry = this.#table.get(id);
    return entry && { path: tilePath(entry), sha256: entry.sha256, bytes: entry.bytes };
  }

  memoryOf(id: string): number | undefined {
    const points = this.#table.pointsOf(id);
    return points === undefined ? undefined : BYTES_A_POINT * points;
  }

  pointsOrigin(id: string): Vec3 {
    return tileOrigin(id, this.tileSize);
  }

  build(core: Core, id: string, bytes: Uint8Array, make?: MakeTile): Promise<Tile> {
    return loadTile(core, id, this.#table.get(id) as TileEntry, this.tileSize, bytes, make);
  }
}
