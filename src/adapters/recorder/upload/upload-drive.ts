import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { CountLedger } from '../../../quality/count-ledger.ts';
import { countsOfDrive } from '../../../quality/count-mcap.ts';
import { comparedDrives, type WindowRow } from '../../../quality/count-windows.ts';
import { RECEIVED_FILE } from '../../../quality/drive-offer.ts';
import { Refusal } from '../../../types.ts';
import { UPLOADED } from '../drive-folder.ts';
import { ACCEPTED_FILE, type DriveDescription } from './drive-description.ts';
import type { DriveService } from './drive-service.ts';

const ledger = z.record(z.string(), z.record(z.string(), z.int().min(0)));
const receivedSchema = z.object({ received: ledger, recorded: ledger });

/** What became of a drive on its way, for people and for the windows. */
export interface UploadedDrive {
  readonly name: string;
  readonly drive: string;
  readonly files: number;
  readonly bytes: number;
  /** of files, that were sent now: 0 where the service had all */
  readonly sent: number;
  /** the worst windows of each part of the way: received → recorded → uploaded → accepted */
  readonly windows: readonly WindowRow[];
}

/** Sends a drive that is over; when the service has accepted it, its files are marked. Rejects with a Refusal. */
export async function uploadDrive(
  folder: string,
  { offer, counts }: DriveDescription,
  service: DriveService,
): Promise<UploadedDrive> {
  const before = service.sent;
  let answer = await service.offer(offer);
  for (let turn = 0; !answer.accepted; turn++) {
    if (turn > 2)
      throw new Refusal(
        'not-accepted',
        `${folder}: expected the drive to be accepted, found files missing again and again`,
      );
    const missing = new Set(answer.missing.map(({ sha256 }) => sha256));
    for (const file of offer.files.filter(({ sha256 }) => missing.has(sha256)))
      await service.send(join(folder, file.path), file);
    answer = await service.offer(offer);
  }
  const windows = await windowsOf(folder, counts, CountLedger.from(answer.record.counts));
  const uploaded: UploadedDrive = {
    name: offer.name,
    drive: answer.drive,
    files: offer.files.length,
    bytes: offer.files.reduce((sum, { bytes }) => sum + bytes, 0),
    sent: service.sent - before,
    windows,
  };
  for (const { path } of offer.files)
    if (path.endsWith('.mcap')) await writeFile(join(folder, `${path}${UPLOADED}`), '');
  await writeFile(join(folder, ACCEPTED_FILE), `${JSON.stringify(uploaded)}\n`, { flush: true });
  return uploaded;
}

async function windowsOf(
  folder: string,
  counts: DriveDescription['counts'],
  accepted: CountLedger,
): Promise<WindowRow[]> {
  const uploaded = countsOfDrive(counts);
  const last = comparedDrives('uploaded', 'accepted', uploaded, accepted);
  const text = await readFile(join(folder, RECEIVED_FILE), 'utf8').catch(() => undefined);
  // A drive that a crash ended has no such file: what it recorded is what lies there.
  if (text === undefined) return last;
  const said = receivedSchema.parse(JSON.parse(text));
  const [received, recorded] = [CountLedger.from(said.received), CountLedger.from(said.recorded)];
  const first = comparedDrives('received', 'recorded', received, recorded);
  return [
    // What the robot says of itself, and dead letters, nobody received from outside.
    ...first.filter(({ channel }) => received.channels.includes(channel)),
    ...comparedDrives('recorded', 'uploaded', recorded, uploaded),
    ...last,
  ];
}
