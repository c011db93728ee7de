import { createReadStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { CountLedger, type LedgerJson } from '../../quality/count-ledger.ts';
import { countMcap, countsOfDrive, type FileCounts } from '../../quality/count-mcap.ts';
import { comparedDrives, type WindowRow } from '../../quality/count-windows.ts';
import { type DriveOffer, driveId, type OfferedFile, RECEIVED_FILE } from '../../quality/drive-offer.ts';
import { writeWhole } from '../whole-file.ts';
import type { DriveStore } from './drive-store.ts';
import { Problem } from './problem.ts';

const RECORD = '.drive.json';
/** A ledger of a day of thirty channels takes a tenth of this. */
const MOST_LEDGER_BYTES = 64e6;
const ledger = z.record(z.string(), z.record(z.string().regex(/^\d{1,12}$/), z.int().min(0)));
const receivedSchema = z.object({ recorded: ledger });

/** A drive that is here whole, and what was found in it. */
export interface DriveRecord {
  readonly specVersion: 1;
  readonly drive: string;
  readonly name: string;
  /** who sent it; null where nobody needs a token */
  readonly robot: string | null;
  /** UTC */
  readonly accepted: string;
  readonly bytes: number;
  readonly messages: number;
  readonly files: readonly (OfferedFile & { readonly damage?: string })[];
  /** messages that could be read here, by channel and span */
  readonly counts: LedgerJson;
  /** against what the robot recorded: the worst of each window that is not right */
  readonly wrong: readonly WindowRow[];
}
export type DriveSummary = Omit<DriveRecord, 'files' | 'counts' | 'specVersion' | 'wrong'> & {
  readonly files: number;
  readonly wrong: number;
};

export type Offered =
  | { readonly kind: 'known' | 'accepted'; readonly record: DriveRecord }
  | { readonly kind: 'missing'; readonly missing: readonly (OfferedFile & { readonly offset: number })[] };

/** The drives that are here whole. A drive is listed when its record is there, which is written last, whole. */
export class DriveCatalog {
  readonly #store: DriveStore;

  constructor(store: DriveStore) {
    this.#store = store;
  }

  /** Accepts a drive whose files are all here, once; else says what is missing. Throws a Problem. */
  async offer(offer: DriveOffer, robot: string | undefined, now: Date): Promise<Offered> {
    const drive = driveId(offer);
    const known = await this.find(drive);
    if (known) return { kind: 'known', record: known };
    const missing: (OfferedFile & { offset: number })[] = [];
    for (const file of offer.files) {
      const state = await this.#store.find(file.sha256);
      if (!state?.complete) missing.push({ ...file, offset: state?.offset ?? 0 });
      else if (state.bytes !== file.bytes)
        throw new Problem(
          409,
          'other-length',
          `${file.path}: expected ${state.bytes} bytes of this content, found ${file.bytes}`,
        );
    }
    if (missing.length > 0) return { kind: 'missing', missing };
    const record = await this.#recordOf(offer, drive, robot, now);
    await writeWhole(this.#path(drive), Buffer.from(JSON.stringify(record)));
    return { kind: 'accepted', record };
  }

  async find(drive: string): Promise<DriveRecord | undefined> {
    const text = await readFile(this.#path(drive), 'utf8').catch(() => undefined);
    return text === undefined ? undefined : (JSON.parse(text) as DriveRecord);
  }

  /** In the order of their ids, after one of them. */
  async list(after: string, limit: number, robot?: string): Promise<DriveSummary[]> {
    const names = await readdir(this.#store.folder).catch(() => []);
    const ids = names
      .filter((name) => name.endsWith(RECORD))
      .map((name) => name.slice(0, -RECORD.length))
      .sort();
    const found: DriveSummary[] = [];
    for (const id of ids) {
      if (found.length >= limit) break;
      if (id <= after) continue;
      const record = await this.find(id);
      if (record && (robot === undefined || record.robot === robot)) found.push(summaryOf(record));
    }
    return found;
  }

  async #recordOf(
    offer: DriveOffer,
    drive: string,
    robot: string | undefined,
    now: Date,
  ): Promise<DriveRecord> {
    const read: FileCounts[] = [];
    const files: DriveRecord['files'][number][] = [];
    for (const file of offer.files) {
      const counts = /\.mcap(?:\.part)?$/.test(file.path)
        ? await countMcap(createReadStream(this.#store.pathOf(file.sha256), { highWaterMark: 1 << 20 }))
        : undefined;
      if (counts) read.push(counts);
      files.push({ ...file, ...(counts?.damage !== undefined && { damage: counts.damage }) });
    }
    const counts = countsOfDrive(read);
    const recorded = await this.#recorded(offer);
    const rows = recorded ? comparedDrives('recorded', 'accepted', recorded, counts) : [];
    return {
      specVersion: 1,
      drive,
      name: offer.name,
      robot: robot ?? null,
      accepted: now.toISOString(),
      bytes: offer.files.reduce((sum, { bytes }) => sum + bytes, 0),
      messages: counts.channels.reduce((sum, channel) => sum + counts.total(channel), 0),
      files,
      counts: counts.toJSON(),
      wrong: rows.filter(({ verdict }) => verdict !== 'ok'),
    };
  }

  /** What the robot says that it recorded; undefined where it says nothing that can be read. */
  async #recorded({ files }: DriveOffer): Promise<CountLedger | undefined> {
    const file = files.find(({ path }) => path === RECEIVED_FILE);
    if (!file || file.bytes > MOST_LEDGER_BYTES) return undefined;
    try {
      const text = await readFile(this.#store.pathOf(file.sha256), 'utf8');
      return CountLedger.from(receivedSchema.parse(JSON.parse(text)).recorded);
    } catch {
      return undefined;
    }
  }

  #path(drive: string): string {
    return join(this.#store.folder, `${drive}${RECORD}`);
  }
}

function summaryOf(record: DriveRecord): DriveSummary {
  const { drive, name, robot, accepted, bytes, messages, files, wrong } = record;
  return { drive, name, robot, accepted, bytes, messages, files: files.length, wrong: wrong.length };
}
