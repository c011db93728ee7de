import { type EnuFrame, enuFrame } from '../../math/geodesy.ts';
import { Refusal } from '../../types.ts';
import { type CloudInput, encodeCloud, TILE } from './cloud-frame.ts';
import type { MapFeature, WireMap } from './wire.ts';

export interface WatchedMapParts {
  readonly mapId: string;
  readonly version: number;
  readonly origin: WireMap['origin'];
  /** m */
  readonly tileSize: number;
  readonly features: readonly MapFeature[];
  /** The points of a tile; undefined where the map has no such tile. Rejects with a Refusal. */
  readonly points: (id: string) => Promise<Omit<CloudInput, 'stamp'> | undefined>;
}

/** Points of a tile that are drawn at most. */
const TILE_POINTS = 60_000;
/** Encoded tiles kept: what a page draws at once, and a little more. */
const KEPT = 64;

/** The map as operators see it: its features, and its tiles thinned for drawing, each encoded once. */
export class WatchedMap {
  readonly head: WireMap;
  readonly frame: EnuFrame;
  readonly #points: WatchedMapParts['points'];
  readonly #tiles = new Map<string, Promise<Buffer | undefined>>();

  constructor({ points, ...head }: WatchedMapParts) {
    this.head = head;
    this.frame = enuFrame(head.origin);
    this.#points = points;
  }

  /** A tile's points as a cloud message. Rejects with a Refusal `unknown-tile`. */
  async tile(id: string): Promise<Buffer> {
    let tile = this.#tiles.get(id);
    if (tile) this.#tiles.delete(id);
    tile ??= this.#encode(id);
    this.#tiles.set(id, tile);
    for (const oldest of this.#tiles.keys()) {
      if (this.#tiles.size <= KEPT) break;
      this.#tiles.delete(oldest);
    }
    const bytes = await tile.catch((error: unknown) => {
      this.#tiles.delete(id);
      throw error;
    });
    if (bytes) return bytes;
    this.#tiles.delete(id);
    throw new Refusal('unknown-tile', `expected a tile of map ${this.head.mapId}, found another id`);
  }

  async #encode(id: string): Promise<Buffer | undefined> {
    const points = await this.#points(id);
    return points && encodeCloud(TILE, { stamp: 0n, ...points }, TILE_POINTS);
  }
}
