import type { Route } from '../../route/router.ts';
import type { ServedMap } from './map-catalog.ts';

/** Metres of a degree of latitude: mean of the sphere, for choosing only. */
const METRES_PER_DEGREE = 111_195;

/** The signals, doors and lifts of a way's links in order of travel; walls and POIs within `radiusM` of its box. */
export function featuresNear({ graph, router }: ServedMap, route: Route, radiusM: number) {
  const onWay = new Map(route.steps.map(({ link }, order) => [router.graph.linkIds[link]!, order]));
  const inOrder = <T>(list: readonly T[], linksOf: (one: T) => readonly string[]) =>
    list
      .map((one) => ({ one, order: Math.min(...linksOf(one).map((id) => onWay.get(id) ?? Infinity)) }))
      .filter(({ order }) => order < Infinity)
      .sort((a, b) => a.order - b.order)
      .map(({ one }) => one);
  const box = boxOf(route.line);
  const reachLat = radiusM / METRES_PER_DEGREE;
  const reachLon = reachLat / Math.max(0.01, Math.cos((box[1]! * Math.PI) / 180));
  const near = (places: readonly (readonly number[])[]) => {
    const [west, south, east, north] = boxOf(places);
    return (
      west! <= box[2]! + reachLon &&
      east! >= box[0]! - reachLon &&
      south! <= box[3]! + reachLat &&
      north! >= box[1]! - reachLat
    );
  };
  return {
    signals: inOrder(graph.signals, ({ properties }) => [properties.link]),
    doors: inOrder(graph.doors, ({ properties }) => properties.links),
    lifts: inOrder(graph.lifts, ({ properties }) => properties.links),
    virtualWalls: graph.walls.filter(({ geometry }) =>
      near(geometry.type === 'Polygon' ? geometry.coordinates.flat() : geometry.coordinates),
    ),
    pois: graph.pois.filter(({ geometry }) => near([geometry.coordinates])),
  };
}

/** West, south, east, north. */
function boxOf(places: readonly (readonly number[])[]): number[] {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [lon, lat] of places) {
    box[0] = Math.min(box[0]!, lon!);
    box[1] = Math.min(box[1]!, lat!);
    box[2] = Math.max(box[2]!, lon!);
    box[3] = Math.max(box[3]!, lat!);
  }
  return box;
}
