import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ManifestStore, ReceivedManifest, SeenStore } from '../../ports.ts';
import { Refusal } from '../../types.ts';
import { syncFolder } from './disk.ts';

/** The version in use, one that is being fetched, and one to spare. */
const KEPT = 3;
const KEPT_NAME = /^(\d+)-[0-9a-f]{16}$/;
const SEEN_NAME = /^(\d+)-(\d+)$/;

/**
 * Manifests in the store, each in a folder of its own with its signature, so that the two are never of different
 * versions; and what was seen at most, as names of empty files: two processes that write at once lose nothing.
 */
export class FolderManifestStore implements ManifestStore {
  readonly #kept: string;
  readonly seen: SeenStore;

  private constructor(folder: string) {
    this.#kept = join(folder, 'kept');
    this.seen = new FolderSeenStore(join(folder, 'seen'));
  }

  static async open(storeFolder: string, mapId: string): Promise<FolderManifestStore> {
    const folder = join(storeFolder, 'maps', mapId);
    try {
      for (const part of ['kept', 'seen']) await mkdir(join(folder, part), { recursive: true });
    } catch (error) {
      throw new Refusal('store-unusable', `${folder}: ${(error as Error).message}; set map.store.folder`);
    }
    return new FolderManifestStore(folder);
  }

  async *stored(): AsyncIterable<ReceivedManifest> {
    for (const name of await this.#names()) {
      const manifest = await readFile(join(this.#kept, name, 'manifest.json')).catch(() => undefined);
      const envelope = await readFile(join(this.#kept, name, 'manifest.json.dsse')).catch(() => undefined);
      if (manifest) yield { manifest, envelope };
    }
  }

  async keep(version: number, { manifest, envelope }: ReceivedManifest): Promise<void> {
    const hash = createHash('sha256').update(manifest).digest('hex').slice(0, 16);
    const name = `${version}-${hash}`;
    if ((await this.#names()).includes(name)) return;
    const temporary = join(this.#kept, `.${process.pid}.${randomBytes(6).toString('hex')}`);
    try {
      await mkdir(temporary);
      await writeSynced(join(temporary, 'manifest.json'), manifest);
      if (envelope) await writeSynced(join(temporary, 'manifest.json.dsse'), envelope);
      await syncFolder(temporary);
      await rename(temporary, join(this.#kept, name));
      await syncFolder(this.#kept);
    } catch (error) {
      await rm(temporary, { recursive: true, force: true });
      const { code, message } = error as NodeJS.ErrnoException;
      // Another process was faster: it is there.
      if (code === 'ENOTEMPTY' || code === 'EEXIST') return;
      throw new Refusal(
        code === 'ENOSPC' ? 'disk-full' : 'disk-error',
        `${this.#kept}: manifest version ${version} could not be kept: ${message}; without a network the next start has the one before`,
      );
    }
    await this.#removeOld();
  }

  /** The latest version first. */
  async #names(): Promise<string[]> {
    const names = (await readdir(this.#kept)).filter((name) => KEPT_NAME.test(name));
    return names.sort((a, b) => Number.parseInt(b, 10) - Number.parseInt(a, 10));
  }

  /** What is in use stays, however many newer ones wait for their tiles. */
  async #removeOld(): Promise<void> {
    const { version } = await this.seen.read();
    for (const name of (await this.#names()).slice(KEPT)) {
      if (Number.parseInt(name, 10) !== version)
        await rm(join(this.#kept, name), { recursive: true, force: true });
    }
  }
}

class FolderSeenStore implements SeenStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async read(): Promise<{ version: number; timeMs: number }> {
    const most = { version: 0, timeMs: 0 };
    for (const [, version, timeMs] of await this.#all()) {
      most.version = Math.max(most.version, version);
      most.timeMs = Math.max(most.timeMs, timeMs);
    }
    return most;
  }

  async raise(version: number, timeMs: number): Promise<void> {
    const now = await this.read();
    if (version <= now.version && timeMs <= now.timeMs) return;
    const name = `${Math.max(version, now.version)}-${Math.max(timeMs, now.timeMs)}`;
    try {
      await writeSynced(join(this.#folder, name), new Uint8Array());
      await syncFolder(this.#folder);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      throw new Refusal(
        code === 'ENOSPC' ? 'disk-full' : 'disk-error',
        `${this.#folder}: that version ${version} is in use could not be noted: ${message}`,
      );
    }
    const [newVersion, newTime] = name.split('-').map(Number);
    for (const [old, v, t] of await this.#all())
      if (old !== name && v <= newVersion! && t <= newTime!)
        await rm(join(this.#folder, old), { force: true });
  }

  async #all(): Promise<[name: string, version: number, timeMs: number][]> {
    return (await readdir(this.#folder)).flatMap((name) => {
      const [, version, timeMs] = SEEN_NAME.exec(name) ?? [];
      return version === undefined ? [] : [[name, Number(version), Number(timeMs)]];
    });
  }
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'w');
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}
