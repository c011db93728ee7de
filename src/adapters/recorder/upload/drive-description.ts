import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { countMcap, type FileCounts } from '../../../quality/count-mcap.ts';
import { type DriveOffer, driveOffer, type OfferedFile } from '../../../quality/drive-offer.ts';
import { Refusal } from '../../../types.ts';

/** Beside the files of a drive that the map service has whole. */
export const ACCEPTED_FILE = 'accepted.json';
const OURS = new RegExp(`^${ACCEPTED_FILE}$|\\.uploaded$|\\.tmp$`);

/** Whether a name in a drive's folder is of the drive, and not a mark of ours. */
export function isOfDrive(name: string): boolean {
  return !OURS.test(name);
}

export interface DriveDescription {
  readonly offer: DriveOffer;
  /** of each MCAP file as it lies on the disk */
  readonly counts: readonly FileCounts[];
}

/** The files of a drive that is over, with their hashes and what is in them. Rejects with a Refusal `not-a-drive`. */
export async function describeDrive(folder: string): Promise<DriveDescription> {
  const files: OfferedFile[] = [];
  const counts: FileCounts[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (!entry.isFile() || !isOfDrive(entry.name)) continue;
    const path = join(folder, entry.name);
    const { size } = await stat(path);
    if (size === 0) continue;
    const hash = createHash('sha256');
    const bytes = createReadStream(path, { highWaterMark: 1 << 20 });
    const passing = hashed(bytes, hash);
    if (/\.mcap(?:\.part)?$/.test(entry.name)) counts.push(await countMcap(passing));
    else for await (const _ of passing);
    files.push({ path: entry.name, sha256: hash.digest('hex'), bytes: size });
  }
  if (counts.length === 0)
    throw new Refusal('not-a-drive', `expected a drive's MCAP files in ${folder}, found none`);
  const offer = driveOffer.safeParse({ specVersion: 1, name: basename(resolve(folder)), files });
  if (offer.success) return { offer: offer.data, counts };
  const issue = offer.error.issues[0]!;
  throw new Refusal('not-a-drive', `${folder}: ${issue.path.join('.')}: ${issue.message}`);
}

async function* hashed(bytes: AsyncIterable<Buffer>, hash: ReturnType<typeof createHash>) {
  for await (const part of bytes) {
    hash.update(part);
    yield part;
  }
}
