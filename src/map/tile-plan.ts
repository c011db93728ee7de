import { cellsNear, progressOn, type RouteTiles, type XY } from './route-tiles.ts';
import { distanceToTile } from './tile-grid.ts';

/** A robot that stands is planned for as if it would start at this speed, m/s. */
const SLOWEST = 0.3;

export interface PlanLimits {
  /** tiles closer than this to the robot are in memory, m */
  readonly holdRadius: number;
  /** a tile in memory stays until it is this many hold radii away, so that a robot at the rim does not swap to and fro */
  readonly keepFactor: number;
  /** tiles of the route that come within reach in this time are in memory too, s */
  readonly lookAhead: number;
  /** what the tiles in memory may take, bytes */
  readonly memoryBytes: number;
  /** without a route, files of tiles closer than this are fetched ahead, m */
  readonly fetchRadius: number;
}

export interface PlanInput {
  /** map frame, metres */
  readonly position: XY;
  /** m/s */
  readonly speed: number;
  readonly route?: RouteTiles | undefined;
  /** ids of the tiles in memory */
  readonly held: ReadonlySet<string>;
}

/** What the planner asks of a map. */
export interface PlanMap {
  readonly tileSize: number;
  /** memory that a tile takes once it is loaded; undefined where the map has no such tile */
  memoryOf(id: string): number | undefined;
}

export interface TilePlan {
  /** what shall be in memory, the most urgent first */
  readonly hold: readonly string[];
  /** of that, what is not: by time of arrival, then by distance */
  readonly load: readonly string[];
  /** what is in memory and shall go */
  readonly drop: readonly string[];
  /** whose files are to be fetched ahead, beyond `hold`: by time of arrival (off the route: by distance) */
  readonly prefetch: readonly string[];
  /** tiles within the hold radius that the memory is too small for */
  readonly short: number;
  readonly onRoute: boolean;
}

/** 0: needed now. 1: needed soon. 2: in memory, and stays while there is room. */
type Rank = 0 | 1 | 2;
interface Wanted {
  readonly id: string;
  readonly rank: Rank;
  /** seconds until it comes within reach */
  readonly arrival: number;
  readonly distance: number;
}

/**
 * Which tiles to have. The memory budget is never passed; within it, no tile within the hold radius is ever missing,
 * and a tile that is held gives way only to a clearly nearer one (but to any within the hold radius, where the memory
 * has room for these and little more). A robot further than the hold radius from its route is off it: then the nearest
 * tiles count.
 */
export function planTiles(now: PlanInput, map: PlanMap, limits: PlanLimits): TilePlan {
  const [x, y] = now.position;
  const progress = now.route && progressOn(now.route.line, now.position);
  const onRoute = progress !== undefined && progress.beside <= limits.holdRadius;
  const ahead = onRoute ? tilesAhead(now.route!, progress.along, Math.max(now.speed, SLOWEST)) : [];
  const wanted = new Map<string, Wanted>();
  const want = (id: string, rank: Rank, arrival: number) => {
    if (wanted.has(id) || map.memoryOf(id) === undefined) return;
    const distance = distanceToTile(x, y, id, map.tileSize);
    wanted.set(id, { id, rank, arrival, distance });
  };
  for (const id of cellsNear(x, y, limits.holdRadius, map.tileSize)) want(id, 0, 0);
  for (const { id, arrival } of ahead) if (arrival <= limits.lookAhead) want(id, 1, arrival);
  for (const { id } of ahead) if (now.held.has(id)) want(id, 2, 0);
  for (const id of now.held) {
    if (distanceToTile(x, y, id, map.tileSize) <= limits.holdRadius * limits.keepFactor) want(id, 2, 0);
  }
  // A held tile counts as nearer than it is: else two tiles would take turns where the memory is short.
  const urgency = ({ id, rank, arrival, distance }: Wanted) => {
    const factor = now.held.has(id) ? 1 / limits.keepFactor : 1;
    return [rank, arrival * factor, distance * factor] as const;
  };
  const inOrder = [...wanted.values()].sort((a, b) => compare(urgency(a), urgency(b)) || byId(a, b));
  const hold = withinBudget(inOrder, map, limits.memoryBytes);
  const chosen = new Set(hold.map(({ id }) => id));
  const files = onRoute
    ? ahead.map(({ id }) => id)
    : cellsNear(x, y, limits.fetchRadius, map.tileSize).sort(
        (a, b) => distanceToTile(x, y, a, map.tileSize) - distanceToTile(x, y, b, map.tileSize),
      );
  return {
    hold: hold.map(({ id }) => id),
    load: hold.filter(({ id }) => !now.held.has(id)).map(({ id }) => id),
    drop: [...now.held].filter((id) => !chosen.has(id)),
    prefetch: files.filter((id) => !chosen.has(id) && map.memoryOf(id) !== undefined),
    short: inOrder.filter(({ id, rank }) => rank === 0 && !chosen.has(id)).length,
    onRoute,
  };
}

/** The tiles of the way that is left, with the seconds until each comes within reach. */
function tilesAhead({ tiles }: RouteTiles, along: number, speed: number): { id: string; arrival: number }[] {
  return tiles
    .filter(({ to }) => to >= along)
    .map(({ id, from }) => ({ id, arrival: Math.max(0, from - along) / speed }));
}

/** The longest start of the list that fits. */
function withinBudget(inOrder: readonly Wanted[], map: PlanMap, bytes: number): Wanted[] {
  let used = 0;
  const end = inOrder.findIndex(({ id }) => {
    used += map.memoryOf(id)!;
    return used > bytes;
  });
  return inOrder.slice(0, end < 0 ? inOrder.length : end);
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [k, value] of a.entries()) if (value !== b[k]) return value - b[k]!;
  return 0;
}

function byId(a: Wanted, b: Wanted): number {
  return a.id < b.id ? -1 : 1;
}
