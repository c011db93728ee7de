import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { HttpClient } from '../../src/adapters/tiles/http-client.ts';
import { type ServiceConfig, tilesConfig } from '../../src/adapters/tiles/tiles-config.ts';
import { Random } from '../../src/math/random.ts';
import { refusalReason } from '../../src/types.ts';
import { sha256 } from '../tiles/fixture.ts';
import { cutAfter, MapServer } from '../tiles/server.ts';

const random = new Random(3);
const file = Buffer.from(Uint8Array.from({ length: 50_000 }, () => random.uniform(0, 256)));
const name = sha256(file);
const etag = `"${name.slice(0, 16)}"`;
const fast: Partial<ServiceConfig> = { firstPause: 0.001, longestPause: 0.005, breakAfter: 100 };

let server: MapServer;
let client: HttpClient;
afterEach(async () => {
  await client.close();
  await server.stop();
});

async function start(
  config: Partial<ServiceConfig> = {},
  files = new Map<string, Uint8Array>([['a.pcd', file]]),
) {
  server = await MapServer.start(files);
  client = new HttpClient({ ...tilesConfig.parse({}).service, ...fast, ...config }, 'secret');
}

/** The bytes, or the reason why there are none. What a sink was given and had to forget is forgotten. */
async function get(facts = { sha256: name, bytes: file.length }, path = 'a.pcd'): Promise<Buffer | string> {
  let chunks: Uint8Array[] = [];
  const sink = {
    write: async (chunk: Uint8Array) => void chunks.push(Buffer.from(chunk)),
    restart: async () => {
      chunks = [];
    },
  };
  try {
    await client.download({ url: `${server.url}/${path}`, ...facts }, sink);
    return Buffer.concat(chunks);
  } catch (error) {
    return refusalReason(error) ?? String(error);
  }
}

function flipped(bytes: Uint8Array, at: number): Buffer {
  const other = Buffer.from(bytes);
  other[at]! ^= 4;
  return other;
}

function send(response: ServerResponse, bytes: Uint8Array): true {
  response.writeHead(200, { etag, 'content-length': bytes.length }).end(bytes);
  return true;
}

