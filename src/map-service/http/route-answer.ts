import { createHash } from 'node:crypto';
import { z } from 'zod';
import { routeTiles } from '../../map/route-tiles.ts';
import { distanceToTile } from '../../map/tile-grid.ts';
import type { Profile } from '../../route/profile.ts';
import { profileSchema } from '../../route/profile.ts';
import type { Route } from '../../route/router.ts';
import type { ServedMap } from './map-catalog.ts';
import { featuresNear } from './near-route.ts';
import { Problem } from './problem.ts';

/**
 * A profile that came with the request has no prepared cells: its search over a whole country would keep all others
 * waiting for half a second. So many nodes are 15 km of a city, and less than 0.1 s.
 */
const MOST_SETTLED = 60_000;

const place = z.object({ lon: z.number().min(-180).max(180), lat: z.number().min(-90).max(90) });
export const routeRequest = z.object({
  from: place,
  to: place,
  profile: z
    .union([z.string(), profileSchema])
    .describe(
      'name of a profile of the service; or a profile, for which ways are looked for nearby only (profile-not-prepared)',
    ),
});
export type RouteRequest = z.infer<typeof routeRequest>;

export const diffRequest = z.object({
  area: place.extend({ radius: z.number().positive().max(5000).describe('m') }),
  held: z
    .array(z.string().regex(/^[0-9a-f]{64}$/))
    .max(100_000)
    .describe('sha256 of the tiles that are held'),
});
export type DiffRequest = z.infer<typeof diffRequest>;

/** A found way with all that a robot needs on it. @param radiusM tiles this near to the way are needed */
export function routeAnswer(
  map: ServedMap,
  request: RouteRequest,
  profile: Profile,
  timeMs: number,
  { radiusM, lifeMs }: { radiusM: number; lifeMs: number },
) {
  const limit = typeof request.profile === 'string' ? undefined : MOST_SETTLED;
  const route = map.router.find(request.from, request.to, profile, timeMs, limit);
  if (!route.ok) throw new Problem(422, route.reason, route.message);
  const { manifest, manifestSha256 } = map;
  const line = route.line.map(([lon, lat]) => map.frame.toEnu(lat, lon, map.frame.origin.ellipsoidalHeight));
  const { tiles } = routeTiles(
    line.map(([x, y]) => [x, y]),
    radiusM,
    manifest.tileSize,
  );
  const body = {
    mapId: manifest.mapId,
    mapVersion: manifest.version,
    manifestSha256,
    links: linksOf(map, route),
    geometry: { type: 'LineString', coordinates: route.line },
    length: route.length,
    cost: route.cost,
    tiles: tiles.map(({ id }) => id).filter((id) => Object.hasOwn(manifest.tiles, id)),
    ...featuresNear(map, route, radiusM),
    expires: new Date(expiry(map, timeMs, lifeMs)).toISOString(),
  };
  // Stateless: the same way on the same map has the same id from every instance.
  const routeId = createHash('sha256')
    .update(JSON.stringify([manifestSha256, body.links, profile.name]))
    .digest('hex')
    .slice(0, 32);
  return { routeId, ...body };
}

/** Tiles of a disc that are not held, nearest first, and what is held without need. */
export function diffAnswer({ manifest, frame }: ServedMap, { area, held }: DiffRequest) {
  const [x, y] = frame.toEnu(area.lat, area.lon, frame.origin.ellipsoidalHeight);
  const holds = new Set(held);
  const near = Object.entries(manifest.tiles)
    .map(([id, { sha256, bytes }]) => ({
      id,
      sha256,
      bytes,
      distance: distanceToTile(x, y, id, manifest.tileSize),
    }))
    .filter(({ distance }) => distance <= area.radius)
    .sort((a, b) => a.distance - b.distance);
  const needed = new Set(near.map(({ sha256 }) => sha256));
  return {
    mapVersion: manifest.version,
    add: near.filter((tile) => !holds.has(tile.sha256)).map(({ distance: _, ...tile }) => tile),
    remove: held.filter((sha256) => !needed.has(sha256)),
  };
}

function linksOf({ router: { graph } }: ServedMap, route: Route) {
  return route.steps.map(({ link, begin, end }) => ({
    id: graph.linkIds[link]!,
    direction: end < begin ? 'backward' : 'forward',
    begin,
    end,
  }));
}

/** A way is good until the map expires, a wall comes or goes, or `lifeMs` is over. */
function expiry({ manifest, graph }: ServedMap, timeMs: number, lifeMs: number): number {
  const changes = graph.walls
    .flatMap(({ properties: { validFrom, validTo } }) => [validFrom, validTo])
    .flatMap((time) => (time === undefined ? [] : [Date.parse(time)]));
  return [Date.parse(manifest.expires), ...changes]
    .filter((time) => time > timeMs)
    .reduce((a, b) => Math.min(a, b), timeMs + lifeMs);
}
