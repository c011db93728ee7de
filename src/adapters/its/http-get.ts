import { Agent, request } from 'undici';
import { Refusal } from '../../types.ts';
import { excerpt } from './body.ts';

/** A Refusal of HTTP, with the pause that the vendor asks for and what was received until then. */
export class HttpRefusal extends Refusal {
  readonly bytes: number;
  readonly retryAfterMs: number | undefined;

  constructor(reason: string, message: string, bytes: number, retryAfterMs?: number) {
    super(reason, message);
    this.bytes = bytes;
    this.retryAfterMs = retryAfterMs;
  }
}

export interface GetOptions {
  readonly agent: Agent;
  /** for the whole answer: a vendor that sends a byte a second is cut off */
  readonly abort: AbortSignal;
  readonly maxBytes: number;
  /** ms since the Unix epoch, for a Retry-After that is a date */
  readonly wallMs: number;
}

export function makeAgent(timeoutMs: number): Agent {
  return new Agent({
    connect: { timeout: timeoutMs },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    maxHeaderSize: 16_384,
    connections: 4,
  });
}

/**
 * The body of a GET with status 200. Throws an HttpRefusal: `quota` (429), `not-approved` (404: T-Data's answer to a key
 * not yet approved for a feed), `key-refused` (401, 403), `unavailable` (503), `http-status`, `too-large`, `timeout`,
 * `unreachable`. Redirects are not followed. The url's query stays out of messages: it holds the key.
 */
export async function getBody(url: URL, options: GetOptions): Promise<Uint8Array> {
  const where = `${url.origin}${url.pathname}`;
  let bytes = 0;
  try {
    const { statusCode, headers, body } = await request(url, {
      dispatcher: options.agent,
      signal: options.abort,
      headers: { accept: 'application/json' },
    });
    // undici breaks the connection off where a body is left unread.
    body.on('error', () => {});
    if (statusCode !== 200) {
      body.destroy();
      const pause = retryAfterMs(headers['retry-after'], options.wallMs);
      throw new HttpRefusal(
        reasonOfStatus(statusCode),
        `${where}: expected status 200, found ${statusCode}`,
        0,
        pause,
      );
    }
    const declared = Number(headers['content-length'] ?? 0);
    const chunks: Uint8Array[] = [];
    if (declared <= options.maxBytes) {
      for await (const chunk of body) {
        bytes += (chunk as Uint8Array).length;
        if (bytes > options.maxBytes) break;
        chunks.push(chunk as Uint8Array);
      }
    }
    if (declared > options.maxBytes || bytes > options.maxBytes) {
      body.destroy();
      const found = Math.max(declared, bytes);
      throw new HttpRefusal(
        'too-large',
        `${where}: expected at most ${options.maxBytes} bytes, found ${found}`,
        bytes,
      );
    }
    return Buffer.concat(chunks);
  } catch (error) {
    if (error instanceof HttpRefusal) throw error;
    const late = options.abort.aborted || /timeout/i.test(String((error as Error).name));
    const what = excerpt((error as Error).message);
    throw late
      ? new HttpRefusal('timeout', `${where}: no whole answer in time, ${bytes} bytes came`, bytes)
      : new HttpRefusal('unreachable', `${where}: ${what}`, bytes);
  }
}

function reasonOfStatus(status: number): string {
  if (status === 429) return 'quota';
  if (status === 404) return 'not-approved';
  if (status === 401 || status === 403) return 'key-refused';
  if (status === 503) return 'unavailable';
  return 'http-status';
}

/** RFC 9110 §10.2.3: seconds, or a date. At most a day: more is a mistake. */
export function retryAfterMs(header: string | string[] | undefined, wallMs: number): number | undefined {
  const text = Array.isArray(header) ? header[0] : header;
  if (text === undefined) return undefined;
  const ms = /^\s*\d+\s*$/.test(text) ? Number(text) * 1000 : Date.parse(text) - wallMs;
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), 86_400_000) : undefined;
}
