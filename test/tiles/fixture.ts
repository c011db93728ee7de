import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { signManifest } from '../../src/map/dsse.ts';
import type { Manifest, TileEntry } from '../../src/map/manifest.ts';
import { tileOrigin } from '../../src/map/tile-grid.ts';
import { Random } from '../../src/math/random.ts';
import { encodePcd } from '../../src/pointcloud/pcd.ts';

export const TILE_SIZE = 20;
export const FIELDS = ['x', 'y', 'z', 'intensity', 'normal_x', 'normal_y', 'normal_z', 'curvature'];

export interface Keys {
  readonly publicPem: string;
  readonly privateKey: KeyObject;
}

export function keys(): Keys {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return { publicPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(), privateKey };
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A flat floor of points: bytes of a tile and its entry. */
export function tile(id: string, seed: number, points = 60): { bytes: Uint8Array; entry: TileEntry } {
  const random = new Random(seed);
  const positions = Float32Array.from({ length: 3 * points }, (_, k) =>
    k % 3 === 2 ? 0 : random.uniform(0, TILE_SIZE),
  );
  const normals = Float32Array.from({ length: 3 * points }, (_, k) => (k % 3 === 2 ? 1 : 0));
  const bytes = encodePcd({
    positions,
    normals,
    intensity: new Float32Array(points),
    curvature: new Float32Array(points),
  });
  const [x, y] = tileOrigin(id, TILE_SIZE);
  return {
    bytes,
    entry: {
      sha256: sha256(bytes),
      bytes: bytes.length,
      points,
      bbox: [x, y, 0, x + TILE_SIZE, y + TILE_SIZE, 0],
      normals: { k: 20 },
      fields: FIELDS,
    },
  };
}

export interface FixtureMap {
  readonly manifest: Uint8Array;
  readonly envelope: Uint8Array;
  /** path → bytes */
  readonly files: Map<string, Uint8Array>;
  readonly value: Manifest;
}

/** A signed map of tiles; each tile's points come from `seeds`, so that versions can share tiles or not. */
export function fixtureMap(
  signer: Keys,
  version: number,
  seeds: Readonly<Record<string, number>>,
  changes: Partial<Manifest> & { points?: number } = {},
): FixtureMap {
  const { points = 60, ...fields } = changes;
  const files = new Map<string, Uint8Array>();
  const tiles: Record<string, TileEntry> = {};
  for (const [id, seed] of Object.entries(seeds)) {
    const made = tile(id, seed, points);
    tiles[id] = made.entry;
    files.set(`tiles/sha256/${made.entry.sha256}.pcd`, made.bytes);
  }
  const value: Manifest = {
    specVersion: 1,
    mapId: 'yard',
    version,
    expires: '2027-01-31T00:00:00Z',
    frame: { origin: { lat: 37.5, lon: 127, ellipsoidalHeight: 45 }, axes: 'ENU', epsg: 4326 },
    tileSize: TILE_SIZE,
    tiles,
    graph: { sha256: 'a'.repeat(64), bytes: 10 },
    ...fields,
  };
  const manifest = Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
  const envelope = envelopeOf(signer, manifest);
  files.set('manifest.json', manifest);
  files.set('manifest.json.dsse', envelope);
  return { manifest, envelope, files, value };
}

export function envelopeOf({ privateKey }: Keys, manifest: Uint8Array): Uint8Array {
  return signManifest(manifest, privateKey);
}

/** Ids of a square of tiles around the zero, with seeds by version. */
export function square(reach: number, seed = 1): Record<string, number> {
  const seeds: Record<string, number> = {};
  for (let i = -reach; i < reach; i++)
    for (let j = -reach; j < reach; j++) seeds[`${i}_${j}`] = 1e6 * seed + 1000 * (i + 50) + (j + 50);
  return seeds;
}
