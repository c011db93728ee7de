import { createHash, generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { signManifest } from '../../src/map/dsse.ts';
import { tileOrigin } from '../../src/map/tile-grid.ts';
import { Random } from '../../src/math/random.ts';
import { encodePcd } from '../../src/pointcloud/pcd.ts';

export const TILE_SIZE = 20;
const SIDE = 316; // of 316 × 316 tiles: 99,856, 6.3 km square
const FIELD_BYTES = 32;

export interface LargeMap {
  readonly url: string;
  readonly publicKey: string;
  readonly tiles: number;
  /** of all files of the map */
  readonly bytes: number;
  readonly manifestBytes: number;
  close(): void;
}

/** Points as a street has them: most on the ground, the others on two walls and a few round things. */
export function streetTile(points: number, seed: number): Uint8Array {
  const random = new Random(seed);
  const positions = new Float32Array(3 * points);
  const normals = new Float32Array(3 * points);
  for (let k = 0; k < points; k++) {
    const kind = k % 4;
    const [u, v] = [random.uniform(0, TILE_SIZE), random.uniform(0, TILE_SIZE)];
    const wall = kind === 1 ? 4 : 16;
    const isGround = kind === 0 || kind === 3;
    positions.set(
      isGround ? [u, v, random.uniform(-0.02, 0.02)] : [wall + random.uniform(-0.02, 0.02), v, u / 2],
      3 * k,
    );
    normals.set(isGround ? [0, 0, 1] : [1, 0, 0], 3 * k);
  }
  return encodePcd({
    positions,
    normals,
    intensity: new Float32Array(points),
    curvature: new Float32Array(points),
  });
}

/**
 * A map of 100,000 tiles behind a service on loopback. The tiles are made when they are asked for: all have the same
 * points but for the last one's curvature, so that each has its own hash.
 */
export async function serveLargeMap(points: number): Promise<LargeMap> {
  const template = Buffer.from(streetTile(points, 1));
  const head = createHash('sha256').update(template.subarray(0, -4));
  const idOf = new Map<string, number>();
  const entries: string[] = [];
  const fields = '["x","y","z","intensity","normal_x","normal_y","normal_z","curvature"]';
  for (let n = 0; n < SIDE * SIDE; n++) {
    const sha256 = head.copy().update(lastCurvature(n)).digest('hex');
    const id = `${(n % SIDE) - SIDE / 2}_${Math.floor(n / SIDE) - SIDE / 2}`;
    const [x, y] = tileOrigin(id, TILE_SIZE);
    idOf.set(sha256, n);
    entries.push(
      `"${id}":{"sha256":"${sha256}","bytes":${template.length},"points":${points},"bbox":[${x},${y},-1,${x + TILE_SIZE},${y + TILE_SIZE},11],"normals":{"k":20},"fields":${fields}}`,
    );
  }
  const manifest = Buffer.from(
    `{"specVersion":1,"mapId":"large","version":1,"expires":"2099-01-01T00:00:00Z","frame":{"origin":{"lat":37.5,"lon":127,"ellipsoidalHeight":40},"axes":"ENU","epsg":4326},"tileSize":${TILE_SIZE},"tiles":{${entries.join(',')}},"graph":{"sha256":"${'0'.repeat(64)}","bytes":1}}`,
  );
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const envelope = Buffer.from(signManifest(manifest, privateKey));
  const server = createServer((request, response) => {
    const name = request.url!.split('/').at(-1)!;
    const tile = idOf.get(name.replace('.pcd', ''));
    const send = (body: Buffer) =>
      response.writeHead(200, { etag: `"${name}"`, 'content-length': body.length }).end(body);
    if (name === 'manifest.json') send(manifest);
    else if (name === 'manifest.json.dsse') send(envelope);
    else if (tile !== undefined) send(Buffer.concat([template.subarray(0, -4), lastCurvature(tile)]));
    else response.writeHead(404).end();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/maps/large`,
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    tiles: SIDE * SIDE,
    bytes: SIDE * SIDE * template.length + manifest.length,
    manifestBytes: manifest.length,
    close: () => void server.close(),
  };
}

/** The last four bytes of a tile's file. */
function lastCurvature(n: number): Buffer {
  const bytes = Buffer.alloc(FIELD_BYTES / 8);
  bytes.writeFloatLE(n / 1e6);
  return bytes;
}
