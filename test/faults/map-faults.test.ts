import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type OpenMap, openMap, planLimits } from '../../src/commands/open-map.ts';
import { type Config, configSchema } from '../../src/config.ts';
import { TileSupply } from '../../src/map/tile-supply.ts';
import { loadCore } from '../../src/native.ts';
import { refusalReason } from '../../src/types.ts';
import { envelopeOf, type FixtureMap, fixtureMap, keys, sha256, square } from '../tiles/fixture.ts';
import { MapServer } from '../tiles/server.ts';

const core = loadCore('auto');
const signer = keys();
const now = Date.parse('2026-11-27T00:00:00Z');
const year = 365 * 86_400_000;
const v7 = fixtureMap(signer, 7, square(3, 1));
const v8 = fixtureMap(signer, 8, square(3, 2));

let folder: string;
let server: MapServer;
const opened: OpenMap[] = [];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dilly-map-'));
  server = await MapServer.start(filesOf(v7));
});
afterEach(async () => {
  for (const map of opened.splice(0)) await map.close();
  await server.stop().catch(() => {});
  rmSync(folder, { recursive: true, force: true });
});

function filesOf(...maps: FixtureMap[]): Map<string, Uint8Array> {
  return new Map(maps.flatMap(({ files }) => [...files]));
}

function config(changes: object = {}): Config['map'] {
  return configSchema.parse({
    map: {
      loadRadius: 25,
      trustedKeys: [signer.publicPem],
      store: { folder: join(folder, 'store') },
      service: { firstPause: 0.001, longestPause: 0.002, attempts: 3, breakAfter: 1000, breakFor: 0.05 },
      ...changes,
    },
  }).map;
}

async function open(nowMs = now, map = config(), begin: 'stored' | 'newest' = 'stored'): Promise<OpenMap> {
  const found = await openMap(server.url, map, nowMs, begin);
  opened.push(found);
  await found.adopted!(found.index);
  return found;
}

/** A supply that stands in the middle of the map, and everything that it refused. */
async function stand({ index, source, adopted }: OpenMap, map = config()) {
  const refused: string[] = [];
  const supply = new TileSupply({
    core,
    index,
    files: source,
    limits: planLimits(map),
    wait: true,
    loadAtOnce: 2,
    onRefused: (reason, detail) => {
      expect(detail.length).toBeGreaterThan(20); // for people
      refused.push(reason);
    },
    onVersion: (taken) => void adopted?.(taken),
  });
  await supply.moveTo([0, 0, 0]);
  return { supply, refused };
}

async function reasonOf(work: Promise<unknown>): Promise<[string | undefined, string]> {
  return work.then(
    () => [undefined, ''],
    (error) => [refusalReason(error) ?? String(error), (error as Error).message],
  );
}

async function drive(nowMs = now): Promise<OpenMap> {
  const map = await open(nowMs);
  const { supply } = await stand(map);
  expect(supply.tiles.tileIds.length).toBe(12);
  await stored(36);
  return map;
}

/** Waits until everything that is wanted has been fetched into the store. */
async function stored(count: number): Promise<void> {
  const done = async () => (await readdir(join(folder, 'store', 'sha256'))).length >= count;
  while (!(await done())) await new Promise((next) => setTimeout(next, 5));
}

