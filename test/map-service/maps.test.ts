import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Tokens } from '../../src/map-service/http/auth.ts';
import { FolderStore } from '../../src/map-service/http/folder-store.ts';
import { DailyBytes } from '../../src/map-service/http/quotas.ts';
import { sha256, writeDemoMap } from './demo-map.ts';
import { serveMaps } from './service.ts';

const root = mkdtempSync(join(tmpdir(), 'maps-'));
const demo = writeDemoMap(root, 'demo');
const hex = demo.hexes[7]!;
let service: Awaited<ReturnType<typeof serveMaps>>;
beforeAll(async () => {
  service = await serveMaps({ store: new FolderStore(root) });
});
afterAll(async () => {
  await service.app.close();
  rmSync(root, { recursive: true });
});

const get = (path: string, headers: Record<string, string> = {}) => fetch(service.url + path, { headers });
const tile = (headers: Record<string, string> = {}) => get(`/v1/maps/demo/tiles/sha256/${hex}.pcd`, headers);

describe('maps over HTTP', () => {
  it('lists maps and gives the manifest byte by byte, once', async () => {
    expect(await (await get('/v1/maps')).json()).toMatchObject({ maps: [{ mapId: 'demo', version: 1 }] });
    const first = await get('/v1/maps/demo/manifest.json');
    expect(await first.text()).toBe(demo.manifest);
    const etag = first.headers.get('etag')!;
    expect(etag).toBe(`"${sha256(demo.manifest)}"`);
    for (const match of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
      const again = await get('/v1/maps/demo/manifest.json', { 'if-none-match': match });
      expect([again.status, await again.text(), again.headers.get('etag')]).toEqual([304, '', etag]);
    }
    expect((await get('/v1/maps/demo/manifest.json', { 'if-none-match': '"x"' })).status).toBe(200);
    expect(await (await get('/v1/maps/demo/graph.geojson')).text()).toBe(demo.graph);
    expect((await get('/v1/maps/demo/manifest.json.dsse')).status).toBe(404);
    writeFileSync(join(demo.folder, 'manifest.json.dsse'), '{"payload":""}');
    const signature = await get('/v1/maps/demo/manifest.json.dsse');
    expect(signature.headers.get('etag')).toBe(`"${sha256('{"payload":""}')}"`);
    expect(await signature.json()).toEqual({ payload: '' });
  });

  it('gives a tile for ever, whole', async () => {
    const answer = await tile();
    expect(answer.headers.get('cache-control')).toContain('immutable');
    expect(sha256(new Uint8Array(await answer.arrayBuffer()))).toBe(hex);
    const head = await fetch(`${service.url}/v1/maps/demo/tiles/sha256/${hex}.pcd`, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '5000']);
  });

  it('gives any part of it, and a second half only of the same bytes', async () => {
    const whole = Buffer.from(await (await tile()).arrayBuffer());
    for (const [range, from, to] of [
      ['bytes=0-0', 0, 1],
      ['bytes=100-199', 100, 200],
      ['bytes=4990-', 4990, 5000],
      ['bytes=4990-9999', 4990, 5000],
      ['bytes=-10', 4990, 5000],
      ['bytes=-9999', 0, 5000],
    ] as const) {
      const part = await tile({ range });
      expect(part.status).toBe(206);
      expect(part.headers.get('content-range')).toBe(`bytes ${from}-${to - 1}/5000`);
      expect(Buffer.from(await part.arrayBuffer()).equals(whole.subarray(from, to))).toBe(true);
    }
    for (const range of ['bytes=5000-', 'bytes=-0']) {
      const answer = await tile({ range });
      expect([answer.status, answer.headers.get('content-range')]).toEqual([416, 'bytes */5000']);
    }
    // Nonsense, a turned range and several ranges: everything.
    for (const range of ['bytes=x', 'bytes=9-3', 'items=0-1', 'bytes=0-1,5-6', 'bytes=-'])
      expect((await tile({ range })).status).toBe(200);
    expect((await tile({ range: 'bytes=0-9', 'if-range': `"${hex}"` })).status).toBe(206);
    expect((await tile({ range: 'bytes=0-9', 'if-range': `W/"${hex}"` })).status).toBe(200);
    expect((await tile({ range: 'bytes=0-9', 'if-range': '"other"' })).status).toBe(200);
    expect((await tile({ range: 'bytes=0-9', 'if-match': `"${hex}"` })).status).toBe(206);
    expect((await tile({ 'if-match': '"other"' })).status).toBe(412);
  });

  it('never gives a damaged tile', async () => {
    const bad = demo.hexes[3]!;
    writeFileSync(join(demo.folder, `tiles/sha256/${bad}.pcd`), Buffer.alloc(5000));
    const answer = await get(`/v1/maps/demo/tiles/sha256/${bad}.pcd`);
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ type: 'urn:dilly-nav:problem:tile-damaged' });
  });

  it.each([
    ['/v1/maps/none/manifest.json', 'unknown-map'],
    ['/v1/maps/%2e%2e/manifest.json', 'unknown-path|unknown-map'],
    [`/v1/maps/demo/tiles/sha256/${'0'.repeat(64)}.pcd`, 'unknown-tile'],
    ['/v1/maps/demo/tiles/sha256/x.pcd', 'unknown-tile'],
    [`/v1/maps/..%2f..%2fetc/tiles/sha256/${'0'.repeat(64)}.pcd`, 'unknown-tile'],
    ['/elsewhere', 'unknown-path'],
  ])('answers %s with a problem', async (path, reason) => {
    const answer = await get(path, { 'x-request-id': 'mine-1' });
    expect(answer.status).toBe(404);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.headers.get('x-request-id')).toBe('mine-1');
    const problem = (await answer.json()) as { type: string; instance: string };
    expect(problem.type).toMatch(new RegExp(`(${reason})$`));
    expect(problem.instance).toBe('urn:request:mine-1');
  });

  it('takes a new version whole, keeps the good one, and never goes back', async () => {
    const manifest = async () =>
      (await get('/v1/maps/other/manifest.json')).json() as Promise<{ version: number }>;
    const one = writeDemoMap(root, 'other', 1);
    expect((await manifest()).version).toBe(1);
    writeFileSync(join(one.folder, 'manifest.json'), '{"half');
    expect((await manifest()).version).toBe(1);
    writeDemoMap(root, 'other', 3);
    expect((await manifest()).version).toBe(3);
    writeDemoMap(root, 'other', 2);
    expect((await manifest()).version).toBe(3);
    rmSync(one.folder, { recursive: true });
    expect((await get('/v1/maps/other/manifest.json')).status).toBe(404);
  });

  it('counts by route, and describes itself', async () => {
    await tile();
    expect(await (await get('/metrics')).text()).toMatch(
      /http_requests_total\{.*tiles\/sha256\/:file.*status="200"\} \d+/,
    );
    const api = (await (await get('/openapi/json')).json()) as { paths: object };
    expect(Object.keys(api.paths)).toContain('/v1/maps/{mapId}/routes');
    const page = await get('/openapi/static/index.html');
    expect(await page.text()).not.toMatch(/(?:src|href)="https?:/);
  });
});

