import { DESTINATION } from '../adapters/sim/city/graph.ts';
import { enuFrame } from '../math/geodesy.ts';
import type { GraphFeatures, PoiFeature } from '../route/features.ts';
import { parseGraph } from '../route/parse-graph.ts';
import { Router } from '../route/router.ts';
import { linesOf } from '../route/walls.ts';
import { Refusal } from '../types.ts';
import { readProfiles } from './map-serve.ts';
import type { OpenMap } from './open-map.ts';

type XY = readonly [x: number, y: number];

/** The way of a simulated delivery in the map frame, and what a robot must not cross. */
export interface SimRoute {
  readonly line: readonly XY[];
  readonly walls: readonly (readonly XY[])[];
  readonly signal: GraphFeatures['signals'][number]['properties'];
}

/** Hub to lobby on the graph of a map, for the wheeled robot. Rejects with a Refusal where there is no way. */
export async function simRoute(
  { index }: OpenMap,
  graphBytes: Uint8Array,
  profiles: string,
): Promise<SimRoute> {
  const graph = parseGraph(graphBytes);
  const poi = (id: string): PoiFeature['properties'] => {
    const found = graph.pois.find(({ properties }) => properties.id === id);
    if (found) return found.properties;
    throw new Refusal(
      'no-poi',
      `map ${index.mapId}: expected a POI ${id}, found none; is it a map of the city?`,
    );
  };
  const profile = (await readProfiles(profiles)).get('wheeled-robot')!;
  const way = new Router(graph).find(poi('hub').approach, poi(DESTINATION).approach, profile, 0);
  if (!way.ok) throw new Refusal(way.reason, way.message);
  const frame = enuFrame(index.origin);
  const flat = ([lon, lat]: readonly number[]): XY => {
    const [x, y] = frame.toEnu(lat!, lon!, index.origin.ellipsoidalHeight);
    return [x, y];
  };
  const closed = graph.walls.filter(({ properties }) => properties.type === 'no_go');
  const signal = graph.signals[0]?.properties;
  if (!signal) throw new Refusal('no-signal', `map ${index.mapId}: expected a signal, found none`);
  return {
    line: way.line.map(flat),
    walls: closed.flatMap((wall) => linesOf(wall).map((one) => one.map(flat))),
    signal,
  };
}
