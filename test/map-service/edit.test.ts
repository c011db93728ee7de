import { existsSync, mkdirSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { chromium } from 'playwright-core';
import { PNG } from 'pngjs';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tilePicture } from '../../src/commands/map-edit.ts';
import { verifyMap } from '../../src/commands/map-verify.ts';
import { editServer } from '../../src/map-service/editor/edit-server.ts';
import {
  addLink,
  addPoint,
  addWall,
  moveCorner,
  remove,
  setProperties,
} from '../../src/map-service/editor/page/edits.ts';
import { type Feature, Plane } from '../../src/map-service/editor/page/features.ts';
import { readManifest } from '../../src/map-service/graph-file.ts';
import { parseGraph } from '../../src/map-service/graph-schema.ts';
import { loadCore } from '../../src/native.ts';
import { SAMPLE_ORIGIN, sampleMap } from './sample-map.ts';
import { temporaryFolder } from './scene.ts';

const CHROMIUM = '/usr/bin/chromium';
const root = resolve(import.meta.dirname, '../..');
const folder = temporaryFolder();
const dir = join(folder, 'map');
const page = join(folder, 'page');
const host = '127.0.0.1:8091';
const core = loadCore();
let app: Awaited<ReturnType<typeof editServer>>;

beforeAll(async () => {
  await sampleMap(dir);
  await build({
    configFile: join(root, 'vite.editor.config.ts'),
    logLevel: 'error',
    root: join(root, 'src/map-service/editor/page'),
    build: { outDir: page },
  });
  const manifest = await readManifest(dir);
  app = await editServer({ dir, page, picture: (id) => tilePicture(core, dir, manifest, id) });
}, 60_000);
afterAll(async () => {
  await app.close();
  await rm(folder, { recursive: true });
});

const plane = new Plane(SAMPLE_ORIGIN);
const at = (x: number, y: number) => plane.toLonLat([x, y]);
/** What the page makes must be what the map service takes. */
const isTaken = (features: readonly Feature[]) =>
  parseGraph(JSON.stringify({ type: 'FeatureCollection', features }), 'page').length;
const inMap = async (): Promise<Feature[]> =>
  JSON.parse(await readFile(join(dir, 'graph.geojson'), 'utf8')).features;
const put = (version: number, features: unknown, headers: Record<string, string> = { host }) =>
  app.inject({ method: 'PUT', url: '/graph', headers, payload: { version, features } });

describe('edits of the page', () => {
  it('make features that a graph takes, joined by their nodes', () => {
    const features: Feature[] = [];
    const one = addLink(features, [at(0, 0), at(5, 1), at(10, 0)]);
    const two = addLink(features, [at(10, 0), at(10, 10)]);
    expect(two.properties.from).toBe(one.properties.to);
    for (const kind of ['poi', 'signal', 'door', 'lift']) addPoint(features, kind, at(5, 0), one);
    addWall(features, [at(0, 5), at(5, 5)], false);
    addWall(features, [at(0, 5), at(5, 5), at(5, 9)], true);
    expect(isTaken(features)).toBe(3 + 2 + 4 + 2);
    expect(one.properties).toMatchObject({ crossing: 'signal-1', door: 'door-1', lift: 'lift-1' });
  });

  it('move links with their node, and nothing else', () => {
    const features: Feature[] = [];
    const one = addLink(features, [at(0, 0), at(10, 0)]);
    const two = addLink(features, [at(10, 0), at(20, 0)]);
    const node = features.find(({ properties }) => properties.id === one.properties.to)!;
    moveCorner(features, node, 0, at(11, 3));
    expect(one.geometry.coordinates).toEqual([at(0, 0), at(11, 3)]);
    expect(two.geometry.coordinates).toEqual([at(11, 3), at(20, 0)]);
  });

  it('keep a ring closed and a POI with its approach', () => {
    const features: Feature[] = [];
    const area = addWall(features, [at(0, 0), at(5, 0), at(5, 5)], true);
    moveCorner(features, area, 0, at(-1, -1));
    expect(area.geometry.coordinates).toEqual([[at(-1, -1), at(5, 0), at(5, 5), at(-1, -1)]]);
    const poi = addPoint(features, 'poi', [127, 37], undefined);
    moveCorner(features, poi, 0, [127.5, 37.25]);
    expect(poi.properties.approach).toMatchObject({ lon: 127.5, lat: 37.25 });
  });

  it('remove with a node its links, and with a signal its name on the link', () => {
    const features: Feature[] = [];
    const one = addLink(features, [at(0, 0), at(10, 0)]);
    const signal = addPoint(features, 'signal', at(5, 0), one);
    const withoutSignal = remove(features, signal);
    expect(one.properties).not.toHaveProperty('crossing');
    const node = withoutSignal.find(({ properties }) => properties.id === one.properties.from)!;
    expect(remove(withoutSignal, node).map(({ properties }) => properties.kind)).toEqual(['node']);
  });

  it('refuse properties of another kind or with an id that is taken; links follow a renamed node', () => {
    const features: Feature[] = [];
    const one = addLink(features, [at(0, 0), at(10, 0)]);
    const node = features.find(({ properties }) => properties.id === one.properties.from)!;
    const set = (properties: object) => () => setProperties(features, node, JSON.stringify(properties));
    expect(set({ kind: 'poi', id: 'x' })).toThrow(/expected kind node, found poi/);
    expect(set({ kind: 'node', id: one.properties.to })).toThrow(/another node/);
    expect(set({ kind: 'node', id: '' })).toThrow(/expected an id/);
    set({ kind: 'node', id: 'home' })();
    expect(one.properties.from).toBe('home');
  });
});

