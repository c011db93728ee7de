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

interface Shown {
  readonly head: WireMap;
  readonly frame: EnuFrame;
  readonly points: WatchedMapParts['points'];
  readonly tiles: Map<string, Promise<Buffer | undefined>>;
}

/** The map as operators see it: its features, and its tiles thinned for drawing, each encoded once. */
export class WatchedMap {
  #shown: Shown;

  constructor(parts: WatchedMapParts) {
    this.#shown = shownOf(parts);
  }

  get head(): WireMap {
    return this.#shown.head;
  }

  get frame(): EnuFrame {
    return this.#shown.frame;
  }

  /** The robot drives by another version from now on. */
  change(parts: WatchedMapParts): void {
    this.#shown = shownOf(parts);
  }

  /** A tile's points as a cloud message. Rejects with a Refusal `unknown-tile`. */
  async tile(id: string): Promise<Buffer> {
    const { tiles, points, head } = this.#shown;
    let tile = tiles.get(id);
    if (tile) tiles.delete(id);
    tile ??= encoded(id, points);
    tiles.set(id, tile);
    for (const oldest of tiles.keys()) {
      if (tiles.size <= KEPT) break;
      tiles.delete(oldest);
    }
    const bytes = await tile.catch((error: unknown) => {
      tiles.delete(id);
      throw error;
    });
    if (bytes) return bytes;
    tiles.delete(id);
    throw new Refusal('unknown-tile', `expected a tile of map ${head.mapId}, found another id`);
  }
}

function shownOf({ points, ...head }: WatchedMapParts): Shown {
  return { head, frame: enuFrame(head.origin), points, tiles: new Map() };
}

async function encoded(id: string, pointsOf: WatchedMapParts['points']): Promise<Buffer | undefined> {
  const points = await pointsOf(id);
  return points && encodeCloud(TILE, { stamp: 0n, ...points }, TILE_POINTS);
}
