import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { OS1_16 } from '../../src/adapters/sim/lidar.ts';
import { SimulatedDrive } from '../../src/adapters/sim/source.ts';
import { writeBag } from '../../src/commands/bag.ts';
import { MapPackageWriter } from '../../src/map-service/map-package.ts';
import { TileBuilder } from '../../src/map-service/tile-builder.ts';
import { loadCore } from '../../src/native.ts';
import { OPTIONS, sceneScans, temporaryFolder } from './scene.ts';

const core = loadCore();
const root = temporaryFolder();
const scans = sceneScans(core, 7);
const ORIGIN = { lat: 37.5, lon: 127, ellipsoidalHeight: 40 };
const PACKAGE = { mapId: 'm', expires: '2036-01-01T00:00:00Z', origin: ORIGIN, ...OPTIONS };
afterAll(() => rm(root, { recursive: true }));

/** What stops a build: scans that get in, tiles that get thinned, tiles that get written. */
interface Stop {
  readonly scans?: number;
  readonly thinned?: number;
  readonly written?: number;
}
class Killed extends Error {}

/** One process's work on a map, killed where `stop` says. Returns the manifest's hash where it came to the end. */
async function work(folder: string, stop: Stop, key = 'key'): Promise<string> {
  const build = join(folder, '.build');
  const builder = await TileBuilder.open(core, { ...OPTIONS, checkpointScans: 2 }, build, key);
  if (!builder.state.origin) {
    for (const [k, { cloud, T_base_sensor, T_map_base, path }] of scans.entries()) {
      if (k < builder.state.scans) continue;
      if (k === stop.scans) throw new Killed();
      await builder.add(cloud, T_base_sensor, T_map_base, path);
      await builder.scanDone();
    }
    await builder.seal(ORIGIN);
  }
  let thinned = 0;
  await builder.thin(() => {
    if (thinned++ === stop.thinned) throw new Killed();
  });
  const writer = new MapPackageWriter(folder, PACKAGE, join(build, 'tiles.ndjson'));
  await writer.resume();
  let written = 0;
  for await (const tile of builder.finish((id) => writer.has(id))) {
    if (written++ === stop.written) throw new Killed();
    await writer.add(tile);
  }
  return (await writer.finish()).manifestSha256;
}

/** What a kill in the middle of a write leaves: bytes beyond the checkpoint, a journal line cut short. */
async function tear(folder: string): Promise<void> {
  const rows = join(folder, '.build', 'rows');
  for (const kept of [rows, join(folder, '.build', 'waiting')])
    for (const name of await readdir(kept).catch(() => [])) await appendFile(join(kept, name), 'torn!');
  await mkdir(rows, { recursive: true });
  await writeFile(join(rows, '99_99.rows'), 'a tile of a later scan');
  await appendFile(join(folder, '.build', 'tiles.ndjson'), '{"id":"0_0","ent');
}

describe('TileBuilder', () => {
  it('gives the same bytes however often it is killed', async () => {
    const expected = await work(join(root, 'whole'), {});
    const stop = fc.record({
      scans: fc.option(fc.nat(6), { nil: undefined }),
      thinned: fc.option(fc.nat(6), { nil: undefined }),
      written: fc.option(fc.nat(6), { nil: undefined }),
    });
    let run = 0;
    const property = fc.asyncProperty(fc.array(stop, { minLength: 1, maxLength: 4 }), async (stops) => {
      const folder = join(root, `run-${run++}`);
      for (const one of stops) {
        await work(folder, one as Stop).catch((error) => {
          if (!(error instanceof Killed)) throw error;
        });
        await tear(folder);
      }
      expect(await work(folder, {})).toBe(expected);
    });
    await fc.assert(property, { seed: 4, numRuns: 15 });
  }, 120_000);

  it('begins anew for another key', async () => {
    const folder = join(root, 'other');
    await expect(work(folder, { scans: 5 }, 'old')).rejects.toThrow(Killed);
    const builder = await TileBuilder.open(core, OPTIONS, join(folder, '.build'), 'new');
    expect(builder.state.scans).toBe(0);
    expect(builder.tileCount).toBe(0);
  });

  it('holds the intensity and unit normals of every point, within its tile', async () => {
    const folder = join(root, 'sound');
    await work(folder, {});
    const builder = await TileBuilder.open(core, OPTIONS, join(folder, '.build'), 'key');
    let tiles = 0;
    for await (const { arrays } of builder.finish(() => false)) {
      tiles++;
      const { positions, normals, intensity } = arrays;
      for (let p = 0; p < positions.length / 3; p++) {
        expect(Math.hypot(...normals!.subarray(3 * p, 3 * p + 3))).toBeCloseTo(1, 4);
        expect(intensity![p]).toBeGreaterThanOrEqual(0);
        expect(Math.min(positions[3 * p]!, positions[3 * p + 1]!)).toBeGreaterThanOrEqual(0);
        expect(Math.max(positions[3 * p]!, positions[3 * p + 1]!)).toBeLessThanOrEqual(OPTIONS.tileSize);
      }
    }
    expect(tiles).toBeGreaterThan(6);
  });
});

describe('map build', () => {
  it('goes on after kill -9 to the same bytes', async () => {
    const bag = join(root, 'drive.mcap');
    const lidar = { ...OS1_16, columns: 64 };
    await writeBag(new SimulatedDrive({ seed: 3, seconds: 6, lidar }), bag);
    const [whole, killed] = [join(root, 'a', 'map'), join(root, 'b', 'map')];
    expect(await cli(bag, whole)).toBe(0);
    expect(await cli(bag, killed, join(killed, '.build', 'state.json'))).toBe('SIGKILL');
    expect(await cli(bag, killed)).toBe(0);
    expect(await digest(killed)).toEqual(await digest(whole));
    expect(await readdir(killed)).not.toContain('.build');
  }, 120_000);
});

/** Runs `map build`; with `until` kills it when that file appears (at the 50th of 60 scans). */
async function cli(scans: string, out: string, until?: string): Promise<number | string | null> {
  const main = resolve(import.meta.dirname, '../../src/main.ts');
  const args = ['map', 'build', '--scans', scans, '--poses', '/ground_truth/pose', '--out', out];
  const child = spawn(process.execPath, ['--import', 'tsx', main, ...args], { stdio: 'ignore' });
  const watch =
    until === undefined
      ? undefined
      : setInterval(
          () =>
            readFile(until).then(
              () => child.kill('SIGKILL'),
              () => {},
            ),
          5,
        );
  return new Promise((settle) => {
    child.on('exit', (code, signal) => {
      clearInterval(watch);
      settle(signal ?? code);
    });
  });
}

async function digest(folder: string): Promise<Record<string, string>> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = names
    .filter((entry) => entry.isFile())
    .map((e) => join(e.parentPath, e.name))
    .sort();
  return Object.fromEntries(
    await Promise.all(
      paths.map(async (path) => [
        path.slice(folder.length),
        createHash('sha256')
          .update(await readFile(path))
          .digest('hex'),
      ]),
    ),
  );
}
