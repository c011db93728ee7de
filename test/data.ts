import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The folder of real recordings: `DILLY_DATA`, or where this workspace keeps it. A fresh clone has none. */
const FOLDER = process.env.DILLY_DATA ?? resolve(import.meta.dirname, '../../shared/data');

/** A path in the folder of real data; undefined, said aloud, where it is not there. */
export function realData(path: string): string | undefined {
  const found = join(FOLDER, path);
  if (existsSync(found)) return found;
  console.warn(`skipped: no real data ${path}; set DILLY_DATA to the folder that has it`);
  return undefined;
}
