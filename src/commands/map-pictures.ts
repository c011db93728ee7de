import { createHash } from 'node:crypto';
import type { RobotPictures, SignalPicture, WallPicture } from '../adapters/ros2/driven-robot.ts';
import type { Core } from '../core.ts';
import type { TileSupply } from '../map/tile-supply.ts';
import { enuFrame } from '../math/geodesy.ts';
import { parseGraph } from '../route/parse-graph.ts';
import { Refusal, type Vec3 } from '../types.ts';
import { sampleOf } from './map-sample.ts';
import type { OpenMap } from './open-map.ts';

/** What ROS 2 shows of a map, at the height of its origin. Rejects with a Refusal where the map's graph is damaged. */
export async function mapPictures(core: Core, map: OpenMap, supply: TileSupply): Promise<RobotPictures> {
  const frame = enuFrame(map.index.origin);
  const { ellipsoidalHeight } = map.index.origin;
  const place = ([lon, lat]: readonly number[]): Vec3 => {
    const [x, y] = frame.toEnu(lat!, lon!, ellipsoidalHeight);
    return [x, y, 0];
  };
  const graph = await graphOf(map);
  const walls: WallPicture[] = (graph?.walls ?? []).map(({ geometry, properties: { id, type } }) => ({
    id,
    type,
    line: (geometry.type === 'Polygon' ? geometry.coordinates[0]! : geometry.coordinates).map(place),
  }));
  const signals: SignalPicture[] = (graph?.signals ?? []).map(({ geometry, properties: { id } }) => ({
    id,
    position: place(geometry.coordinates),
  }));
  return {
    mapPoints: () => sampleOf(core, supply, map.source),
    walls: () => walls,
    signals: () => signals,
    toLonLat: (x, y) => {
      const { lat, lon } = frame.toGeodetic([x, y, 0]);
      return [lon, lat];
    },
  };
}

export const NO_PICTURES: RobotPictures = {
  mapPoints: async () => new Float32Array(),
  walls: () => [],
  signals: () => [],
  toLonLat: () => undefined,
};

async function graphOf(map: OpenMap) {
  const bytes = await graphBytesOf(map);
  return bytes && parseGraph(bytes);
}

/** graph.geojson as the manifest has it; undefined where the map has none. Rejects with a Refusal. */
export async function graphBytesOf({
  index: { graph, mapId },
  source,
}: Pick<OpenMap, 'index' | 'source'>): Promise<Uint8Array | undefined> {
  if (!graph) return undefined;
  const bytes = await source.read(graph.path, graph);
  const found = createHash('sha256').update(bytes).digest('hex');
  if (graph.sha256 !== undefined && found !== graph.sha256)
    throw new Refusal(
      'bad-graph',
      `map ${mapId}: expected graph.geojson of sha256 ${graph.sha256}, found ${found}; fetch the map again`,
    );
  return bytes;
}
