import type { MapFeature } from '../adapters/operator/wire.ts';
import { enuFrame, type Geodetic } from '../math/geodesy.ts';
import { parseGraph } from '../route/parse-graph.ts';
import { linesOf } from '../route/walls.ts';

/** What is drawn of graph.geojson, in the map frame (m). Throws a Refusal where it is not one. */
export function mapFeatures(graphBytes: Uint8Array, origin: Geodetic): MapFeature[] {
  const { walls, signals, doors, lifts, pois, links } = parseGraph(graphBytes);
  const frame = enuFrame(origin);
  const flat = ([lon, lat]: readonly number[]): [number, number] => {
    const [x, y] = frame.toEnu(lat!, lon!, origin.ellipsoidalHeight);
    return [x, y];
  };
  const machine = ({
    geometry,
    properties: { kind, id },
  }: (typeof signals | typeof doors | typeof lifts)[number]) => ({
    kind,
    id,
    line: [flat(geometry.coordinates)],
  });
  return [
    ...walls.flatMap((wall) => {
      const { id, type } = wall.properties;
      const closed = wall.geometry.type === 'Polygon';
      return linesOf(wall).map((line) => ({
        kind: 'virtual_wall' as const,
        id,
        type,
        line: line.map(flat),
        closed,
      }));
    }),
    ...[...signals, ...doors, ...lifts].map(machine),
    ...pois.map(({ geometry, properties: { kind, id, name } }) => ({
      kind,
      id,
      name,
      line: [flat(geometry.coordinates)],
    })),
    ...links.map(({ geometry, properties: { kind, id } }) => ({
      kind,
      id,
      line: geometry.coordinates.map(flat),
    })),
  ];
}
