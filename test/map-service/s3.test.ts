import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, describe, expect, it } from 'vitest';
import { S3Store } from '../../src/map-service/http/s3-store.ts';

/** A bucket that wants a signature of our key, lists one prefix a page, and fails once in between. */
const asked: string[] = [];
let failures = 1;
const server = createServer((request, response) => {
  const url = new URL(request.url!, 'http://x');
  asked.push(url.pathname + url.search);
  const signed =
    /^AWS4-HMAC-SHA256 Credential=key\/\d{8}\/seoul\/s3\/aws4_request, SignedHeaders=[\w;-]*host[\w;-]*, Signature=[0-9a-f]{64}$/;
  if (!signed.test(request.headers.authorization ?? '')) return response.writeHead(403).end();
  if (failures-- > 0) return response.writeHead(503).end();
  if (url.searchParams.has('list-type')) {
    const second = url.searchParams.get('continuation-token') === 'more/+=';
    const next = second ? '' : '<NextContinuationToken>more/+=</NextContinuationToken>';
    return response.end(
      `<ListBucketResult><Prefix></Prefix>${next}<CommonPrefixes><Prefix>${second ? 'a' : 'b'}/</Prefix></CommonPrefixes></ListBucketResult>`,
    );
  }
  if (url.pathname === '/bucket/a/manifest.json') return response.end('bytes');
  return response.writeHead(url.pathname.includes('broken') ? 400 : 404).end();
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
afterAll(() => void server.close());
const store = (accessKeyId = 'key') =>
  new S3Store({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/bucket/`,
    accessKeyId,
    secretAccessKey: 'secret',
    region: 'seoul',
    timeoutMs: 5000,
  });

describe('S3 store', () => {
  it('reads and lists with signed requests, and tries again', async () => {
    expect((await store().read('a/manifest.json'))?.toString()).toBe('bytes');
    expect(asked.length).toBe(2);
    expect(await store().read('a/none')).toBeUndefined();
    expect(await store().list()).toEqual(['a', 'b']);
  });

  it('does not take a failure for a missing file', async () => {
    await expect(store().read('a/broken')).rejects.toThrow('expected 200 for a/broken, found 400');
    await expect(store('other').list()).rejects.toThrow('found 403');
  });
});