describe('a map of the map service', () => {
  it('is driven on, and then without the service: the store alone, and it says so', async () => {
    const first = await drive();
    await first.close();
    await server.stop();
    const map = await open();
    const { supply, refused } = await stand(map);
    expect(supply.tiles.tileIds.length).toBe(12);
    expect(supply.index).toMatchObject({ version: 7, isSigned: true });
    expect(refused).toEqual([]);
    const { problems } = await map.update!(now);
    expect(problems.map(({ reason }) => reason)).toEqual(['service-unreachable']);
    const source = map.source as unknown as { status(): object };
    expect(source.status()).toMatchObject({ online: false, reason: 'service-unreachable' });
  });

  it('is not had without service and store', async () => {
    await server.stop();
    const [reason, message] = await reasonOf(open());
    expect(reason).toBe('no-map');
    expect(message).toContain('ECONNREFUSED');
  });

  it('is updated beside the old one, and taken whole at standstill', async () => {
    const map = await open();
    const { supply } = await stand(map);
    server.files = filesOf(v7, v8);
    const { index } = await map.update!(now);
    expect(supply.index.version).toBe(7);
    supply.offer(index!);
    await supply.moveTo([0, 0, 0]);
    expect(supply.index.version).toBe(8);
    expect(await map.update!(now)).toEqual({ problems: [] }); // asked with its ETag: unchanged
    server.files.delete('manifest.json');
    expect((await map.update!(now)).problems.map(({ reason }) => reason)).toEqual(['not-found']);
  });

  it('survives bits flipped on the disk: the file is fetched again', async () => {
    await (await drive()).close();
    const disk = join(folder, 'store', 'sha256');
    for (const name of await readdir(disk)) {
      const bytes = await readFile(join(disk, name));
      bytes[bytes.length - 9]! ^= 1;
      await writeFile(join(disk, name), bytes);
    }
    const { supply, refused } = await stand(await open());
    expect(supply.tiles.tileIds.length).toBe(12);
    expect(refused.filter((reason) => reason === 'tile-hash').length).toBe(12);
    // Beside the tiles lie their indices, which were spoilt as well.
    expect(new Set(refused)).toEqual(new Set(['tile-hash', 'index-hash']));
    const tile = v7.value.tiles['0_0']!;
    expect(sha256(await readFile(join(disk, `${tile.sha256}.pcd`)))).toBe(tile.sha256);
  });

  it('stays out where bits are flipped on the disk and there is no network', async () => {
    await (await drive()).close();
    const path = join(folder, 'store', 'sha256', `${v7.value.tiles['0_0']!.sha256}.pcd`);
    const bytes = await readFile(path);
    bytes[bytes.length - 9]! ^= 1;
    await writeFile(path, bytes);
    await server.stop();
    const { supply, refused } = await stand(await open());
    expect(supply.tiles.tileIds.length).toBe(11);
    expect(refused).toEqual(['tile-hash', 'service-unreachable']);
  });

  it('never uses tiles of two versions: those of the old one under the names of the new are refused', async () => {
    const map = await open();
    const { supply, refused } = await stand(map);
    server.files = filesOf(v7, v8);
    for (const [id, entry] of Object.entries(v8.value.tiles)) {
      const old = v7.files.get(`tiles/sha256/${v7.value.tiles[id]!.sha256}.pcd`)!;
      server.files.set(`tiles/sha256/${entry.sha256}.pcd`, old);
    }
    supply.offer((await map.update!(now)).index!);
    for (let k = 0; k < 60; k++) await supply.moveTo([0, 0, 0]);
    expect(supply.status()).toMatchObject({ version: 7, staged: 8, missing: 0, reason: 'download-hash' });
    expect(refused[0]).toBe('download-hash');
  });
});

