import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Refusal, refusalReason } from '../../../types.ts';
import { UNFINISHED } from '../drive-folder.ts';
import { QualityAlarms, type Tell } from '../quality-alarms.ts';
import type { RecordingMetrics } from '../recording-metrics.ts';
import { Descriptions } from './described.ts';
import { ACCEPTED_FILE } from './drive-description.ts';
import { DriveService, type Gate } from './drive-service.ts';
import { isPermitted, wayTo } from './network.ts';
import { Pace } from './pace.ts';
import type { UploadConfig } from './upload-config.ts';
import { type UploadedDrive, uploadDrive } from './upload-drive.ts';

/** A file that was written to so lately may still be recorded, by another process, ms. */
const FRESH_MS = 60_000;

export interface UploaderOptions {
  readonly config: UploadConfig;
  readonly token?: string | undefined;
  /** why the robot must not upload now (it is not parked); undefined: it may */
  readonly gate: Gate;
  readonly tell: Tell;
  readonly metrics?: Pick<RecordingMetrics, 'show'> | undefined;
}

/** Sends drives to the map service: on permitted networks only, while the gate is open, at an even rate. */
export class DriveUploader {
  readonly #options: UploaderOptions;
  readonly #pace: Pace;
  readonly #descriptions = new Descriptions();
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> | undefined;
  #closed = false;
  #said: string | undefined;

  constructor(options: UploaderOptions) {
    this.#options = options;
    this.#pace = new Pace(1e6 * options.config.megabytesPerSecond);
  }

  /** Sends one drive that is over. Rejects with a Refusal: `paused`, `network-not-permitted`, `still-recorded` … */
  async upload(folder: string): Promise<UploadedDrive> {
    const { config, token, tell, metrics } = this.#options;
    const gate = () => (this.#closed ? 'the robot shuts down' : this.#options.gate());
    const why = gate();
    if (why !== undefined) throw new Refusal('paused', `${folder}: paused: ${why}`);
    if (isOpen(folder))
      throw new Refusal(
        'still-recorded',
        `${folder}: expected a drive that is over, found a file still written`,
      );
    const localAddress = await permittedAddress(config);
    const service = new DriveService({ config, token, gate, pace: this.#pace, localAddress });
    try {
      const uploaded = await uploadDrive(folder, await this.#descriptions.of(folder), service);
      const { name, drive, windows, bytes } = uploaded;
      metrics?.show(windows, new Map());
      new QualityAlarms((kind, severity, text, data) =>
        tell(kind, severity, `drive ${name}: ${text}`, { ...data, drive }),
      ).windows(windows);
      tell('drive-uploaded', 'info', `drive ${name}: ${(bytes / 1e6).toFixed(1)} MB accepted`, {
        name,
        drive,
      });
      return uploaded;
    } finally {
      await service.close();
    }
  }

  /** Looks for drives below a folder again and again; `recording` is the one under way. */
  start(root: string, recording: () => string | undefined): void {
    const look = () => {
      this.#round ??= this.#all(root, recording).finally(() => {
        this.#round = undefined;
      });
    };
    this.#timer = setInterval(look, 1000 * this.#options.config.every);
    look();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#round;
  }

  async #all(root: string, recording: () => string | undefined): Promise<void> {
    for (const folder of waitingDrives(root)) {
      if (folder === recording() || isOpen(folder)) continue;
      try {
        await this.upload(folder);
        this.#said = undefined;
      } catch (error) {
        const reason = refusalReason(error) ?? 'upload-failed';
        // That it drives, or is away from its network, is no news.
        const isUsual = reason === 'paused' || reason === 'network-not-permitted';
        if (!isUsual && this.#said !== reason)
          this.#options.tell('upload-failed', 'warning', (error as Error).message, { reason });
        if (!isUsual) this.#said = reason;
        // Another drive would fare no better, but for one that cannot be read.
        if (reason !== 'not-a-drive' && reason !== 'unreadable') return;
      }
    }
  }
}

/** Drives that the map service has not accepted yet, the oldest first. */
export function waitingDrives(root: string): string[] {
  if (!existsSync(root)) return [];
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(root, name))
    .filter((folder) => !existsSync(join(folder, ACCEPTED_FILE)))
    .filter((folder) => readdirSync(folder).some((name) => /\.mcap(\.part)?$/.test(name)))
    .map((folder) => ({ folder, at: statSync(folder).mtimeMs }))
    .sort((a, b) => a.at - b.at)
    .map(({ folder }) => folder);
}

function isOpen(folder: string): boolean {
  return readdirSync(folder).some(
    (name) => name.endsWith(UNFINISHED) && Date.now() - statSync(join(folder, name)).mtimeMs < FRESH_MS,
  );
}

/** This machine's address on the way to the service. Rejects with a Refusal `network-not-permitted`. */
async function permittedAddress({ service, networks }: UploadConfig): Promise<string> {
  let url: URL;
  try {
    url = new URL(service);
  } catch {
    throw new Refusal(
      'bad-config',
      `recorder.upload.service: expected an address, found ${service || 'none'}`,
    );
  }
  const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
  const way = await wayTo(url.hostname.replace(/^\[|\]$/g, ''), port);
  if (way && isPermitted(way, networks)) return way.address;
  const found = way ? `${way.address} of ${way.interface ?? 'no interface'}` : 'no way';
  throw new Refusal(
    'network-not-permitted',
    `${service}: expected to go out by ${networks.join(', ') || 'a network of recorder.upload.networks, which names none'}; found ${found}`,
  );
}
