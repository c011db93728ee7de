import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Core } from '../core.ts';
import { HeightRaster } from '../evaluation/plots/height-raster.ts';
import { type Manifest, tilePath } from '../map/manifest.ts';
import { tileOrigin } from '../map/tile-grid.ts';
import { editServer } from '../map-service/editor/edit-server.ts';
import { readManifest } from '../map-service/graph-file.ts';
import { median } from '../math/statistics.ts';
import { Refusal } from '../types.ts';
import { type CommonOptions, openCore, openSession } from './shared.ts';

const PAGE = fileURLToPath(new URL('../../dist/map-editor', import.meta.url));
/** Of a tile's picture. */
const TILE_PIXELS = 160;
/** Colours go from the ground to this far above it, metres. */
const HEIGHT_M = 8;

/** `map annotate DIR --edit`: serves the page on loopback until it is interrupted. */
export async function editMap(
  dir: string,
  options: CommonOptions & { readonly port?: string },
): Promise<void> {
  const core = openCore(await openSession(options));
  const port = Number(options.port ?? 8091);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new Refusal('bad-argument', `--port: expected a number from 0 to 65535, found ${options.port}`);
  const manifest = await readManifest(dir);
  if (!(await readFile(join(PAGE, 'index.html')).catch(() => undefined)))
    throw new Refusal('no-page', `expected the page in ${PAGE}, found none; build it: npm run build`);
  const app = await editServer({ dir, page: PAGE, picture: (id) => tilePicture(core, dir, manifest, id) });
  const address = await app.listen({ host: '127.0.0.1', port });
  process.stdout.write(options.json ? `${JSON.stringify({ address })}\n` : `editing ${dir} at ${address}\n`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void app.close());
}

/** One tile from above, coloured by the height above the map's ground. */
export async function tilePicture(
  core: Core,
  dir: string,
  { tiles, tileSize }: Manifest,
  id: string,
): Promise<Uint8Array | undefined> {
  const entry = Object.hasOwn(tiles, id) ? tiles[id] : undefined;
  if (!entry) return undefined;
  const ground = median(Object.values(tiles).map(({ bbox }) => bbox[2]));
  const [west, south] = tileOrigin(id, tileSize);
  const raster = new HeightRaster(
    { west, south, east: west + tileSize, north: south + tileSize },
    TILE_PIXELS,
  );
  const { cloud } = await core.decodePcd(await readFile(join(dir, tilePath(entry))));
  raster.add(cloud.arrays().positions, [west, south, 0]);
  return raster.png([ground, ground + HEIGHT_M]);
}