describe('tokens and limits', () => {
  it('lets known robots in, each up to its limit', async () => {
    const tokens = new Tokens(
      JSON.stringify([
        { robot: 'r1', sha256: sha256('secret-1') },
        { robot: 'r2', sha256: sha256('secret-2') },
      ]),
    );
    const { app, url } = await serveMaps({ store: new FolderStore(root), tokens, perMinute: 3 });
    const ask = (authorization?: string) =>
      fetch(`${url}/v1/maps`, authorization ? { headers: { authorization } } : {});
    try {
      for (const bad of [
        undefined,
        'Bearer secret-3',
        'Bearer ',
        'Basic secret-1',
        `Bearer ${sha256('secret-1')}`,
      ]) {
        const answer = await ask(bad);
        expect(answer.status).toBe(401);
        expect(answer.headers.get('www-authenticate')).toBe('Bearer');
      }
      expect((await fetch(`${url}/metrics`)).status).toBe(401);
      expect((await fetch(`${url}/health`)).status).toBe(200);
      for (let k = 0; k < 3; k++) expect((await ask('Bearer secret-1')).status).toBe(200);
      const over = await ask('Bearer secret-1');
      expect([over.status, over.headers.has('retry-after')]).toEqual([429, true]);
      expect(await over.json()).toMatchObject({ type: 'urn:dilly-nav:problem:too-many-requests' });
      expect((await ask('Bearer secret-2')).status).toBe(200);
    } finally {
      await app.close();
    }
  });

  it('gives each robot its bytes of the day, and no more', async () => {
    const robots = ['r1', 'r2'].map((robot) => ({ robot, sha256: sha256(robot) }));
    const tokens = new Tokens(JSON.stringify([{ ...robots[0], dailyMb: 0.000001 }, robots[1]]));
    const { app, url } = await serveMaps({ store: new FolderStore(root), tokens, dailyBytes: 3000 });
    const ask = (robot: string, path = '/v1/maps') =>
      fetch(`${url}${path}`, { headers: { authorization: `Bearer ${robot}` } });
    try {
      expect((await ask('r1')).status).toBe(200);
      const over = await ask('r1');
      expect(over.status).toBe(429);
      const seconds = Number(over.headers.get('retry-after'));
      expect(seconds).toBeGreaterThan(0);
      expect(seconds).toBeLessThanOrEqual(86_400);
      expect(await over.json()).toMatchObject({ type: 'urn:dilly-nav:problem:quota-used' });
      let bytes = 0;
      for (let answer = await ask('r2'); answer.status === 200; answer = await ask('r2'))
        bytes += (await answer.arrayBuffer()).byteLength;
      expect(bytes).toBeGreaterThanOrEqual(3000);
      expect(bytes).toBeLessThan(4000);
    } finally {
      await app.close();
    }
  });

  it('counts bytes anew each day', () => {
    const daily = new DailyBytes();
    const noon = Date.parse('2026-11-27T12:00:00Z');
    daily.add('r1', 10, noon);
    daily.add('r1', 5, noon + 11.9 * 3_600_000);
    expect(daily.used('r1', noon + 11.99 * 3_600_000)).toBe(15);
    expect(daily.used('r2', noon)).toBe(0);
    expect(daily.used('r1', noon + 12 * 3_600_000)).toBe(0);
  });

  it.each(['{', '[]', '[{"robot":"r"}]', '[{"robot":"r","sha256":"x"}]'])('refuses the file %s', (json) => {
    expect(() => new Tokens(json)).toThrow(/tokens: /);
  });
});
