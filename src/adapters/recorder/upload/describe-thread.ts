import { parentPort, workerData } from 'node:worker_threads';
import { refusalReason } from '../../../types.ts';
import { type DriveDescription, describeDrive } from './drive-description.ts';

export type Described =
  | { readonly ok: true; readonly drive: DriveDescription }
  | { readonly ok: false; readonly reason: string; readonly message: string };

/** Hashes and counts a drive away from the robot's event loop. */
const said: Described = await describeDrive((workerData as { folder: string }).folder).then(
  (drive) => ({ ok: true, drive }) as const,
  (error: Error) =>
    ({ ok: false, reason: refusalReason(error) ?? 'unreadable', message: error.message }) as const,
);
parentPort!.postMessage(said);
