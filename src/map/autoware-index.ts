import { z } from 'zod';
import type { Core, Tile } from '../core.ts';
import { type MapFile, Refusal, type Vec3 } from '../types.ts';
import type { Manifest } from './manifest.ts';
import { BYTES_A_POINT, type MapIndex } from './map-index.ts';
import { tileId, tileOrigin } from './tile-grid.ts';

/** pointcloud_map_metadata.yaml of Autoware's map_loader: two sizes, and the lower left corner of each file. */
const metadataSchema = z
  .object({ x_resolution: z.number().positive(), y_resolution: z.number().positive() })
  .catchall(z.tuple([z.number(), z.number()]));

/** The points are float32 relative to the map's origin: their step 100 km away from it (an MGRS square) is 8 mm. */
const BOX_TOLERANCE_M = 0.05;
const NORMAL_TOLERANCE = 0.01;
/** As the map builder's default. */
const NORMAL_NEIGHBOURS = 20;
/** x, y, z as float32: what a point takes in a file at least. */
const LEAST_BYTES_A_POINT = 12;
const ANY_HEIGHT = 10_000;

/**
 * The index of a map that is divided the Autoware way: nobody vouches for its files. `metadata`: the value of
 * pointcloud_map_metadata.yaml; `sizes`: bytes of each file that is there. Throws a Refusal `bad-metadata`.
 */
export function autowareIndex(
  mapId: string,
  metadata: unknown,
  origin: Manifest['frame']['origin'],
  folder: string,
  sizes: ReadonlyMap<string, number>,
): MapIndex {
  const parsed = metadataSchema.safeParse(metadata);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw bad(`${issue.path.join('.') || '(root)'}: ${issue.message}`);
  }
  const { x_resolution: tileSize, y_resolution, ...corners } = parsed.data;
  if (tileSize !== y_resolution)
    throw bad(`expected square tiles, found ${tileSize} × ${y_resolution} m; divide the map again`);
  const files = new Map<string, MapFile>();
  for (const [name, [x, y]] of Object.entries(corners)) {
    const [i, j] = [Math.round(x / tileSize), Math.round(y / tileSize)];
    if (Math.hypot(x - i * tileSize, y - j * tileSize) > BOX_TOLERANCE_M)
      throw bad(`${name}: expected a corner on the grid of ${tileSize} m, found [${x}, ${y}]`);
    if (/[/\\]/.test(name)) throw bad(`${name}: expected the name of a file`);
    const bytes = sizes.get(name);
    if (bytes === undefined) throw bad(`${name}: the file is missing`);
    files.set(tileId(i, j), { path: `${folder}${name}`, bytes });
  }
  return new AutowareIndex(mapId, tileSize, origin, files);
}

class AutowareIndex implements MapIndex {
  readonly version = 1;
  readonly expires = undefined;
  readonly isSigned = false;
  readonly mapId: string;
  readonly tileSize: number;
  readonly origin: Manifest['frame']['origin'];
  readonly #files: ReadonlyMap<string, MapFile>;

  constructor(
    mapId: string,
    tileSize: number,
    origin: Manifest['frame']['origin'],
    files: ReadonlyMap<string, MapFile>,
  ) {
    this.mapId = mapId;
    this.tileSize = tileSize;
    this.origin = origin;
    this.#files = files;
  }

  get size(): number {
    return this.#files.size;
  }

  file(id: string): MapFile | undefined {
    return this.#files.get(id);
  }

  /** Estimated by the size of the file; a compressed one takes more. */
  memoryOf(id: string): number | undefined {
    const bytes = this.#files.get(id)?.bytes;
    return bytes === undefined ? undefined : (bytes / LEAST_BYTES_A_POINT) * BYTES_A_POINT;
  }

  pointsOrigin(): Vec3 {
    return [0, 0, 0];
  }

  async build(core: Core, id: string, bytes: Uint8Array): Promise<Tile> {
    const refuse = (reason: string, what: string) => new Refusal(reason, `tile ${id}: ${what}`);
    const { cloud, notFinite } = await core.decodePcd(bytes);
    if (notFinite > 0)
      throw refuse('tile-not-finite', `expected finite points, found ${notFinite} that are not`);
    const withNormals = cloud.hasNormals ? cloud : await core.estimateNormals(cloud, NORMAL_NEIGHBOURS);
    const [x, y] = tileOrigin(id, this.tileSize);
    const fault = await core.firstFault(withNormals, {
      origin: [0, 0, 0],
      box: [x, y, -ANY_HEIGHT, x + this.tileSize, y + this.tileSize, ANY_HEIGHT],
      boxTolerance: BOX_TOLERANCE_M,
      normalTolerance: NORMAL_TOLERANCE,
    });
    if (fault?.kind === 'outside-box')
      throw refuse(
        'tile-outside-box',
        `expected points within its square, found ${'xyz'[fault.axis]} = ${fault.value.toFixed(3)} at point ${fault.point}`,
      );
    if (fault) throw refuse('tile-normals', `expected unit normals, found length ${fault.length.toFixed(3)}`);
    return core.tile(withNormals, this.pointsOrigin());
  }
}

function bad(what: string): Refusal {
  return new Refusal('bad-metadata', `pointcloud_map_metadata.yaml: ${what}`);
}
