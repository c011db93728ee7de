import type { Tile, TileMap } from '../core.ts';
import { Refusal, refusalReason, type Vec3 } from '../types.ts';
import type { MapIndex } from './map-index.ts';
import { NearestTiles } from './nearest-tiles.ts';
import { type RouteTiles, routeTiles, type XY } from './route-tiles.ts';
import type { SupplyParts, SupplyStatus } from './supply-parts.ts';
import { tileAt, tileId } from './tile-grid.ts';
import type { IndexUse } from './tile-index.ts';
import { type Job, TileLoader } from './tile-loader.ts';
import { planTiles, type TilePlan } from './tile-plan.ts';
import { TileSide } from './tile-side.ts';

/** Below this the robot stands, m/s: odometry and the filter's speed are not quieter. */
const STANDSTILL = 0.05;
/** A new plan after a move of this share of a tile, or, while something is missing, after this many scans. */
const REPLAN_SHARE = 0.25;
const REPLAN_SCANS = 50;

/**
 * The tiles that a robot needs, out of a map of any size: planned from where it is and where it goes, loaded and
 * checked off the event loop, added one by one. A tile that is refused stays out, is reported once, and the rest goes
 * on. A new version is loaded beside the old one and taken into use whole, between two scans.
 */
export class TileSupply {
  readonly #parts: SupplyParts;
  readonly #loader: TileLoader;
  readonly #nearest: NearestTiles | undefined;
  #current: TileSide;
  #next: TileSide | undefined;
  #line: readonly XY[] | undefined;
  #route: { readonly tileSize: number; readonly tiles: RouteTiles } | undefined;
  #position: XY | undefined;
  #planned: XY | undefined;
  #reach = 0;
  /** all that was wanted near the robot was there once */
  #settled = false;
  #scansSincePlan = 0;
  #lastRefusal: string | undefined;
  readonly #reported = new Set<string>();
  readonly #indices = new Map<IndexUse, number>();

