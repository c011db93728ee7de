import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { BUCKET_S, CountLedger } from '../../../quality/count-ledger.ts';
import { countsOfDrive } from '../../../quality/count-mcap.ts';
import { comparedDrives, type WindowRow, worstWindows } from '../../../quality/count-windows.ts';
import { RECEIVED_FILE } from '../../../quality/drive-offer.ts';
import { Refusal } from '../../../types.ts';
import { UPLOADED } from '../drive-folder.ts';
import { ACCEPTED_FILE, type DriveDescription } from './drive-description.ts';
import type { DriveService } from './drive-service.ts';

const ledger = z.record(z.string(), z.record(z.string(), z.int().min(0)));
const receivedSchema = z.object({
  /** messages a second that each topic should send, and the share of them that may be missing */
  rates: z.record(z.string(), z.number()).default({}),
  missing: z.number().default(0),
  received: ledger,
  recorded: ledger,
});

/** What became of a drive on its way, for people and for the windows. */
export interface UploadedDrive {
  readonly name: string;
  readonly drive: string;
  readonly files: number;
  readonly bytes: number;
  /** of files, that were sent now: 0 where the service had all */
  readonly sent: number;
  /** the worst windows of each part of the way: sensor → received → recorded → uploaded → accepted */
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
    ...sensorWindows(said.rates, said.missing, received),
    // What the robot says of itself, and dead letters, nobody received from outside.
    ...first.filter(({ channel }) => received.channels.includes(channel)),
    ...comparedDrives('recorded', 'uploaded', recorded, uploaded),
    ...last,
  ];
}

/** What the sensors should have sent of whole spans of the drive; a topic counts from when it came first. */
function sensorWindows(
  rates: Readonly<Record<string, number>>,
  tolerance: number,
  received: CountLedger,
): WindowRow[] {
  const span = received.span;
  if (!span) return [];
  const [first, last] = [span[0] + 1, span[1] - 1];
  return Object.entries(rates).flatMap(([channel, hertz]) => {
    let since = first;
    while (since <= last && received.between(channel, span[0], since - 1) === 0) since++;
    return worstWindows({
      from: 'sensor',
      to: 'received',
      channels: [channel],
      // One that never came is missing from the beginning.
      first: since > last ? first : since,
      last,
      expected: (_, from, to) => (to - from + 1) * BUCKET_S * hertz,
      found: received,
      tolerance,
      slack: 2,
    });
  });
}
