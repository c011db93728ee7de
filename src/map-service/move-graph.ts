import { Refusal } from '../types.ts';

/** A GeoJSON text with every position moved in the plane; heights stay. Throws a Refusal `bad-graph`. */
export function moveGraph(
  bytes: Uint8Array,
  move: (lonLat: readonly [number, number]) => readonly [number, number],
): Uint8Array {
  const positions = (value: unknown): unknown => {
    if (!Array.isArray(value)) return value;
    if (typeof value[0] === 'number') return [...move([value[0], value[1]]), ...value.slice(2)];
    return value.map(positions);
  };
  let graph: { features?: { geometry?: { coordinates?: unknown } }[] };
  try {
    graph = JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new Refusal('bad-graph', `graph.geojson: expected JSON, found ${(error as Error).message}`);
  }
  for (const { geometry } of graph.features ?? [])
    if (geometry) geometry.coordinates = positions(geometry.coordinates);
  return new TextEncoder().encode(`${JSON.stringify(graph)}\n`);
}
