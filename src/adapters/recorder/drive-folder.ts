import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Beside a file that the map service has whole: FILE.uploaded. */
export const UPLOADED = '.uploaded';
/** A file that is still written; what a crash leaves of it is read like any bag. */
export const UNFINISHED = '.part';

export interface RecordedPlace {
  readonly path: string;
  readonly bytes: number;
  readonly modifiedMs: number;
  readonly uploaded: boolean;
}

/** All finished files of all drives below a folder, the oldest first. */
export function recordedFiles(root: string): RecordedPlace[] {
  const files: RecordedPlace[] = [];
  for (const drive of readdirSync(root, { withFileTypes: true })) {
    if (!drive.isDirectory()) continue;
    for (const name of readdirSync(join(root, drive.name))) {
      if (!name.endsWith('.mcap')) continue;
      const path = join(root, drive.name, name);
      const { size, mtimeMs } = statSync(path);
      files.push({ path, bytes: size, modifiedMs: mtimeMs, uploaded: existsSync(`${path}${UPLOADED}`) });
    }
  }
  return files.sort((a, b) => a.modifiedMs - b.modifiedMs || (a.path < b.path ? -1 : 1));
}

/**
 * Deletes files until `budget` bytes are kept: those that were uploaded go first, the oldest of them first, then the
 * oldest of the others. Returns what went.
 */
export function keepQuota(root: string, budget: number): RecordedPlace[] {
  const files = recordedFiles(root);
  let total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const gone: RecordedPlace[] = [];
  for (const file of [...files.filter(({ uploaded }) => uploaded), ...files.filter((f) => !f.uploaded)]) {
    if (total <= budget) break;
    rmSync(file.path, { force: true });
    rmSync(`${file.path}${UPLOADED}`, { force: true });
    total -= file.bytes;
    gone.push(file);
  }
  return gone;
}
