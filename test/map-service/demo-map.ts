import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { enuFrame } from '../../src/math/geodesy.ts';
import { Random } from '../../src/math/random.ts';
import { City, ORIGIN, wall } from '../route/city.ts';

export const sha256 = (bytes: string | Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** A map package of a small city, 10 × 10 corners, with tiles of random bytes (the service does not look into them). */
export function writeDemoMap(root: string, mapId: string, version = 1, tileBytes = 5000, tileSize = 100) {
  const folder = join(root, mapId);
  mkdirSync(join(folder, 'tiles/sha256'), { recursive: true });
  const random = new Random(5);
  const tiles: Record<string, object> = {};
  const hexes: string[] = [];
  for (let i = 0; i < 5; i++) {
    for (let j = 0; j < 5; j++) {
      const bytes = Uint8Array.from({ length: tileBytes }, () => random.uint32() & 255);
      const hex = sha256(bytes);
      hexes.push(hex);
      writeFileSync(join(folder, `tiles/sha256/${hex}.pcd`), bytes);
      tiles[`${i}_${j}`] = {
        sha256: hex,
        bytes: tileBytes,
        points: 1,
        bbox: [i * tileSize, j * tileSize, 0, (i + 1) * tileSize, (j + 1) * tileSize, 1],
        normals: { k: 20 },
        fields: ['x', 'y', 'z'],
      };
    }
  }
  const city = new City(10, 3);
  const signal = {
    geometry: { type: 'Point', coordinates: [ORIGIN.lon, ORIGIN.lat] },
    properties: {
      kind: 'signal',
      id: 's',
      link: 'l0-1',
      stopLine: [
        [ORIGIN.lon, ORIGIN.lat],
        [ORIGIN.lon, ORIGIN.lat + 1e-4],
      ],
      crossingLength: 12,
      provider: 'city',
      externalId: '7',
      head: 'nt',
      verifiedAt: '2026-01-01',
    },
  };
  const far = wall('far', 'no_go', [
    [ORIGIN.lon + 1, ORIGIN.lat],
    [ORIGIN.lon + 1.1, ORIGIN.lat],
  ]);
  const features = [...city.nodes(), ...city.links(), signal, far].map((one) => ({
    type: 'Feature',
    ...one,
  }));
  const graph = JSON.stringify({ type: 'FeatureCollection', features });
  writeFileSync(join(folder, 'graph.geojson'), graph);
  const origin = { lat: ORIGIN.lat, lon: ORIGIN.lon, ellipsoidalHeight: 45 };
  const manifest = JSON.stringify({
    specVersion: 1,
    mapId,
    version,
    expires: '2036-01-01T00:00:00Z',
    frame: { origin, axes: 'ENU', epsg: 4326 },
    tileSize,
    tiles,
    graph: { sha256: sha256(graph), bytes: Buffer.byteLength(graph) },
  });
  writeFileSync(join(folder, 'manifest.json'), manifest);
  return { folder, hexes, manifest, graph, frame: enuFrame(origin), city };
}