  constructor(parts: SupplyParts) {
    this.#parts = parts;
    this.#current = new TileSide(parts.core, parts.index);
    const { files, limits, onNewer } = parts;
    this.#nearest = files.finder && new NearestTiles(files.finder, limits.fetchRadius, onNewer);
    this.#loader = new TileLoader({
      ...parts,
      inOrder: parts.wait,
      onLoaded: ({ side, id }, result) => this.#take(side, id, result),
      onDamaged: ({ path }, error) => this.#report(`${path} damaged`, error),
      onIndex: (use, detail) => {
        this.#indices.set(use, (this.#indices.get(use) ?? 0) + 1);
        if (detail !== undefined) parts.onRefused(use, detail);
      },
    });
  }

  /** The tiles in memory, of one version. Another object after a new version was taken: ask again for each scan. */
  get tiles(): TileMap {
    return this.#current.tiles;
  }

  get index(): MapIndex {
    return this.#current.index;
  }

  /** The way ahead (ENU, metres, in order of travel), or none. */
  setRoute(line: readonly XY[] | undefined): void {
    this.#line = line;
    this.#route = undefined;
    this.#planned = undefined;
  }

  /** A newer version of the map: loaded beside the one in use. Throws a Refusal where it cannot replace it in a drive. */
  offer(index: MapIndex): void {
    const { origin, version, mapId } = this.#current.index;
    if (index.version <= version) return;
    const moved = (['lat', 'lon', 'ellipsoidalHeight'] as const).some(
      (key) => origin[key] !== index.origin[key],
    );
    if (moved || index.mapId !== mapId)
      throw new Refusal(
        'map-frame-changed',
        `map ${index.mapId} version ${index.version}: expected map ${mapId} with the origin of version ${version}, found another; it is taken at the next start`,
      );
    this.#next = new TileSide(this.#parts.core, index);
    this.#planned = undefined;
  }

  /**
   * To be called before each scan: the robot is at `position` (map frame), at `speed` m/s, or within `reach` metres of
   * there. Without `wait` it never waits for a tile. Rejects only for faults of our own.
   */
  async moveTo(position: Vec3, speed = 0, reach = 0): Promise<void> {
    const { wait } = this.#parts;
    const here: XY = [position[0], position[1]];
    if (reach !== this.#reach) this.#planned = undefined;
    this.#reach = reach;
    const before = this.#position;
    this.#position = here;
    if (this.#isSwapTime(before, here, speed)) this.#swap();
    if (!this.#isPlanDue(here)) return;
    this.#settled ||= this.#plan !== undefined && this.#current.missing.length === 0;
    const loaded = this.#loader.load(this.#follow(here, speed), this.#settled && reach === 0 && !wait);
    if (!wait) return;
    await loaded;
    if (before === undefined || this.#isSwapTime(before, here, speed)) this.#swap();
  }

  /** Whether all tiles that the last plan wants near the robot are in memory, or known to be damaged. */
  get isComplete(): boolean {
    return this.#current.missing.length === 0 && (this.#plan?.short ?? 0) === 0;
  }

  status(): SupplyStatus {
    const { index, held, missing, memoryBytes, setAside } = this.#current;
    const waits = missing.length + setAside.size > 0 || this.#next !== undefined;
    const reason = (this.#plan?.short ?? 0) > 0 ? 'memory-budget' : waits ? this.#lastRefusal : undefined;
    return {
      mapId: index.mapId,
      version: index.version,
      isSigned: index.isSigned,
      ...(this.#next && { staged: this.#next.index.version }),
      onRoute: this.#plan?.onRoute ?? false,
      held: held.size,
      missing: missing.length,
      damaged: setAside.size,
      memoryBytes,
      indices: Object.fromEntries(this.#indices),
      ...(reason && { reason }),
    };
  }

  #isPlanDue([x, y]: XY): boolean {
    this.#scansSincePlan++;
    if (!this.#planned) return true;
    const moved = Math.hypot(x - this.#planned[0], y - this.#planned[1]);
    if (moved >= REPLAN_SHARE * this.#current.tileSize) return true;
    const isIncomplete = this.#current.missing.length > 0 || this.#next !== undefined;
    return isIncomplete && this.#scansSincePlan >= REPLAN_SCANS;
  }

  /** Plans anew, drops what shall go, and says what to load: the version in use first. */
  #follow(here: XY, speed: number): Job[] {
    this.#planned = here;
    this.#scansSincePlan = 0;
    const jobs: Job[] = [];
    for (const side of this.#sides) {
      const { drop, load } = this.#planFor(side, here, speed);
      for (const id of drop) side.remove(id);
      for (const id of load) {
        const shared = side === this.#next && side.sharedWith(this.#current, id);
        if (shared) side.add(id, shared);
        else jobs.push({ side, id });
      }
    }
    this.#wantFiles();
    if (!this.#plan?.onRoute) this.#askNearest(here);
    return jobs;
  }

  get #sides(): TileSide[] {
    return this.#next ? [this.#current, this.#next] : [this.#current];
  }

  get #plan(): TilePlan | undefined {
    return this.#current.plan;
  }

  #wantFiles(): void {
    const idsOf = ({ hold, prefetch, onRoute }: TilePlan) => [
      ...hold,
      ...(onRoute ? prefetch : (this.#nearest?.inOrder(prefetch) ?? prefetch)),
    ];
    const files = this.#sides.flatMap(({ index, plan }) =>
      plan ? idsOf(plan).flatMap((id) => index.file(id) ?? []) : [],
    );
    this.#parts.files.want(files);
  }

  /** Nothing waits for the answer. */
  #askNearest(here: XY): void {
    const { index, held } = this.#current;
    const hashes = [...held.keys()].flatMap((id) => index.file(id)?.sha256 ?? []);
    void this.#nearest?.ask(index, here, hashes).then((isNew) => {
      if (isNew && !this.#plan?.onRoute) this.#wantFiles();
    });
  }

  #planFor(side: TileSide, position: XY, speed: number): TilePlan {
    const limits = { ...this.#parts.limits, holdRadius: this.#parts.limits.holdRadius + this.#reach };
    const held = new Set(side.held.keys());
    const plan = planTiles({ position, speed, held, route: this.#routeOn(side.tileSize) }, side, limits);
    side.plan = plan;
    side.wanted = new Set(plan.hold);
    return plan;
  }

  #routeOn(tileSize: number): RouteTiles | undefined {
    if (!this.#line) return undefined;
    if (this.#route?.tileSize !== tileSize)
      this.#route = { tileSize, tiles: routeTiles(this.#line, this.#parts.limits.holdRadius, tileSize) };
    return this.#route.tiles;
  }

  #take(side: TileSide, id: string, result: Tile | Error): void {
    if (!(result instanceof Error)) {
      if (side.wanted.has(id)) side.add(id, result);
      return;
    }
    const reason = refusalReason(result);
    if (!reason && this.#parts.wait) throw result;
    this.#lastRefusal = reason ?? 'internal-error';
    // What the file itself is guilty of stays so; what the way to it is guilty of may pass.
    if (side === this.#current && reason?.startsWith('tile-')) side.setAside.add(id);
    this.#report(`${side.index.version} ${id} ${reason}`, result);
  }

  /** Each thing once. */
  #report(key: string, error: Error): void {
    if (this.#reported.has(key)) return;
    this.#reported.add(key);
    this.#parts.onRefused(refusalReason(error) ?? 'internal-error', error.message);
  }

  /** Standing, or going from one tile into the next. */
  #isSwapTime(before: XY | undefined, here: XY, speed: number): boolean {
    if (!this.#next || !before) return false;
    const at = ([x, y]: XY) => {
      const { i, j } = tileAt(x, y, this.#current.tileSize);
      return tileId(i, j);
    };
    return speed < STANDSTILL || at(before) !== at(here);
  }

  /** Takes the new version into use if all that is wanted of it is there. */
  #swap(): void {
    const next = this.#next;
    if (!next?.plan || next.missing.length > 0) return;
    this.#current = next;
    this.#next = undefined;
    this.#planned = undefined;
    this.#parts.onVersion?.(next.index);
  }
}
