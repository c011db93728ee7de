import { createHash, randomUUID } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import {
  copyFile,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  statfs,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Problem } from './problem.ts';

export interface DriveState {
  readonly sha256: string;
  readonly bytes: number;
  /** bytes that are here */
  readonly offset: number;
  readonly complete: boolean;
}

/** An upload that nobody went on with for so long is forgotten; its robot begins anew. */
const UNFINISHED_MS = 14 * 24 * 3_600_000;
const LOOK_EVERY_MS = 3_600_000;
const UNFINISHED = /\.(?:part|json|tmp)$/;

/**
 * Recordings of robots in one folder, named by hash: NAME while whole, NAME.part and NAME.json while they come. All
 * state is in the folder, so that instances that share it go on with each other's uploads.
 */
export class DriveStore {
  readonly #folder: string;
  readonly #maxBytes: number;
  readonly #keepFree: number;
  #lookedMs = Number.NEGATIVE_INFINITY;

  /** @param keepFree bytes of the disk that recordings never take */
  constructor(folder: string, maxBytes: number, keepFree = 0) {
    this.#folder = folder;
    this.#maxBytes = maxBytes;
    this.#keepFree = keepFree;
  }

  get folder(): string {
    return this.#folder;
  }

  /** Where the content lies while it is whole. */
  pathOf(sha256: string): string {
    return this.#path(sha256, '');
  }

  /** Begins, or finds what is here. Throws a Problem. */
  async begin(sha256: string, bytes: number): Promise<DriveState> {
    if (bytes > this.#maxBytes)
      throw new Problem(413, 'drive-too-large', `expected at most ${this.#maxBytes} bytes, found ${bytes}`);
    await mkdir(this.#folder, { recursive: true });
    await this.#forgetOld(Date.now());
    const known = await this.find(sha256);
    if (known && known.bytes !== bytes)
      throw new Problem(409, 'other-length', `expected ${known.bytes} bytes as begun, found ${bytes}`);
    if (known) return known;
    const { bavail, bsize } = await statfs(this.#folder);
    // The whole file is copied once when it is checked, where the disk cannot share its blocks.
    if (bavail * bsize < 2 * bytes + this.#keepFree)
      throw new Problem(507, 'disk-full', `expected room for ${bytes} bytes and a copy, found too little`);
    await writeFile(this.#path(sha256, '.part'), '', { flag: 'a' });
    await writeFile(this.#path(sha256, '.json.tmp'), JSON.stringify({ bytes }));
    await rename(this.#path(sha256, '.json.tmp'), this.#path(sha256, '.json'));
    return { sha256, bytes, offset: 0, complete: false };
  }

  async find(sha256: string): Promise<DriveState | undefined> {
    const whole = await sizeOf(this.#path(sha256, ''));
    if (whole !== undefined) return { sha256, bytes: whole, offset: whole, complete: true };
    const begun = await readFile(this.#path(sha256, '.json'), 'utf8').catch(() => undefined);
    if (begun === undefined) return undefined;
    const { bytes } = JSON.parse(begun) as { bytes: number };
    return { sha256, bytes, offset: (await sizeOf(this.#path(sha256, '.part'))) ?? 0, complete: false };
  }

  /** Takes bytes from `offset` on; what has come before a cut stays. Throws a Problem. */
  async append(state: DriveState, offset: number, body: Readable): Promise<DriveState> {
    const { sha256, bytes } = state;
    if (state.complete) {
      body.resume();
      return state;
    }
    if (offset !== state.offset)
      throw new Problem(409, 'other-offset', `expected Upload-Offset ${state.offset}, found ${offset}`);
    const file = await open(this.#path(sha256, '.part'), 'r+');
    let at = offset;
    try {
      // Placed writes: two uploads of one recording write the same bytes to the same place.
      for await (const chunk of body as AsyncIterable<Buffer>) {
        if (at + chunk.length > bytes)
          throw new Problem(413, 'too-many-bytes', `expected ${bytes} bytes as begun, found more`);
        await file.write(chunk, 0, chunk.length, at);
        at += chunk.length;
      }
    } finally {
      await file.sync();
      await file.close();
    }
    if (at < bytes) return { ...state, offset: at };
    return this.#finish(sha256, bytes);
  }

  /** A copy is checked and kept: an upload that is still under way elsewhere writes to the part, never to it. */
  async #finish(sha256: string, bytes: number): Promise<DriveState> {
    const copy = this.#path(sha256, `.${randomUUID()}.tmp`);
    try {
      await copyFile(this.#path(sha256, '.part'), copy, constants.COPYFILE_FICLONE);
      const hash = createHash('sha256');
      await pipeline(createReadStream(copy), hash);
      const found = hash.digest('hex');
      if (found !== sha256) {
        await this.#forget(sha256);
        throw new Problem(
          422,
          'other-content',
          `expected content of sha256 ${sha256}, found ${found}; begin anew`,
        );
      }
      const file = await open(copy, 'r+');
      await file.sync();
      await file.close();
      await rename(copy, this.#path(sha256, ''));
    } finally {
      await rm(copy, { force: true });
    }
    await this.#forget(sha256);
    return { sha256, bytes, offset: bytes, complete: true };
  }

  /** Now and then: uploads of which no file was written to for long. */
  async #forgetOld(nowMs: number): Promise<void> {
    if (nowMs - this.#lookedMs < LOOK_EVERY_MS) return;
    this.#lookedMs = nowMs;
    const uploads = new Map<string, { readonly paths: string[]; ageMs: number }>();
    for (const name of (await readdir(this.#folder)).filter((file) => UNFINISHED.test(file))) {
      const path = join(this.#folder, name);
      const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: nowMs }));
      const [sha256] = name.split('.');
      const upload = uploads.get(sha256!) ?? { paths: [], ageMs: Number.POSITIVE_INFINITY };
      upload.paths.push(path);
      upload.ageMs = Math.min(upload.ageMs, nowMs - mtimeMs);
      uploads.set(sha256!, upload);
    }
    for (const { paths, ageMs } of uploads.values())
      if (ageMs > UNFINISHED_MS) for (const path of paths) await rm(path, { force: true });
  }

  async #forget(sha256: string): Promise<void> {
    await rm(this.#path(sha256, '.json'), { force: true });
    await rm(this.#path(sha256, '.part'), { force: true });
  }

  #path(sha256: string, ending: string): string {
    return join(this.#folder, `${sha256}${ending}`);
  }
}

function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    ({ size }) => size,
    () => undefined,
  );
}
