import type { LinkFeature, NodeFeature, WallFeature } from '../route/features.ts';
import { flatGraph } from '../route/flat-graph.ts';
import { LinkGrid } from '../route/link-grid.ts';
import { wallEffects } from '../route/walls.ts';

/** A part of a route that a virtual wall touches; metres from its start, times in ms since the Unix epoch. */
export interface WallStretch {
  readonly id: string;
  readonly closed: boolean;
  readonly from: number;
  readonly to: number;
  readonly validFrom: number;
  readonly validTo: number;
}

/**
 * What each wall does to a way (lon, lat), now or later: the router heeds only what is valid when it looks. Each
 * segment of the way is taken as a link of its own. `length`: of the way, m.
 */
export function wallsOn(
  way: readonly (readonly [number, number])[],
  walls: readonly WallFeature[],
  length: number,
): WallStretch[] {
  if (walls.length === 0) return [];
  const nodes = way.map(
    ([lon, lat], k): NodeFeature => ({
      geometry: { type: 'Point', coordinates: [lon, lat] },
      properties: { kind: 'node', id: String(k) },
    }),
  );
  const links = way.slice(1).map(
    ([lon, lat], k): LinkFeature => ({
      geometry: { type: 'LineString', coordinates: [[...way[k]!], [lon, lat]] },
      properties: {
        kind: 'link',
        id: String(k),
        from: String(k),
        to: String(k + 1),
        width: 1,
        incline: 0,
        surface: 'paved',
        kerbHeight: 0,
        speedLimit: 1,
      },
    }),
  );
  const graph = flatGraph(nodes, links);
  const scale =
    length /
    Math.max(
      graph.length.reduce((a, b) => a + b, 0),
      1e-9,
    );
  const found: WallStretch[] = [];
  const effects = wallEffects(graph, new LinkGrid(graph), walls);
  let before = 0;
  for (let link = 0; link < links.length; link++) {
    for (const { wall, begin, end, blocksForward, slow, validFrom, validTo } of effects.get(link) ?? []) {
      if (!blocksForward && !slow) continue;
      const [from, to] = [scale * (before + begin), scale * (before + end)];
      found.push({ id: wall.properties.id, closed: blocksForward, from, to, validFrom, validTo });
    }
    before += graph.length[link]!;
  }
  return found;
}
