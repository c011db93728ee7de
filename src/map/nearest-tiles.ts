import type { EnuFrame } from '../math/geodesy.ts';
import { enuFrame } from '../math/geodesy.ts';
import type { MapIndex } from './map-index.ts';
import type { XY } from './route-tiles.ts';

/** Who can say which tiles of a map lie nearest to a place: the map service. */
export interface TileFinder {
  /** Of the tiles within `radius` m those that are not held, nearest first. Rejects where nobody can be asked. */
  nearest(
    area: { readonly lat: number; readonly lon: number; readonly radius: number },
    heldSha256: readonly string[],
  ): Promise<NearestAnswer>;
}

export interface NearestAnswer {
  readonly mapVersion: number;
  readonly add: readonly { readonly id: string; readonly sha256: string }[];
}

/**
 * Off the route the service says which tiles to fetch next. Its word only puts in order what the signed manifest of the
 * version in use has in reach: it can neither add a file nor keep one out.
 */
export class NearestTiles {
  readonly #finder: TileFinder;
  readonly #radius: number;
  readonly #onNewer: ((version: number) => void) | undefined;
  #frame: { readonly index: MapIndex; readonly enu: EnuFrame } | undefined;
  #order: readonly string[] = [];
  #isAsking = false;

  /** @param radius in which files are fetched ahead, m. @param onNewer the service has a newer version */
  constructor(finder: TileFinder, radius: number, onNewer?: (version: number) => void) {
    this.#finder = finder;
    this.#radius = radius;
    this.#onNewer = onNewer;
  }

  /** Asks for the tiles around a place (map frame, m), unless a question is open. True where the order is a new one. */
  async ask(index: MapIndex, [x, y]: XY, heldSha256: readonly string[]): Promise<boolean> {
    if (this.#isAsking || this.#radius <= 0) return false;
    this.#isAsking = true;
    try {
      if (this.#frame?.index !== index) this.#frame = { index, enu: enuFrame(index.origin) };
      const { lat, lon } = this.#frame.enu.toGeodetic([x, y, 0]);
      const { mapVersion, add } = await this.#finder.nearest({ lat, lon, radius: this.#radius }, heldSha256);
      if (mapVersion > index.version) this.#onNewer?.(mapVersion);
      const known = add.filter(({ id, sha256 }) => index.file(id)?.sha256 === sha256);
      this.#order = known.map(({ id }) => id);
      return true;
    } catch {
      // The source says itself why it is not online; the plan's own order by distance stays.
      return false;
    } finally {
      this.#isAsking = false;
    }
  }

  /** The ids of a plan, those first that the service named. */
  inOrder(ids: readonly string[]): string[] {
    const wanted = new Set(ids);
    const first = this.#order.filter((id) => wanted.has(id));
    const named = new Set(first);
    return [...first, ...ids.filter((id) => !named.has(id))];
  }
}
