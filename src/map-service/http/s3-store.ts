import { AwsClient } from 'aws4fetch';
import type { MapStore } from './store.ts';

export interface S3Options {
  /** with the bucket: https://s3.example.com/bucket or https://bucket.s3.example.com */
  readonly url: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
  readonly timeoutMs: number;
}

/** Map packages in a bucket of any store that speaks S3 (ListObjectsV2, GetObject; Signature V4). */
export class S3Store implements MapStore {
  readonly #client: AwsClient;
  readonly #url: string;
  readonly #timeoutMs: number;

  constructor({ url, timeoutMs, ...keys }: S3Options) {
    this.#client = new AwsClient({ ...keys, service: 's3', retries: 2 });
    this.#url = url.replace(/\/+$/, '');
    this.#timeoutMs = timeoutMs;
  }

  async read(path: string): Promise<Buffer | undefined> {
    const response = await this.#get(`/${path.split('/').map(encodeURIComponent).join('/')}`);
    if (response.status === 404) return undefined;
    if (!response.ok) throw new Error(`store: expected 200 for ${path}, found ${response.status}`);
    return Buffer.from(await response.arrayBuffer());
  }

  async list(): Promise<string[]> {
    const ids: string[] = [];
    let token: string | undefined;
    do {
      const query = new URLSearchParams({
        'list-type': '2',
        delimiter: '/',
        ...(token ? { 'continuation-token': token } : {}),
      });
      const response = await this.#get(`/?${query}`);
      if (!response.ok) throw new Error(`store: expected 200 for the list, found ${response.status}`);
      const xml = await response.text();
      // Map ids are letters, digits, dot, dash and underscore: nothing that XML escapes.
      for (const [, id] of xml.matchAll(/<Prefix>([\w.-]+)\/<\/Prefix>/g)) ids.push(id!);
      token = /<NextContinuationToken>([^<]+)</.exec(xml)?.[1];
    } while (token);
    return ids.sort();
  }

  #get(path: string): Promise<Response> {
    return this.#client.fetch(this.#url + path, { signal: AbortSignal.timeout(this.#timeoutMs) });
  }
}
