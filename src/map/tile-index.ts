import { webcrypto } from 'node:crypto';
import { endianness } from 'node:os';
import type { Cloud, Core, Tile } from '../core.ts';
import { Refusal, refusalReason, type Vec3 } from '../types.ts';

/**
 * The file of a tile's search structures, beside the tile in the robot's own store:
 *
 *   0   8  "DILLYIDX"
 *   8   1  1: version of this file
 *   9   1  "L" or "B": order of the bytes in what the core wrote (little or big end first)
 *   10  6  zero
 *   16  32 SHA-256 of the tile's file
 *   48  32 SHA-256 of the 48 bytes before it and of the SHA-256 of all behind it
 *   80     what `Core.tileIndex` gave
 *
 * The robot makes it from a tile that it has checked, and never takes it from a map or the service: it follows from the
 * tile, belongs to one version of the core, and whoever signs maps would have to sign it. Points and normals are not in
 * it. Wherever it is not as it should be, the tile is built from its own file and this one written anew.
 */
const MAGIC = Buffer.from('DILLYIDX');
const VERSION = 1;
const TILE_AT = 16;
const HASH_AT = 48;
const BODY_AT = 80;
const ORDER = endianness() === 'LE' ? 'L' : 'B';

/** Where index files are kept; they are named after their tile. */
export interface IndexFiles {
  /** Undefined where there is none. They may lie in `into`, which is the caller's to use again. */
  readIndex(sha256: string, into?: Uint8Array): Promise<Uint8Array | undefined>;
  writeIndex(sha256: string, bytes: Uint8Array): Promise<void>;
}

/** The file around what the core wrote. `sha256`: of the tile's file, hex. */
export async function sealIndex(sha256: string, body: Uint8Array): Promise<Uint8Array> {
  const file = new Uint8Array(BODY_AT + body.length);
  file.set(MAGIC);
  file[8] = VERSION;
  file[9] = ORDER.charCodeAt(0);
  file.set(Buffer.from(sha256, 'hex'), TILE_AT);
  file.set(body, BODY_AT);
  file.set(await hashOf(file), HASH_AT);
  return file;
}

/** What the core wrote, out of the file. Rejects with a Refusal `index-…` unless it is whole and of this tile. */
export async function openIndex(sha256: string, file: Uint8Array): Promise<Uint8Array> {
  const refuse = (reason: string, expected: string, found: string | number) =>
    new Refusal(
      reason,
      `index of tile ${sha256.slice(0, 12)}…: expected ${expected}, found ${found}; it is made anew`,
    );
  if (file.length < BODY_AT) throw refuse('index-length', `at least ${BODY_AT} bytes`, file.length);
  if (!MAGIC.equals(file.subarray(0, MAGIC.length)))
    throw refuse('index-magic', 'a file that begins with DILLYIDX', 'another');
  if (file[8] !== VERSION) throw refuse('index-version', `version ${VERSION}`, file[8]!);
  const order = String.fromCharCode(file[9]!);
  if (order !== ORDER) throw refuse('index-endianness', `${ORDER}, the order of this machine`, order);
  const tile = Buffer.from(file.subarray(TILE_AT, HASH_AT)).toString('hex');
  if (tile !== sha256) throw refuse('index-tile', 'that of this tile', `that of ${tile.slice(0, 12)}…`);
  if (!(await hashOf(file)).equals(file.subarray(HASH_AT, BODY_AT)))
    throw refuse('index-hash', 'the hash that it was written with', 'another');
  return file.subarray(BODY_AT);
}

/** How a tile became searchable: `read` from its index, built because there was `none`, or why the index was refused. */
export type IndexUse = 'read' | 'none' | string;

/**
 * A searchable tile of a cloud that was checked: by the index in `file` where that is sound, else built. The two are the
 * same bit by bit. Rejects only where the cloud itself is refused.
 */
export async function indexedTile(
  core: Core,
  cloud: Cloud,
  origin: Vec3,
  sha256: string,
  file: Uint8Array | undefined,
): Promise<{ tile: Tile; use: IndexUse; detail?: string }> {
  if (!file || core.kind === 'portable') return { tile: await core.tile(cloud, origin), use: 'none' };
  try {
    return { tile: await core.tileFromIndex(cloud, origin, await openIndex(sha256, file)), use: 'read' };
  } catch (error) {
    const reason = refusalReason(error);
    if (!reason?.startsWith('index-')) throw error;
    return { tile: await core.tile(cloud, origin), use: reason, detail: (error as Error).message };
  }
}

/** Off the event loop. */
async function hashOf(file: Uint8Array): Promise<Buffer> {
  const { subtle } = webcrypto;
  // The hash of the body stands for it, so that nothing needs to be copied together.
  const body = await subtle.digest('SHA-256', file.subarray(BODY_AT) as Uint8Array<ArrayBuffer>);
  const all = Buffer.concat([file.subarray(0, HASH_AT), Buffer.from(body)]);
  return Buffer.from(await subtle.digest('SHA-256', all));
}
