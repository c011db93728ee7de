import type { WatchedMapParts } from '../adapters/operator/watched-map.ts';
import type { CloudArrays, Core } from '../core.ts';
import type { MapIndex } from '../map/map-index.ts';
import { mapFeatures } from './map-features.ts';
import { graphBytesOf } from './map-pictures.ts';
import type { OpenMap } from './open-map.ts';

/** One version of a map for operators to look at. Rejects with a Refusal where its graph cannot be had. */
export async function watchedParts(
  core: Core,
  index: MapIndex,
  source: OpenMap['source'],
): Promise<WatchedMapParts> {
  const { mapId, version, tileSize, origin } = index;
  const graph = await graphBytesOf({ index, source });
  return {
    mapId,
    version,
    tileSize,
    origin,
    features: graph ? mapFeatures(graph, origin) : [],
    points: (id) => tilePoints(core, index, source, id),
  };
}

/** The points of a tile, checked against the manifest; undefined where the map has none. Rejects with a Refusal. */
async function tilePoints(core: Core, index: MapIndex, source: OpenMap['source'], id: string) {
  const file = index.file(id);
  if (!file) return undefined;
  let points: CloudArrays | undefined;
  await index.build(core, id, await source.read(file.path, file), (cloud, origin) => {
    points = cloud.arrays();
    return core.tile(cloud, origin);
  });
  return (
    points && { origin: index.pointsOrigin(id), positions: points.positions, intensity: points.intensity }
  );
}
