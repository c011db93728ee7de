import { open } from 'node:fs/promises';
import { Refusal } from '../../types.ts';

/** A rename is on the disk when its folder is. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** A Refusal `disk-full` or `disk-error` of what the file system said; other errors as they are. */
export function diskRefusal(error: unknown, path: string): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  if (error instanceof Refusal || code === undefined) return error;
  const isFull = code === 'ENOSPC' || code === 'EDQUOT';
  const what = isFull
    ? 'expected room on the disk, found none; free some'
    : `expected to use it, found ${code}`;
  return new Refusal(isFull ? 'disk-full' : 'disk-error', `${path}: ${what}`);
}
