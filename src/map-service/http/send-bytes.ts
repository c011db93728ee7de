import type { FastifyReply, FastifyRequest } from 'fastify';
import { Problem } from './problem.ts';

export interface Representation {
  readonly bytes: Buffer;
  /** strong, with its quotes */
  readonly etag: string;
  readonly type: string;
  readonly cacheControl: string;
}

/** Bytes with If-Match, If-None-Match, Range and If-Range as RFC 9110 §13 and §14 say. More than one range gets all. */
export function sendBytes(
  request: FastifyRequest,
  reply: FastifyReply,
  { bytes, etag, type, cacheControl }: Representation,
): FastifyReply {
  const { headers } = request;
  reply.header('etag', etag).header('cache-control', cacheControl).header('accept-ranges', 'bytes');
  if (headers['if-match'] !== undefined && !listed(headers['if-match'], etag, false))
    throw new Problem(412, 'changed', `expected ${headers['if-match']}, found ${etag}; begin anew`);
  if (headers['if-none-match'] !== undefined && listed(headers['if-none-match'], etag, true))
    return reply.code(304).send();
  reply.type(type);
  const ifRange = headers['if-range'];
  // A weak validator or a date does not say that the bytes are the same.
  const wanted = ifRange === undefined || ifRange === etag ? headers.range : undefined;
  const range = wanted === undefined ? undefined : parseRange(wanted, bytes.length);
  if (range === undefined) return reply.send(bytes);
  if (range === 'unsatisfiable') {
    reply.header('content-range', `bytes */${bytes.length}`);
    throw new Problem(
      416,
      'range-not-satisfiable',
      `expected a range within ${bytes.length} bytes, found ${wanted}`,
    );
  }
  const [first, last] = range;
  return reply
    .code(206)
    .header('content-range', `bytes ${first}-${last}/${bytes.length}`)
    .send(bytes.subarray(first, last + 1));
}

/** One range as first and last byte; undefined where the header is to be ignored. */
export function parseRange(
  header: string,
  size: number,
): readonly [first: number, last: number] | 'unsatisfiable' | undefined {
  const match = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(header);
  if (!match || (match[1] === '' && match[2] === '')) return undefined;
  if (match[1] === '') {
    const suffix = Number(match[2]);
    return suffix === 0 || size === 0 ? 'unsatisfiable' : [Math.max(0, size - suffix), size - 1];
  }
  const first = Number(match[1]);
  const last = match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1);
  if (match[2] !== '' && Number(match[2]) < first) return undefined;
  return first >= size ? 'unsatisfiable' : [first, last];
}

function listed(header: string, etag: string, weak: boolean): boolean {
  return header
    .split(',')
    .map((one) => one.trim())
    .some((one) => one === '*' || one === etag || (weak && one === `W/${etag}`));
}
