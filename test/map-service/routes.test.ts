import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FolderStore } from '../../src/map-service/http/folder-store.ts';
import { WALKER } from '../route/city.ts';
import { writeDemoMap } from './demo-map.ts';
import { serveMaps } from './service.ts';

const root = mkdtempSync(join(tmpdir(), 'maps-'));
const demo = writeDemoMap(root, 'demo');
const place = (k: number) => {
  const [lon, lat] = demo.city.corner(k).geometry.coordinates;
  return { lon: lon!, lat: lat! };
};
let service: Awaited<ReturnType<typeof serveMaps>>;
beforeAll(async () => {
  service = await serveMaps({ store: new FolderStore(root) });
});
afterAll(async () => {
  await service.app.close();
  rmSync(root, { recursive: true });
});

const post = (path: string, body: unknown, type = 'application/json') =>
  fetch(service.url + path, {
    method: 'POST',
    headers: { 'content-type': type },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
const ask = (body: unknown) => post('/v1/maps/demo/routes', body);
const reason = async (answer: Response) =>
  ((await answer.json()) as { type: string }).type.replace('urn:dilly-nav:problem:', '');

interface Answer {
  routeId: string;
  links: { id: string; direction: string }[];
  tiles: string[];
  signals: unknown[];
  virtualWalls: unknown[];
  expires: string;
  length: number;
}

describe('routes', () => {
  it('answers with the way, its tiles in order and what lies on it', async () => {
    const request = { from: place(0), to: place(9), profile: 'quadruped' };
    const answer = await ask(request);
    expect(answer.status).toBe(200);
    const route = (await answer.json()) as Answer;
    expect(route).toMatchObject({ mapId: 'demo', mapVersion: 1 });
    expect(route.links.length).toBeGreaterThanOrEqual(9);
    // 450 blocks of 0.00045° of longitude are 358 m at this latitude, a little more by the jitter.
    expect(route.length).toBeGreaterThan(340);
    expect(route.tiles[0]).toBe('0_0');
    expect(route.tiles).toContain('3_0');
    expect(route.tiles).not.toContain('0_4');
    expect(route.tiles.indexOf('0_0')).toBeLessThan(route.tiles.indexOf('3_0'));
    expect(route.virtualWalls).toEqual([]);
    expect(route.signals).toHaveLength(route.links.some(({ id }) => id === 'l0-1') ? 1 : 0);
    expect(Date.parse(route.expires)).toBeLessThanOrEqual(Date.now() + 60_000);
    const again = (await (await ask(request)).json()) as Answer;
    expect(again.routeId).toBe(route.routeId);
  });

  it('takes a profile in the request, and says why there is no way', async () => {
    const request = { from: place(0), to: place(55), profile: WALKER };
    expect((await ask(request)).status).toBe(200);
    const closed = await ask({ ...request, profile: { ...WALKER, maxWidth: 5 } });
    expect([closed.status, await reason(closed)]).toEqual([422, 'no-link-near-start']);
    const away = await ask({ ...request, to: { lon: 0, lat: 0 } });
    expect([away.status, await reason(away)]).toEqual([422, 'no-link-near-end']);
  });

  it.each<[string, unknown, number, string, RegExp]>([
    ['no place', { to: place(1), profile: 'drone' }, 400, 'bad-body', /from/],
    [
      'a bad place',
      { from: { lon: 500, lat: 0 }, to: place(1), profile: 'drone' },
      400,
      'bad-body',
      /from\.lon/,
    ],
    [
      'an unknown profile',
      { from: place(0), to: place(1), profile: 'boat' },
      400,
      'unknown-profile',
      /quadruped.*boat/,
    ],
    ['broken JSON', '{"from":', 400, '', /JSON/i],
    ['nothing', '', 400, '', /empty|body/i],
    ['a huge body', JSON.stringify({ x: 'x'.repeat(200_000) }), 413, 'body-too-large', /large/i],
  ])('refuses %s', async (_, body, status, why, detail) => {
    const answer = await ask(body);
    expect(answer.status).toBe(status);
    const problem = (await answer.json()) as { type: string; detail: string };
    if (why) expect(problem.type).toMatch(new RegExp(`${why}$`));
    expect(problem.detail).toMatch(detail);
  });

  it('refuses other types and unknown maps', async () => {
    expect((await post('/v1/maps/demo/routes', 'x', 'text/xml')).status).toBe(415);
    expect((await post('/v1/maps/none/routes', {})).status).toBe(404);
    expect(service.failures).toEqual([]);
  });
});

describe('tiles:diff', () => {
  it('adds what is near and lacks, nearest first, and lets the rest go', async () => {
    const held = [demo.hexes[0]!, demo.hexes[24]!, 'f'.repeat(64)];
    const area = { lon: place(0).lon, lat: place(0).lat, radius: 150 };
    const answer = await post('/v1/maps/demo/tiles:diff', { area, held });
    const diff = (await answer.json()) as { add: { id: string }[]; remove: string[] };
    expect(diff.remove).toEqual(held.slice(1));
    const ids = diff.add.map(({ id }) => id);
    expect(ids).not.toContain('0_0');
    expect(ids.slice(0, 2).sort()).toEqual(['0_1', '1_0']);
    expect(await reason(await post('/v1/maps/demo/tiles:diff', { area, held: ['x'] }))).toBe('bad-body');
  });
});
