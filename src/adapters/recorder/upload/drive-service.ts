import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { ExponentialBackoff, handleWhen, type RetryPolicy, retry } from 'cockatiel';
import { Agent, type Dispatcher, request } from 'undici';
import { z } from 'zod';
import { type DriveOffer, type OfferedFile, sha256Hex } from '../../../quality/drive-offer.ts';
import { Refusal } from '../../../types.ts';
import type { Pace } from './pace.ts';
import type { UploadConfig } from './upload-config.ts';

const TYPE = 'application/offset+octet-stream';
/** What is read of the disk and let through at once. */
const SLICE = 1 << 16;
const WATCH_MS = 250;
/** Nothing of a file is to be sent. */
const WHOLE = -1;
const count = z.record(z.string(), z.record(z.string(), z.int().min(0)));
const answerSchema = z.discriminatedUnion('accepted', [
  z.object({
    accepted: z.literal(false),
    drive: sha256Hex,
    missing: z.array(z.object({ sha256: sha256Hex })),
  }),
  z.object({ accepted: z.literal(true), drive: sha256Hex, record: z.object({ counts: count }) }),
]);
export type OfferAnswer = z.infer<typeof answerSchema>;

/** Why nothing may be sent now; undefined: it may. */
export type Gate = () => string | undefined;

/** One attempt failed; another may succeed. */
class Attempt extends Error {
  readonly reason: string;
  readonly waitMs: number;
  constructor(reason: string, message: string, waitMs = 0) {
    super(message);
    this.reason = reason;
    this.waitMs = waitMs;
  }
}

export interface DriveServiceOptions {
  readonly config: UploadConfig;
  readonly token?: string | undefined;
  /** asked before and during each request */
  readonly gate: Gate;
  readonly pace: Pace;
  /** this machine's address on the way that is permitted: connections are made from it alone */
  readonly localAddress?: string | undefined;
}

/** The drives of a map service: offers them, and sends files in pieces from where the last attempt ended. */
export class DriveService {
  readonly #options: DriveServiceOptions;
  readonly #agent: Agent;
  readonly #retry: RetryPolicy;
  /** bytes of files that were sent, also those that had to be sent again */
  sent = 0;

