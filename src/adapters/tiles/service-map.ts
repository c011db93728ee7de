import type { ManifestService, MapSource, ReceivedManifest } from '../../ports.ts';
import { type MapFile, Refusal, refusalReason } from '../../types.ts';
import { type DiffAnswer, parseDiffAnswer } from './diff-answer.ts';
import { GrowingBuffer } from './growing-buffer.ts';
import type { HttpClient } from './http-client.ts';
import type { TileStore } from './tile-store.ts';

/** An envelope holds the manifest in base64 at most, and signatures. */
const ENVELOPE_SHARE = 1.5;
const ENVELOPE_EXTRA = 65_536;
/** An answer to `tiles:diff` is at most so large, bytes: 150 a tile, of which 5 km around a place has 200,000 at most. */
const DIFF_LIMIT = 32e6;

export interface ServiceMapParts {
  /** `https://host/v1/maps/ID`, or any address with a map package below it */
  readonly base: string;
  readonly client: HttpClient;
  readonly store: TileStore;
  /** bytes */
  readonly manifestLimit: number;
  readonly parallel: number;
  /** after what was wanted could not be fetched, it is tried again so much later, ms */
  readonly retryMs: number;
}

/** For operators. */
export interface ServiceStatus {
  /** false: the store alone */
  readonly online: boolean;
  readonly bytesReceived: number;
  readonly bytesStored: number;
  /** why it is not online, or why the store takes nothing more */
  readonly reason?: string;
  readonly detail?: string;
}

/** A map of the map service: tiles come out of the store, and are downloaded into it where they are missing. */
export class ServiceMap implements MapSource, ManifestService {
  readonly #parts: ServiceMapParts;
  readonly #underway = new Map<string, Promise<void>>();
  #wanted: MapFile[] = [];
  #workers = 0;
  #retry: NodeJS.Timeout | undefined;
  #etag: { received?: string | undefined; accepted?: string | undefined } = {};
  #network: Refusal | undefined;
  #disk: Refusal | undefined;
  #cannotDiff: Refusal | undefined;
  #isClosed = false;

  constructor(parts: ServiceMapParts) {
    this.#parts = parts;
  }

  get indices(): TileStore {
    return this.#parts.store;
  }

  get finder(): this {
    return this;
  }

  /** Asks `tiles:diff`. A service that only has files is not asked again. Rejects with a Refusal. */
  async nearest(
    area: { lat: number; lon: number; radius: number },
    held: readonly string[],
  ): Promise<DiffAnswer> {
    if (this.#cannotDiff) throw this.#cannotDiff;
    const { base, client } = this.#parts;
    try {
      return parseDiffAnswer(
        await this.#noting(() => client.ask(`${base}/tiles:diff`, { area, held }, DIFF_LIMIT)),
      );
    } catch (error) {
      if (error instanceof Refusal && ['not-found', 'service-answer'].includes(error.reason))
        this.#cannotDiff = error;
      throw error;
    }
  }

  status(): ServiceStatus {
    const { client, store } = this.#parts;
    const trouble = this.#network ?? this.#disk;
    return {
      online: this.#network === undefined && client.isReachable,
      bytesReceived: client.received,
      bytesStored: store.bytes,
      ...(trouble && { reason: trouble.reason, detail: trouble.message }),
    };
  }

  async newest(): Promise<ReceivedManifest | undefined> {
    const { base, client, manifestLimit } = this.#parts;
    return this.#noting(async () => {
      const answer = await client.get(`${base}/manifest.json`, manifestLimit, this.#etag.accepted);
      if (!answer) return undefined;
      const limit = ENVELOPE_SHARE * manifestLimit + ENVELOPE_EXTRA;
      const envelope = await client.get(`${base}/manifest.json.dsse`, limit).catch((error) => {
        if (refusalReason(error) === 'not-found') return undefined;
        throw error;
      });
      this.#etag.received = answer.etag;
      return { manifest: answer.body, envelope: envelope?.body, serviceMs: answer.serviceMs };
    });
  }

  accept(): void {
    this.#etag.accepted = this.#etag.received;
  }

