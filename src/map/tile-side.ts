import type { Core, Tile, TileMap } from '../core.ts';
import type { MapIndex } from './map-index.ts';
import type { PlanMap, TilePlan } from './tile-plan.ts';

/** One version of a map with its tiles in memory. Tiles of two versions are never in one `TileMap`. */
export class TileSide implements PlanMap {
  readonly index: MapIndex;
  readonly tiles: TileMap;
  readonly held = new Map<string, Tile>();
  readonly loading = new Set<string>();
  /** damaged where they come from: not asked for again */
  readonly setAside = new Set<string>();
  /** what shall be in memory, by the last plan */
  wanted: ReadonlySet<string> = new Set();
  plan: TilePlan | undefined;

  constructor(core: Core, index: MapIndex) {
    this.index = index;
    this.tiles = core.tileMap(index.tileSize);
  }

  get tileSize(): number {
    return this.index.tileSize;
  }

  memoryOf(id: string): number | undefined {
    return this.setAside.has(id) ? undefined : this.index.memoryOf(id);
  }

  get memoryBytes(): number {
    return [...this.held.keys()].reduce((sum, id) => sum + (this.index.memoryOf(id) ?? 0), 0);
  }

  /** Wanted, and neither in memory nor set aside. */
  get missing(): string[] {
    return [...this.wanted].filter((id) => !this.held.has(id) && !this.setAside.has(id));
  }

  add(id: string, tile: Tile): void {
    this.tiles.add(id, tile);
    this.held.set(id, tile);
  }

  remove(id: string): void {
    this.tiles.remove(id);
    this.held.delete(id);
  }

  /** The tile of another version whose file is the same, byte by byte. */
  sharedWith(other: TileSide, id: string): Tile | undefined {
    const hash = this.index.file(id)?.sha256;
    const same = hash !== undefined && hash === other.index.file(id)?.sha256;
    return same && this.tileSize === other.tileSize ? other.held.get(id) : undefined;
  }
}