describe('a manifest', () => {
  const bad: [what: string, map: FixtureMap, reason: string][] = [
    ['of last week (rollback)', fixtureMap(signer, 6, square(3, 1)), 'map-rollback'],
    [
      'that has expired (freeze)',
      fixtureMap(signer, 8, square(3, 1), { expires: '2026-11-26T00:00:00Z' }),
      'map-expired',
    ],
    ['signed by another key', fixtureMap(keys(), 8, square(3, 1)), 'bad-signature'],
    ['of another map', fixtureMap(signer, 8, square(3, 1), { mapId: 'park' }), 'other-map'],
    ['with the signature of another', { ...v8, envelope: v7.envelope }, 'bad-signature'],
  ];

  it.each(bad)('%s is refused in a drive, which goes on with the last good one', async (_, next, reason) => {
    const map = await open();
    const { supply } = await stand(map);
    server.files = new Map([...filesOf(next), ['manifest.json.dsse', next.envelope]]);
    const { index, problems } = await map.update!(now);
    expect(index).toBeUndefined();
    expect(problems.map((one) => one.reason)).toEqual([reason]);
    for (let k = 0; k < 60; k++) await supply.moveTo([0, 0, 0]);
    expect(supply.status()).toMatchObject({ version: 7, missing: 0 });
  });

  it.each(bad)('%s is refused at a start too: what is in the store counts', async (_, next, reason) => {
    await (await drive()).close();
    server.files = new Map([...filesOf(next), ['manifest.json.dsse', next.envelope]]);
    const map = await open(now, config(), 'newest');
    expect(map.index.version).toBe(7);
    expect(map.problems.map((one) => one.reason)).toEqual([reason]);
  });

  it('without a signature is refused, unless that is allowed', async () => {
    server.files.delete('manifest.json.dsse');
    const [reason, message] = await reasonOf(open());
    expect(reason).toBe('no-map');
    expect(message).toContain('manifest.json.dsse');
    expect((await open(now, config({ allowUnsigned: true }))).index.isSigned).toBe(false);
  });

  it('whose bytes were changed on the way is refused, and one without end is cut', async () => {
    const changed = Buffer.from(v7.manifest.toString().replace('"points": 60', '"points": 61'));
    server.files.set('manifest.json', changed);
    expect((await reasonOf(open()))[1]).toContain('expected the signed bytes to be those of manifest.json');
    server.files.set('manifest.json', Buffer.alloc(3e6, 0x20));
    const [reason, message] = await reasonOf(
      open(now, config({ service: { ...config().service, manifestLimit: 1 } })),
    );
    expect(reason).toBe('no-map');
    expect(message).toContain('broken off');
  });

  it('that was in use falls no lower, also when its file in the store is put back to an old one', async () => {
    server.files = filesOf(v8);
    await (await drive()).close();
    const kept = join(folder, 'store', 'maps', 'yard', 'kept');
    const [name] = await readdir(kept);
    await writeFile(join(kept, name!, 'manifest.json'), v7.manifest);
    await writeFile(join(kept, name!, 'manifest.json.dsse'), v7.envelope);
    await server.stop();
    expect((await reasonOf(open()))[1]).toMatch(/expected version 8 or later, found 7/);
  });

  it('that expires in a drive is said to have; without a newer one the drive ends on it', async () => {
    const map = await open();
    await map.update!(now);
    const late = Date.parse('2027-02-01T00:00:00Z');
    server.date = new Date(late).toUTCString();
    expect((await map.update!(late)).problems.map(({ reason }) => reason)).toContain('map-expired');
    expect((await reasonOf(open(late)))[1]).toContain('expired on 2027-01-31');
  });
});

describe('a clock that is wrong by a year', () => {
  it.each([
    ['behind', -year],
    ['ahead', year],
  ])('%s the service is said, and no map is begun', async (_, off) => {
    const [reason, message] = await reasonOf(open(now + off));
    expect(reason).toBe('no-map');
    expect(message).toContain('set the clock');
  });

  it('behind is noticed without a network too, by what was seen before', async () => {
    await (await drive()).close();
    await server.stop();
    const [, message] = await reasonOf(open(now - year));
    expect(message).toContain('expected a time after 2026-11-27, which was seen before, found 2025-11-27');
    expect((await open(now + 3_600_000)).index.version).toBe(7);
  });

  it('ahead leaves no trace that would shut the robot out once the clock is right', async () => {
    await (await drive()).close();
    await reasonOf(open(now + year));
    expect((await open(now + 3_600_000)).index.version).toBe(7);
  });
});

describe('a full disk', () => {
  it('costs the store, not the drive: tiles come into memory, and it says so', async () => {
    const map = config({ store: { folder: join(folder, 'store'), budget: 0.001 } });
    const { supply } = await stand(await open(now, map), map);
    expect(supply.tiles.tileIds.length).toBe(12);
    const source = opened.at(-1)!.source as unknown as { status(): object };
    await new Promise((done) => setTimeout(done, 20));
    expect(source.status()).toMatchObject({ online: true, bytesStored: 0, reason: 'disk-budget' });
  });
});

