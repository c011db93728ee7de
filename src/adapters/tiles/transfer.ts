import { createHash, type Hash } from 'node:crypto';
import { type Dispatcher, request } from 'undici';

/** Where the bytes of a download go. */
export interface Sink {
  write(chunk: Uint8Array): Promise<void>;
  /** Forgets all that was written. */
  restart(): Promise<void>;
  /** So many bytes are likely to come. */
  expect?(bytes: number): void;
}

export interface Transfer {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON of a question, which is then a POST */
  readonly question?: string | undefined;
  readonly dispatcher: Dispatcher;
  /** with a hash: the size; without: the most that it may be */
  readonly bytes: number;
  readonly sha256?: string | undefined;
  /** one request, ms */
  readonly timeoutMs: number;
  /** ends it for good */
  readonly signal: AbortSignal;
  readonly sink: Sink;
}

/** How far a download has come; kept from one attempt to the next. */
export interface Progress {
  received: number;
  hash: Hash;
  /** strong: what it names never changes, so that the rest of it can be asked for */
  etag: string | undefined;
  /** the service's Date, ms */
  serviceMs: number | undefined;
}

/** One attempt failed. `transient`: another may succeed. `progressed`: it brought something nevertheless. */
export class TransferError extends Error {
  readonly reason: string;
  readonly transient: boolean;
  readonly progressed: boolean;
  readonly waitMs: number;
  constructor(reason: string, message: string, transient: boolean, progressed = false, waitMs = 0) {
    super(message);
    this.reason = reason;
    this.transient = transient;
    this.progressed = progressed;
    this.waitMs = waitMs;
  }
}

export function beginning(): Progress {
  return { received: 0, hash: createHash('sha256'), etag: undefined, serviceMs: undefined };
}

/** One attempt; goes on where the last one ended, if the service vouches by a strong ETag that it is the same file. */
export async function attempt(transfer: Transfer, progress: Progress): Promise<void> {
  const { url, dispatcher, sha256, bytes, question } = transfer;
  if (progress.received > 0 && !progress.etag) await startAgain(transfer, progress);
  const before = progress.received;
  try {
    const resumed = before > 0 && { range: `bytes=${before}-`, 'if-match': progress.etag! };
    const answer = await request(url, {
      dispatcher,
      headers: { ...transfer.headers, 'accept-encoding': 'identity', ...resumed },
      ...(question !== undefined && { method: 'POST', body: question }),
      signal: AbortSignal.any([AbortSignal.timeout(transfer.timeoutMs), transfer.signal]),
    });
    try {
      await checkAnswer(answer, transfer, progress);
      await take(answer.body, transfer, progress);
    } finally {
      answer.body.on('error', () => {}).destroy();
    }
  } catch (error) {
    throw asTransferError(error, url, progress.received > before);
  }
  if (sha256 === undefined) return;
  if (progress.received < bytes) {
    const found = `${url}: expected ${bytes} bytes, found ${progress.received}`;
    await startAgain(transfer, progress);
    throw new TransferError('download-truncated', found, true);
  }
  const found = progress.hash.digest('hex');
  if (found === sha256) return;
  await startAgain(transfer, progress);
  throw new TransferError(
    'download-hash',
    `${url}: expected sha256 ${sha256}, found ${found}: it was changed on its way or at the service`,
    true,
  );
}

async function checkAnswer(
  { statusCode, headers }: Dispatcher.ResponseData,
  transfer: Transfer,
  progress: Progress,
): Promise<void> {
  const fail = (reason: string, transient: boolean, waitMs = 0) =>
    new TransferError(reason, `${transfer.url}: status ${statusCode}`, transient, false, waitMs);
  progress.serviceMs = Date.parse(String(headers.date)) || undefined;
  const retryAfterMs = 1000 * (Number(headers['retry-after']) || 0);
  if (statusCode === 304) throw fail('unchanged', false);
  if (statusCode === 401 || statusCode === 403) throw fail('not-allowed', false);
  if (statusCode === 404 || statusCode === 410) throw fail('not-found', false);
  if (statusCode === 429) throw fail('too-many-requests', true, retryAfterMs);
  if (statusCode >= 500 || statusCode === 408) throw fail('service-error', true, retryAfterMs);
  if (statusCode === 412 || statusCode === 416) {
    await startAgain(transfer, progress);
    throw fail('download-changed', true);
  }
  if (statusCode !== 200 && statusCode !== 206) throw fail('service-answer', false);
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity')
    throw new TransferError(
      'service-answer',
      `${transfer.url}: expected no encoding, found ${encoding}`,
      false,
    );
  const etag = strong(headers.etag);
  if (statusCode === 206) {
    const from = /^bytes (\d+)-/.exec(String(headers['content-range']))?.[1];
    if (Number(from) === progress.received && etag === progress.etag && etag !== undefined) return;
    await startAgain(transfer, progress);
    throw new TransferError('download-changed', `${transfer.url}: not the range that was asked for`, true);
  }
  if (progress.received > 0) await startAgain(transfer, progress); // the whole was sent instead of the rest
  progress.etag = etag;
  const announced = Number(headers['content-length']);
  if (announced <= transfer.bytes) transfer.sink.expect?.(announced);
}

/** Writes and hashes; breaks off at the first byte too many, so that an endless body costs nothing. */
async function take(body: AsyncIterable<Uint8Array>, transfer: Transfer, progress: Progress): Promise<void> {
  for await (const chunk of body) {
    if (progress.received + chunk.length > transfer.bytes) {
      await startAgain(transfer, progress);
      throw new TransferError(
        'download-too-long',
        `${transfer.url}: expected ${transfer.bytes} bytes, found more; broken off`,
        false,
      );
    }
    progress.hash.update(chunk);
    await transfer.sink.write(chunk);
    progress.received += chunk.length;
  }
}

async function startAgain({ sink }: Transfer, progress: Progress): Promise<void> {
  Object.assign(progress, beginning());
  await sink.restart();
}

/** RFC 9110, 8.8.3: a weak one says that files are alike, not that they are the same. */
function strong(etag: string | string[] | undefined): string | undefined {
  return typeof etag === 'string' && /^"[^"]*"$/.test(etag) ? etag : undefined;
}

/** Codes of undici's errors: by its documentation, "Errors". */
const STALLS = ['UND_ERR_BODY_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_CONNECT_TIMEOUT'];

function asTransferError(error: unknown, url: string, progressed: boolean): unknown {
  if (error instanceof TransferError) return error;
  if (!(error instanceof Error)) return error;
  const code = 'code' in error ? String(error.code) : '';
  if (error.name === 'AbortError') return new TransferError('closed', `${url}: closed`, false);
  const isStall = STALLS.includes(code) || error.name === 'TimeoutError';
  // The sink's errors, a disk's say, pass as they are.
  const isNetwork = isStall || /^(UND_ERR|HPE_|E[A-Z]+$|EAI_|ERR_TLS|ERR_SSL|CERT)/.test(code);
  if (!isNetwork) return error;
  const reason = isStall ? 'download-stalled' : 'service-unreachable';
  return new TransferError(reason, `${url}: ${code || error.message}`, true, progressed);
}
