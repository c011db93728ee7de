import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Refusal } from '../../../types.ts';
import { startThread } from '../thread.ts';
import type { Described } from './describe-thread.ts';
import { type DriveDescription, describeDrive, isOfDrive } from './drive-description.ts';

/** Less is hashed and counted faster than a thread begins, bytes. */
const SMALL = 1e6;

/** Descriptions of drives; the last one is kept, since an upload that was broken off is taken up again and again. */
export class Descriptions {
  #last: { readonly key: string; readonly drive: DriveDescription } | undefined;

  /** Rejects with a Refusal `not-a-drive`, `unreadable`. */
  async of(folder: string): Promise<DriveDescription> {
    const files = readdirSync(folder)
      .filter(isOfDrive)
      .map((name) => ({ name, ...statSync(join(folder, name)) }));
    const key = JSON.stringify([folder, files.map(({ name, size, mtimeMs }) => [name, size, mtimeMs])]);
    if (this.#last?.key === key) return this.#last.drive;
    const bytes = files.reduce((sum, { size }) => sum + size, 0);
    const drive = await (bytes < SMALL ? describeDrive(folder) : describedAside(folder));
    this.#last = { key, drive };
    return drive;
  }
}

/** Gigabytes must not hold up the robot's event loop. */
async function describedAside(folder: string): Promise<DriveDescription> {
  const thread = startThread(new URL('./describe-thread.ts', import.meta.url), { folder });
  try {
    const [said] = (await once(thread, 'message')) as [Described];
    if (said.ok) return said.drive;
    throw new Refusal(said.reason, said.message);
  } finally {
    await thread.terminate();
  }
}