describe('a folder', () => {
  async function write(map: FixtureMap, name = 'yard'): Promise<string> {
    for (const [path, bytes] of map.files) {
      await mkdir(dirname(join(folder, name, path)), { recursive: true });
      await writeFile(join(folder, name, path), bytes);
    }
    return join(folder, name);
  }
  const openFolder = (place: string, changes: object = {}) => openMap(place, config(changes), now, 'newest');

  it('is a map: signed where there are keys, and not out of date', async () => {
    const place = await write(v7);
    expect((await openFolder(place)).index.isSigned).toBe(true);
    expect((await openFolder(place, { trustedKeys: [] })).index.isSigned).toBe(false);
    expect((await reasonOf(openFolder(place, { trustedKeys: [keys().publicPem] })))[0]).toBe('bad-signature');
    await writeFile(join(place, 'manifest.json.dsse'), envelopeOf(keys(), v7.manifest));
    expect((await reasonOf(openFolder(place)))[0]).toBe('bad-signature');
    expect((await reasonOf(openMap(place, config({ trustedKeys: [] }), now + year, 'newest')))[0]).toBe(
      'map-expired',
    );
  });

  it('divided the Autoware way is a map where that is allowed', async () => {
    const place = join(folder, 'town');
    const pcd = join(place, 'pointcloud_map.pcd');
    await mkdir(pcd, { recursive: true });
    const points: string[] = [];
    for (let x = 0.25; x < 20; x += 0.5)
      for (let y = 0.25; y < 20; y += 0.5) points.push(`${100 + x} ${-20 + y} ${0.01 * (x % 1)}`);
    const header = `VERSION 0.7\nFIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nCOUNT 1 1 1\nWIDTH ${points.length}\nHEIGHT 1\nVIEWPOINT 0 0 0 1 0 0 0\nPOINTS ${points.length}\nDATA ascii\n`;
    await writeFile(join(pcd, 'a.pcd'), `${header}${points.join('\n')}\n`);
    await writeFile(
      join(place, 'pointcloud_map_metadata.yaml'),
      'x_resolution: 20.0\ny_resolution: 20.0\na.pcd: [100, -20]\n',
    );
    expect((await reasonOf(openFolder(place)))[0]).toBe('unsigned');
    expect((await reasonOf(openFolder(place, { allowUnsigned: true })))[0]).toBe('no-origin');
    const where = { lat: 35.6, lon: 139.7, ellipsoidalHeight: 40 };
    const { index, source } = await openFolder(place, { allowUnsigned: true, origin: where });
    expect(index).toMatchObject({ mapId: 'town', origin: where, isSigned: false, tileSize: 20, size: 1 });
    const tile = await index.build(core, '5_-1', await source.read(index.file('5_-1')!.path));
    const tiles = core.tileMap(20);
    tiles.add('5_-1', tile);
    const near = tiles.nearest(Float64Array.from([110.25, -9.75, 0.3]), 1);
    expect(Math.abs(near.distances[0]! - 0.3)).toBeLessThan(0.01);
    await writeFile(
      join(place, 'map_projector_info.yaml'),
      'projector_type: LocalCartesian\nmap_origin:\n  latitude: 35.6\n  longitude: 139.7\n  altitude: 40\n',
    );
    expect((await openFolder(place, { allowUnsigned: true })).index.origin).toEqual(where);
    const metadata = (text: string) => writeFile(join(place, 'pointcloud_map_metadata.yaml'), text);
    for (const text of [
      'x_resolution: 20.0\ny_resolution: 10.0\na.pcd: [100, -20]\n',
      'x_resolution: 20.0\ny_resolution: 20.0\na.pcd: [105, -20]\n',
      'x_resolution: 20.0\ny_resolution: 20.0\nb.pcd: [100, -20]\n',
      'x_resolution: 20.0\ny_resolution: 20.0\n../a.pcd: [100, -20]\n',
      'x_resolution: 20.0\n',
      '[]',
    ]) {
      await metadata(text);
      expect((await reasonOf(openFolder(place, { allowUnsigned: true })))[0]).toBe('bad-metadata');
    }
    await metadata('x_resolution: 20.0\ny_resolution: 20.0\na.pcd: [120, -20]\n');
    const wrong = (await openFolder(place, { allowUnsigned: true })).index;
    expect((await reasonOf(wrong.build(core, '6_-1', await readFile(join(pcd, 'a.pcd')))))[0]).toBe(
      'tile-outside-box',
    );
  });
});