  constructor(options: DriveServiceOptions) {
    this.#options = options;
    const { config, localAddress } = options;
    this.#agent = new Agent({
      connections: 1,
      // An answer to an offer comes when the service has read the drive.
      headersTimeout: 1000 * Math.max(config.acceptTimeout, config.stallTimeout),
      connect: { timeout: 1000 * config.stallTimeout, ...(localAddress && { localAddress }) },
    });
    this.#retry = retry(
      handleWhen((error) => error instanceof Attempt),
      {
        maxAttempts: config.attempts - 1,
        backoff: new ExponentialBackoff({
          initialDelay: 1000 * config.firstPause,
          maxDelay: 1000 * config.longestPause,
        }),
      },
    );
  }

  /** Rejects with a Refusal, as all calls: `paused` where the gate has closed. */
  async offer(offer: DriveOffer): Promise<OfferAnswer> {
    const { config } = this.#options;
    const body = JSON.stringify(offer);
    const answer = await this.#persist(() =>
      this.#ask('POST', '/v1/drives', body, 'application/json', {}, 1000 * config.acceptTimeout),
    );
    const parsed = answerSchema.safeParse(JSON.parse(answer.text));
    if (!parsed.success)
      throw new Refusal(
        'bad-answer',
        `expected an answer to the offer of a drive, found ${answer.text.slice(0, 100)}`,
      );
    return parsed.data;
  }

  /** Sends what the service does not have of a file; resolves when it has it whole, by its own hash. */
  async send(path: string, file: OfferedFile): Promise<void> {
    let offset: number | undefined;
    do {
      offset = await this.#persist(async () => {
        // After a failure only the service knows how much has come.
        const from = offset ?? (await this.#begin(file));
        offset = undefined;
        return from === WHOLE ? file.bytes : this.#piece(path, file, from);
      });
    } while (offset < file.bytes);
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #begin({ sha256, bytes }: OfferedFile): Promise<number> {
    const body = JSON.stringify({ sha256, bytes });
    const answer = await this.#ask('POST', '/v1/drives/files', body, 'application/json');
    const { complete } = JSON.parse(answer.text) as { complete?: boolean };
    // All of its bytes may be there and not checked yet: then an empty piece has it checked.
    return complete === true ? WHOLE : offsetOf(answer);
  }

  async #piece(path: string, { sha256, bytes }: OfferedFile, from: number): Promise<number> {
    const length = Math.min(bytes - from, Math.ceil(1e6 * this.#options.config.pieceMegabytes));
    const headers = { 'upload-offset': `${from}`, 'content-length': `${length}` };
    const url = `/v1/drives/files/${sha256}`;
    return offsetOf(await this.#ask('PATCH', url, { path, from, length }, TYPE, headers));
  }

  async #persist<T>(once: () => Promise<T>): Promise<T> {
    const { longestPause } = this.#options.config;
    try {
      return await this.#retry.execute(async () => {
        try {
          return await once();
        } catch (error) {
          if (error instanceof Attempt && error.waitMs > 0) {
            if (error.waitMs > 1000 * longestPause) throw new Refusal(error.reason, error.message);
            await sleep(error.waitMs);
          }
          throw error;
        }
      });
    } catch (error) {
      if (error instanceof Attempt) throw new Refusal(error.reason, error.message);
      throw error;
    }
  }

  async #ask(
    method: 'POST' | 'PATCH',
    path: string,
    body: string | { path: string; from: number; length: number },
    type: string,
    more: Record<string, string> = {},
    patienceMs = 1000 * this.#options.config.stallTimeout,
  ): Promise<{ text: string; headers: Dispatcher.ResponseData['headers'] }> {
    const { config, token, gate } = this.#options;
    const url = `${config.service.replace(/\/$/, '')}${path}`;
    const ending = new AbortController();
    let at = performance.now();
    const alive = () => {
      at = performance.now();
    };
    const check = () => {
      const why = gate();
      if (why !== undefined) ending.abort(new Refusal('paused', `${url}: paused: ${why}`));
      else if (performance.now() - at > patienceMs)
        ending.abort(new Attempt('upload-stalled', `${url}: nothing for ${patienceMs / 1000} s`));
    };
    check();
    const watch = setInterval(check, WATCH_MS);
    try {
      ending.signal.throwIfAborted();
      const response = await request(url, {
        method,
        dispatcher: this.#agent,
        signal: ending.signal,
        headers: {
          'content-type': type,
          ...more,
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
        },
        body: typeof body === 'string' ? body : Readable.from(this.#slices(body, alive)),
      });
      const text = await response.body.text();
      const { statusCode, headers } = response;
      if (statusCode >= 300) throw failureOf(url, statusCode, text, headers['retry-after']);
      return { text, headers };
    } catch (error) {
      if (ending.signal.aborted) throw ending.signal.reason;
      if (error instanceof Attempt || error instanceof Refusal) throw error;
      const { code, message } = error as NodeJS.ErrnoException;
      // The file is ours: what its disk says is no fault of the line.
      if (code === 'ENOENT' || code === 'EIO') throw new Refusal('unreadable', message);
      throw new Attempt('service-unreachable', `${url}: ${code ?? message}`);
    } finally {
      clearInterval(watch);
    }
  }

  async *#slices({ path, from, length }: { path: string; from: number; length: number }, alive: () => void) {
    if (length === 0) return;
    const stream = createReadStream(path, { start: from, end: from + length - 1, highWaterMark: SLICE });
    for await (const slice of stream as AsyncIterable<Buffer>) {
      await this.#options.pace.take(slice.length);
      alive();
      this.sent += slice.length;
      yield slice;
    }
  }
}

function offsetOf({ headers }: { headers: Dispatcher.ResponseData['headers'] }): number {
  const offset = Number(headers['upload-offset']);
  if (Number.isSafeInteger(offset) && offset >= 0) return offset;
  throw new Refusal(
    'bad-answer',
    `expected Upload-Offset of the map service, found ${headers['upload-offset']}`,
  );
}

/** Codes that the next attempt may answer otherwise: 404 and 409, 422 since it begins by asking what is there. */
const AGAIN = new Set([404, 408, 409, 422, 425, 429, 500, 502, 503, 504, 507]);

function failureOf(url: string, status: number, text: string, after: string | string[] | undefined): Error {
  let said = { title: `status ${status}`, detail: text.slice(0, 200) };
  try {
    const problem = JSON.parse(text) as { title?: string; detail?: string };
    said = { title: problem.title ?? said.title, detail: problem.detail ?? said.detail };
  } catch {
    // No problem of RFC 9457: a proxy, or nothing.
  }
  const reason = said.title.replaceAll(' ', '-');
  const message = `${url}: ${status} ${said.detail}`;
  if (!AGAIN.has(status)) return new Refusal(reason, message);
  return new Attempt(reason, message, 1000 * (Number(after) || 0));
}