  async read(path: string, file?: MapFile, into?: Uint8Array): Promise<Uint8Array> {
    const sha256 = file?.sha256;
    if (!file || !sha256) throw new Refusal('bad-path', `expected a file named by its hash, found ${path}`);
    const { store } = this.#parts;
    try {
      const there = await store.read(sha256, into);
      if (there) return there;
      await this.#fetch(file, sha256);
      const fetched = await store.read(sha256, into);
      if (fetched) return fetched;
    } catch (error) {
      if (!refusalReason(error)?.startsWith('disk-')) throw error;
    }
    // The disk is full or broken, or another process removed the file just now: the drive goes on without it.
    return this.#fetchToMemory(file);
  }

  want(files: readonly MapFile[]): void {
    const hashed = files.filter(({ sha256 }) => sha256 !== undefined);
    this.#wanted = [...hashed];
    clearTimeout(this.#retry);
    // Pinned before the first is fetched: another process on this store would not know that they are wanted.
    void this.#parts.store.pin(hashed.map(({ sha256 }) => sha256!)).then(() => this.#work());
  }

  async discard({ sha256 }: MapFile): Promise<boolean> {
    if (sha256 === undefined) return false;
    await this.#parts.store.discard(sha256);
    return true;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#wanted = [];
    clearTimeout(this.#retry);
    await this.#parts.client.close();
    await Promise.allSettled(this.#underway.values());
    await this.#parts.store.close();
  }

  #work(): void {
    for (; this.#workers < this.#parts.parallel && this.#workers < this.#wanted.length; this.#workers++)
      void this.#fetchWanted().finally(() => this.#workers--);
  }

  async #fetchWanted(): Promise<void> {
    for (let file = this.#wanted.shift(); file; file = this.#wanted.shift()) {
      if (await this.#parts.store.has(file.sha256!)) continue;
      try {
        await this.#fetch(file, file.sha256!);
      } catch (error) {
        const reason = refusalReason(error);
        // A fault of our own: what is fetched ahead must not end the drive; whoever needs the file meets it again.
        if (!reason)
          this.#network = new Refusal('internal-error', `${file.path}: ${(error as Error).message}`);
        // One file may be damaged at the service; when the way or the disk is, the others wait too.
        if (reason && isOfFile(reason)) continue;
        this.#wanted.unshift(file);
        this.#retryLater();
        return;
      }
    }
  }

  #retryLater(): void {
    clearTimeout(this.#retry);
    if (!this.#isClosed) this.#retry = setTimeout(() => this.#work(), this.#parts.retryMs).unref();
  }

  /** Into the store; a file that is on its way already is waited for. */
  #fetch(file: MapFile, sha256: string): Promise<void> {
    const known = this.#underway.get(sha256);
    if (known) return known;
    const work = this.#noting(() => this.#download(file, sha256)).finally(() =>
      this.#underway.delete(sha256),
    );
    this.#underway.set(sha256, work);
    return work;
  }

  async #download(file: MapFile, sha256: string, isSecond = false): Promise<void> {
    const { base, client, store } = this.#parts;
    try {
      const incoming = await store.begin(sha256, file.bytes);
      try {
        await client.download({ ...file, url: `${base}/${file.path}` }, incoming);
        await incoming.commit();
      } catch (error) {
        await incoming.abort();
        throw error;
      }
    } catch (error) {
      if (isSecond || refusalReason(error) !== 'disk-full') throw error;
      await store.free(2 * file.bytes);
      await this.#download(file, sha256, true);
    }
  }

  async #fetchToMemory(file: MapFile): Promise<Uint8Array> {
    const memory = new GrowingBuffer(file.bytes);
    const url = `${this.#parts.base}/${file.path}`;
    await this.#noting(() => this.#parts.client.download({ ...file, url }, memory));
    return memory.bytes;
  }

  /** Remembers for the status what went wrong last, until it goes right. */
  async #noting<T>(work: () => Promise<T>): Promise<T> {
    try {
      const result = await work();
      this.#network = undefined;
      return result;
    } catch (error) {
      if (error instanceof Refusal && error.reason !== 'closed') {
        if (error.reason.startsWith('disk-')) this.#disk = error;
        else if (!isOfFile(error.reason)) this.#network = error;
      }
      throw error;
    }
  }
}

/** It says nothing of the way to the service, nor of other files. */
function isOfFile(reason: string): boolean {
  return [
    'not-found',
    'download-hash',
    'download-truncated',
    'download-too-long',
    'download-changed',
  ].includes(reason);
}
