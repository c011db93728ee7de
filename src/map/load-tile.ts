import { webcrypto } from 'node:crypto';
import type { Cloud, Core, Tile } from '../core.ts';
import { Refusal, type Vec3 } from '../types.ts';
import type { TileEntry } from './manifest.ts';
import { tileOrigin } from './tile-grid.ts';

/** Points may lie this far outside the manifest's box: PCD text of other tools is rounded. */
const BOX_TOLERANCE_M = 0.01;
const NORMAL_TOLERANCE = 0.01;

/** How a cloud that was checked becomes searchable. */
export type MakeTile = (cloud: Cloud, origin: Vec3) => Promise<Tile>;

/**
 * A tile from its bytes, checked against its manifest entry before and after it is parsed, ready to search.
 * Rejects with a Refusal (and so the whole tile) on another hash or size, another number of points, values that are
 * not finite, normals that are not unit, or points outside the box.
 */
export async function loadTile(
  core: Core,
  id: string,
  entry: TileEntry,
  tileSize: number,
  bytes: Uint8Array,
  make: MakeTile = (cloud, origin) => core.tile(cloud, origin),
): Promise<Tile> {
  const refuse = (reason: string, what: string) =>
    new Refusal(reason, `tile ${id}: ${what}; it was set aside, fetch it again`);
  if (bytes.length !== entry.bytes)
    throw refuse('tile-size', `expected ${entry.bytes} bytes, found ${bytes.length}`);
  // Not createHash: this one works off the event loop.
  const hash = Buffer.from(
    await webcrypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>),
  ).toString('hex');
  if (hash !== entry.sha256) throw refuse('tile-hash', `expected sha256 ${entry.sha256}, found ${hash}`);
  const { cloud, notFinite } = await core.decodePcd(bytes);
  if (notFinite > 0)
    throw refuse('tile-not-finite', `expected finite points, found ${notFinite} that are not`);
  if (cloud.size !== entry.points)
    throw refuse('tile-points', `expected ${entry.points} points, found ${cloud.size}`);
  if (!cloud.hasNormals) throw refuse('tile-normals', 'expected normals, found none');
  const origin = tileOrigin(id, tileSize);
  const fault = await core.firstFault(cloud, {
    origin,
    box: entry.bbox,
    boxTolerance: BOX_TOLERANCE_M,
    normalTolerance: NORMAL_TOLERANCE,
  });
  if (fault?.kind === 'outside-box')
    throw refuse(
      'tile-outside-box',
      `expected points within [${entry.bbox.join(', ')}], found ${'xyz'[fault.axis]} = ${fault.value.toFixed(3)} at point ${fault.point}`,
    );
  if (fault)
    throw refuse(
      'tile-normals',
      `expected unit normals, found length ${fault.length.toFixed(3)} at point ${fault.point}`,
    );
  const tile = await make(cloud, origin);
  cloud.release();
  return tile;
}