describe('the service of the page', () => {
  it('gives the map, its problems and pictures of its tiles', async () => {
    const map = (await app.inject({ url: '/map', headers: { host } })).json();
    expect(map).toMatchObject({ mapId: 'sample', version: 1, features: [], problems: [] });
    const tile = await app.inject({ url: `/tiles/${map.tiles[0].id}`, headers: { host } });
    const { data } = PNG.sync.read(tile.rawPayload);
    expect(data.some((value) => value < 200)).toBe(true);
    expect((await app.inject({ url: '/tiles/99_99', headers: { host } })).statusCode).toBe(404);
    expect((await app.inject({ url: '/tiles/constructor', headers: { host } })).statusCode).toBe(404);
  });

  it('writes nothing for other sites, for an older version, or of what is no graph', async () => {
    const wall = addWall([], [at(0, 0), at(5, 0)], false);
    const answers = [
      await put(1, [wall], { host: 'evil.example:8091' }),
      await put(1, [wall], { host, origin: 'http://evil.example' }),
      await put(0, [wall]),
      await put(1, [{ ...wall, properties: { ...wall.properties, type: 'maybe' } }]),
      await put(1, 'nothing'),
    ];
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([403, 403, 409, 422, 422]);
    for (const answer of answers) expect(answer.json().detail.length).toBeGreaterThan(20);
    expect(await inMap()).toEqual([]);
  });

  it('writes the graph as the next version of the map, which verifies', async () => {
    const features: Feature[] = [];
    addLink(features, [at(0, 0), at(10, 0)]);
    const [first, second] = [await put(1, features), await put(2, features)];
    expect([first.json().version, second.json().version]).toEqual([2, 2]);
    expect(await inMap()).toEqual(features);
    const problems = await verifyMap(dir, { set: [], json: true });
    expect(problems).toEqual([]);
  });
});

const hasChromium = existsSync(CHROMIUM);
if (!hasChromium) console.warn(`skipped: no ${CHROMIUM}; apt-get install chromium`);

it.skipIf(!hasChromium)(
  'the page draws a link to a node that is there, and saves it',
  { timeout: 60_000 },
  async () => {
    const address = await app.listen({ host: '127.0.0.1', port: 0 });
    const browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: ['--no-sandbox', '--disable-quic'],
    });
    try {
      const tab = await browser.newPage({ viewport: { width: 1200, height: 700 } });
      const faults: string[] = [];
      tab.on('pageerror', (error) => faults.push(error.message));
      await tab.goto(address);
      const before = await inMap();
      const node = before.find(({ properties }) => properties.kind === 'node')!;
      const box = (await tab.locator('canvas').boundingBox())!;
      // Tiles of 10 m: the page shows all of them, in the middle.
      const { tiles } = (await app.inject({ url: '/map', headers: { host } })).json();
      const ids = tiles.map(({ id }: { id: string }) => id.split('_').map(Number));
      const span = (k: number) => [
        Math.min(...ids.map((id: number[]) => id[k]!)),
        Math.max(...ids.map((id: number[]) => id[k]!)) + 1,
      ];
      const [[west, east], [south, north]] = [span(0), span(1)] as [[number, number], [number, number]];
      const scale = Math.min(box.width / (east - west), box.height / (north - south)) / 10;
      const [x, y] = plane.toPlace(node.geometry.coordinates as number[]);
      const [u, v] = [
        box.x + box.width / 2 + (x - 5 * (west + east)) * scale,
        box.y + box.height / 2 - (y - 5 * (south + north)) * scale,
      ];
      await tab.getByRole('button', { name: 'Link' }).click();
      await tab.mouse.click(u + 3, v - 2);
      await tab.mouse.click(u + 60, v - 80);
      await tab.mouse.dblclick(u + 120, v - 60);
      await tab.getByText('link link-2').waitFor();
      await tab.getByRole('button', { name: 'Save' }).click();
      await tab.getByText('saved as version 3').waitFor();
      mkdirSync(join(root, 'build/screenshots'), { recursive: true });
      await tab.screenshot({ path: join(root, 'build/screenshots/map-edit.png') });
      const link = (await inMap()).find(({ properties }) => properties.id === 'link-2')!;
      expect(link.properties.from).toBe(node.properties.id);
      expect(link.geometry.coordinates.length).toBe(3);
      expect(faults).toEqual([]);
    } finally {
      await browser.close();
    }
  },
);
