import { open, readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { SensorSource } from '../../ports.ts';
import { Refusal } from '../../types.ts';
import { type BagFile, type Damage, damageReason, errorText } from './bag-file.ts';
import { BagSource, type SourceOptions } from './bag-source.ts';
import { isKittiDrive, openKitti } from './kitti.ts';
import { readBagMetadata } from './metadata.ts';
import { openRosbag1 } from './rosbag1.ts';
import { BAG_MAGIC } from './rosbag1-scan.ts';
import { openMcap } from './rosbag2-mcap.ts';
import { openSqlite } from './rosbag2-sqlite.ts';

export type { SourceOptions } from './bag-source.ts';

export type BagFormat = 'mcap' | 'rosbag2-sqlite' | 'rosbag1' | 'zstd-file';

interface Format {
  readonly name: BagFormat;
  readonly magic: Buffer;
  readonly open: (path: string) => Promise<BagFile>;
}

const FORMATS: readonly Format[] = [
  { name: 'mcap', magic: Buffer.from('\x89MCAP0\r\n', 'latin1'), open: openMcap },
  { name: 'rosbag2-sqlite', magic: Buffer.from('SQLite format 3\0'), open: openSqlite },
  { name: 'rosbag1', magic: Buffer.from(BAG_MAGIC), open: openRosbag1 },
  { name: 'zstd-file', magic: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), open: refuseZstdFile },
];
const KNOWN = 'an MCAP, rosbag2 SQLite or ROS 1 (2.0) file, a rosbag2 folder, or a KITTI raw drive';

/**
 * Opens recorded sensor data: an MCAP, rosbag2 SQLite or ROS 1 bag file, a folder of them (with or without
 * `metadata.yaml`), or the folder of a KITTI raw drive. Files are told by their first bytes, not by their names.
 * A bag that is damaged but not beyond reading is opened; its source says what is lost at the end of `messages()`.
 *
 * Rejects with a Refusal: `not-found`, `empty-bag`, `not-a-bag`, `damaged-bag`, `unsupported-compression`,
 * `no-such-topic`, `wrong-topic-type`, and for KITTI `missing-file`, `bad-timestamps`,
 * `no-calibration`, `bad-calibration`.
 */
export async function openSource(path: string, options: SourceOptions = {}): Promise<SensorSource> {
  const info = await stat(path).catch(() => undefined);
  if (!info) throw new Refusal('not-found', `expected ${KNOWN} at ${path}, found nothing; check the path`);
  if (info.isDirectory() && (await isKittiDrive(path))) return openKitti(path, options);
  const { files, damage } = info.isDirectory()
    ? await openFolder(path)
    : { files: [await openFile(path)], damage: [] };
  try {
    return new BagSource(basename(path), files, damage, options);
  } catch (error) {
    await Promise.all(files.map((file) => file.close()));
    throw error;
  }
}

/**
 * Opens one bag file as it is stored, message by message, for tools that copy. Rejects with a Refusal: `not-found`,
 * `empty-bag`, `not-a-bag`, `truncated-bag`, `damaged-bag`, `unsupported-compression`.
 */
export async function openBagFile(path: string): Promise<BagFile & { readonly format: BagFormat }> {
  const info = await stat(path).catch(() => undefined);
  if (!info?.isFile())
    throw new Refusal(
      'not-found',
      `expected a bag file at ${path}, found ${info ? 'a folder' : 'nothing'}; check the path`,
    );
  const format = await formatOf(path);
  return Object.assign(await format.open(path), { format: format.name });
}

async function openFile(path: string): Promise<BagFile> {
  return (await formatOf(path)).open(path);
}

async function formatOf(path: string): Promise<Format> {
  const head = await readHead(path);
  if (head.length === 0) {
    throw new Refusal(
      'empty-bag',
      `expected ${KNOWN} at ${path}, found an empty file; record or copy it again`,
    );
  }
  const format = FORMATS.find(({ magic }) => head.subarray(0, magic.length).equals(magic));
  if (!format) {
    const begun = FORMATS.some(({ magic }) => head.equals(magic.subarray(0, head.length)));
    if (begun)
      throw new Refusal(
        'truncated-bag',
        `expected ${KNOWN} at ${path}, found the first ${head.length} bytes of one; nothing can be saved`,
      );
    const found = JSON.stringify(head.toString('latin1'));
    throw new Refusal('not-a-bag', `expected ${KNOWN} at ${path}, found a file that starts with ${found}`);
  }
  return format;
}

/** One bag in several files. A file that cannot be opened is damage, as long as another one can. */
async function openFolder(path: string): Promise<{ files: BagFile[]; damage: Damage[] }> {
  const names = (await readBagMetadata(path)) ?? (await bagFileNames(path));
  const files: BagFile[] = [];
  const damage: Damage[] = [];
  let firstError: unknown;
  for (const name of names) {
    try {
      files.push(await openFile(join(path, name)));
    } catch (error) {
      firstError ??= error;
      damage.push({ reason: damageReason(error), detail: `${name}: ${errorText(error)}` });
    }
  }
  if (files.length > 0) return { files, damage };
  if (firstError instanceof Refusal) throw firstError;
  const found = firstError ? errorText(firstError) : 'no .mcap, .db3 or .bag file in the folder';
  throw new Refusal('not-a-bag', `expected ${KNOWN} at ${path}, found ${found}`);
}

async function bagFileNames(path: string): Promise<string[]> {
  return (await readdir(path)).filter((name) => /\.(mcap|db3|bag)(\.zstd)?$/.test(name)).sort();
}

async function readHead(path: string): Promise<Buffer> {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(16), 0, 16, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

function refuseZstdFile(path: string): Promise<BagFile> {
  const detail = `expected an unpacked bag file, found ${path} compressed as a whole; run \`zstd -d ${path}\` first`;
  return Promise.reject(new Refusal('unsupported-compression', detail));
}
