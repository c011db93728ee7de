import type { Core, Tile, TileMap } from '../core.ts';
import { refusalReason, type Vec3 } from '../types.ts';
import { loadTile } from './load-tile.ts';
import { type Manifest, type TileEntry, tilePath } from './manifest.ts';
import { distanceToTile } from './tile-grid.ts';

/** How far beyond the load radius a tile is kept, as a share of it: so that a robot at the rim does not swap to and fro. */
const KEEP_FACTOR = 1.2;

/** Tiles that are read, checked and built at once: as many as libuv has threads, and the memory that their bytes take. */
const LOADED_AT_ONCE = 4;

type Loaded = { readonly id: string } & ({ readonly tile: Tile } | { readonly error: unknown });

/**
 * The tiles around the robot, out of a map of any size. Loading verifies; a tile that is refused stays out, is
 * reported once, and the rest goes on.
 */
export class MapWindow {
  readonly tiles: TileMap;
  readonly manifest: Manifest;
  readonly #core: Core;
  readonly #read: (path: string) => Promise<Uint8Array>;
  readonly #radius: number;
  readonly #onRefused: (reason: string, detail: string) => void;
  readonly #held = new Set<string>();
  readonly #setAside = new Set<string>();
  #centre: Vec3 | undefined;

  /** @param radiusM tiles closer than this to the robot are loaded */
  constructor(
    core: Core,
    manifest: Manifest,
    read: (path: string) => Promise<Uint8Array>,
    radiusM: number,
    onRefused: (reason: string, detail: string) => void,
  ) {
    this.#core = core;
    this.manifest = manifest;
    this.#read = read;
    this.#radius = radiusM;
    this.#onRefused = onRefused;
    this.tiles = core.tileMap(manifest.tileSize);
  }

  /** Loads what is near `position` (map frame) and drops what is far. A move of less than half a tile changes nothing. */
  async moveTo(position: Vec3): Promise<void> {
    const { tileSize } = this.manifest;
    const [x, y] = position;
    if (this.#centre && Math.hypot(x - this.#centre[0], y - this.#centre[1]) < tileSize / 2) return;
    this.#centre = position;
    const wanted: [id: string, entry: TileEntry][] = [];
    for (const [id, entry] of Object.entries(this.manifest.tiles)) {
      const distance = distanceToTile(x, y, id, tileSize);
      if (this.#held.has(id)) {
        if (distance > this.#radius * KEEP_FACTOR) this.#drop(id);
      } else if (distance <= this.#radius && !this.#setAside.has(id)) {
        wanted.push([id, entry]);
      }
    }
    // Added and reported in the manifest's order, whichever is ready first: a replay must say the same each time.
    const underway: Promise<Loaded>[] = [];
    for (const [id, entry] of wanted) {
      underway.push(this.#load(id, entry));
      if (underway.length === LOADED_AT_ONCE) this.#take(await underway.shift()!);
    }
    for (const load of underway) this.#take(await load);
  }

  async #load(id: string, entry: TileEntry): Promise<Loaded> {
    try {
      const bytes = await this.#read(tilePath(entry));
      return { id, tile: await loadTile(this.#core, id, entry, this.manifest.tileSize, bytes) };
    } catch (error) {
      return { id, error };
    }
  }

  #take(loaded: Loaded): void {
    if ('tile' in loaded) {
      this.tiles.add(loaded.id, loaded.tile);
      this.#held.add(loaded.id);
      return;
    }
    const reason = refusalReason(loaded.error);
    if (!reason) throw loaded.error;
    this.#setAside.add(loaded.id);
    this.#onRefused(reason, (loaded.error as Error).message);
  }

  #drop(id: string): void {
    this.tiles.remove(id);
    this.#held.delete(id);
  }
}