describe('a download', () => {
  it('brings the file, with the token of the robot', async () => {
    await start();
    let token: string | undefined;
    server.mischief = (request) => {
      token = request.headers.authorization;
      return false;
    };
    expect(await get()).toEqual(file);
    expect(token).toBe('Bearer secret');
    expect(client.received).toBe(file.length);
  });

  it('is begun again where a bit was flipped on the wire, and refused where it always is', async () => {
    await start({ attempts: 4 });
    server.mischief = (_, response, bytes) =>
      server.requests.length <= 2 && send(response, flipped(bytes, 777));
    expect(await get()).toEqual(file);
    expect(server.requests.length).toBe(3);
    server.mischief = (_, response, bytes) => send(response, flipped(bytes, 49_999));
    expect(await get()).toBe('download-hash');
    expect(server.requests.length).toBe(3 + 4);
  });

  it('goes on where the line was cut: every byte comes once', async () => {
    await start();
    server.mischief = (request, response, bytes) => {
      if (server.requests.length > 3) return false;
      cutAfter(request, response, bytes, 10_000, etag);
      return true;
    };
    expect(await get()).toEqual(file);
    expect(client.received).toBe(file.length);
    expect(server.requests.map(({ range }) => range)).toEqual([
      undefined,
      ...server.requests.slice(1).map(() => expect.stringMatching(/^bytes=\d+-$/)),
    ]);
    expect(server.requests.slice(1).every(({ ifMatch }) => ifMatch === etag)).toBe(true);
  });

  it('is begun again after a cut where the ETag is weak or missing: nothing vouches for the rest', async () => {
    await start();
    for (const weak of [`W/${etag}`, '']) {
      server.requests.length = 0;
      server.mischief = (request, response, bytes) => {
        if (server.requests.length > 2) return false;
        cutAfter(request, response, bytes, 10_000, weak);
        return true;
      };
      server.weakEtags = true;
      expect(await get()).toEqual(file);
      expect(server.requests.map(({ range }) => range)).toEqual([undefined, undefined, undefined]);
    }
  });

  it.each(['412', 'another file at the range', 'the whole instead of the rest', '416', 'another range'])(
    'is begun again where the service answers with %s',
    async (answer) => {
      await start();
      server.mischief = (request, response, bytes) => {
        const turn = server.requests.length;
        if (turn === 1) cutAfter(request, response, bytes, 10_000, etag);
        else if (turn > 2) return false;
        else if (/^\d+$/.test(answer)) response.writeHead(Number(answer)).end();
        else if (answer.startsWith('another file'))
          cutAfter(request, response, Buffer.alloc(bytes.length, 7), 1e6, '"other"');
        else if (answer === 'another range') {
          request.headers.range = 'bytes=5-';
          cutAfter(request, response, bytes, 1e6, etag);
        } else send(response, bytes);
        return true;
      };
      expect(await get()).toEqual(file);
    },
  );

  it('is broken off at the first byte too many: an endless body costs nothing', async () => {
    await start();
    let written = 0;
    server.mischief = (_, response) => {
      response.writeHead(200, { etag });
      const more = () => {
        while (!response.destroyed) {
          written += 10_000;
          if (!response.write(Buffer.alloc(10_000))) break;
        }
      };
      response.on('drain', more);
      more();
      return true;
    };
    expect(await get()).toBe('download-too-long');
    expect(client.received).toBeLessThanOrEqual(file.length);
    expect(written).toBeLessThan(50e6); // what sockets hold, not without end
    expect(server.requests.length).toBe(1);
  });

  it('is begun again where the service ends early and says that it is all', async () => {
    await start();
    server.mischief = (_, response, bytes) =>
      server.requests.length === 1 && send(response, bytes.subarray(0, 40_000));
    expect(await get()).toEqual(file);
    server.mischief = (_, response, bytes) => send(response, bytes.subarray(0, 40_000));
    expect(await get()).toBe('download-truncated');
  });

  it('is resumed after a stall, and refused where it always stalls', async () => {
    await start({ stallTimeout: 0.2, attempts: 3 });
    const stall = (_: unknown, response: ServerResponse, bytes: Uint8Array) => {
      response.writeHead(200, { etag, 'content-length': bytes.length });
      response.write(bytes.subarray(0, 5000));
      return true;
    };
    server.mischief = (request, response, bytes) =>
      server.requests.length === 1 && stall(request, response, bytes);
    expect(await get()).toEqual(file);
    expect(server.requests[1]!.range).toBe('bytes=5000-');
    server.mischief = (_, response) => response.flushHeaders() === undefined;
    expect(await get()).toBe('download-stalled');
  });

  it.each([
    [404, 'not-found', 1],
    [401, 'not-allowed', 1],
    [403, 'not-allowed', 1],
    [302, 'service-answer', 1],
    [500, 'service-error', 3],
    [429, 'too-many-requests', 3],
  ])('says why the service does not give it: %d', async (status, reason, requests) => {
    await start({ attempts: 3 });
    server.mischief = (_, response) => {
      response.writeHead(status, { location: '/elsewhere', 'retry-after': '1' }).end();
      return true;
    };
    expect(await get()).toBe(reason);
    expect(server.requests.length).toBe(requests);
  });

  it('does not take what is encoded', async () => {
    await start();
    server.mischief = (_, response, bytes) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(bytes);
      return true;
    };
    expect(await get()).toBe('service-answer');
  });

  it('gets through a service that is killed at a random byte 200 times: never a wrong byte', async () => {
    const drawn = new Random(11);
    const files = new Map<string, Uint8Array>();
    for (let k = 0; k < 20; k++)
      files.set(`${k}.pcd`, Buffer.from(Uint8Array.from({ length: 3000 }, () => drawn.uniform(0, 256))));
    await start({ attempts: 50, parallel: 4 }, files);
    let kills = 0;
    server.mischief = (request, response, bytes) => {
      if (kills === 200 || drawn.uniform(0, 1) < 0.05) return false;
      kills++;
      const tag = `"${sha256(bytes).slice(0, 16)}"`;
      const at = Math.floor(drawn.uniform(0, 600));
      if (at < 60)
        response.socket!.destroy(); // not even a header
      else cutAfter(request, response, bytes, at, tag);
      return true;
    };
    let wrong = 0;
    for (let round = 0; kills < 200; round++) {
      const [path, bytes] = [...files][round % files.size]!;
      const found = await get({ sha256: sha256(bytes), bytes: bytes.length }, path);
      if (typeof found === 'string' || !found.equals(bytes)) wrong++;
    }
    expect({ wrong, kills }).toEqual({ wrong: 0, kills: 200 });
  });

  it('leaves a service alone that is not there, and comes back to it', async () => {
    await start({ breakAfter: 3, breakFor: 0.2, attempts: 50 });
    server.mischief = (_, response) => response.socket!.destroy() !== undefined;
    expect(await get()).toBe('service-unreachable');
    expect(client.isReachable).toBe(false);
    const asked = server.requests.length;
    expect(asked).toBe(3);
    expect(await get()).toBe('service-unreachable');
    expect(server.requests.length).toBe(asked);
    server.mischief = () => false;
    await new Promise((done) => setTimeout(done, 250));
    expect(await get()).toEqual(file);
    expect(client.isReachable).toBe(true);
  });

  it('is one of a few at once', async () => {
    await start({ parallel: 3 });
    let now = 0;
    let most = 0;
    server.mischief = (_, response) => {
      most = Math.max(most, ++now);
      response.on('close', () => now--);
      setTimeout(() => send(response, file), 5);
      return true;
    };
    const all = await Promise.all(Array.from({ length: 20 }, () => get()));
    expect(all.every((one) => typeof one !== 'string' && one.equals(file))).toBe(true);
    expect(most).toBe(3);
  });

  it('ends when the client is closed', async () => {
    await start({ attempts: 50 });
    server.mischief = () => true; // never answers
    const waiting = get();
    while (server.requests.length === 0) await new Promise((done) => setTimeout(done, 1));
    await client.close();
    expect(await waiting).toBe('closed');
  });
});
