import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tileMap } from '../../src/commands/map-tile.ts';
import { verifyMap } from '../../src/commands/map-verify.ts';
import { openMap } from '../../src/map-service/source-tiles.ts';
import { loadCore } from '../../src/native.ts';
import { sampleMap } from './sample-map.ts';
import { temporaryFolder } from './scene.ts';

const core = loadCore();
const root = temporaryFolder();
const map = join(root, 'map');
const COMMON = { set: ['map.build.voxelSize=0.2', 'map.build.normalNeighbours=8'], json: true };
beforeAll(() => sampleMap(map));
afterAll(() => rm(root, { recursive: true }));

/** All points of a map in the map frame, to a tenth of a millimetre, sorted: what must not change. */
async function pointsOf(folder: string): Promise<string[]> {
  const points: string[] = [];
  for await (const { corner, arrays } of (await openMap(core, folder)).tiles(0)) {
    const { positions, intensity } = arrays;
    for (let p = 0; p < positions.length / 3; p++) {
      const place = corner.map((c, k) => (c + positions[3 * p + k]!).toFixed(3));
      points.push(`${place.join(' ')} ${intensity![p]!.toFixed(4)}`);
    }
  }
  return points.sort();
}

describe('map tile', () => {
  it('keeps every point when the tiles change size, and comes back to the first ones', async () => {
    const [half, back] = [join(root, 'half'), join(root, 'back')];
    await tileMap(map, { ...COMMON, size: 5, out: half });
    await tileMap(half, { ...COMMON, size: 10, out: back });
    const before = await pointsOf(map);
    expect(before.length).toBeGreaterThan(1000);
    // A point within rounding of a tile's rim may change sides, and its last digit.
    const same = new Set(before);
    for (const folder of [half, back]) {
      const after = await pointsOf(folder);
      expect(after.length).toBe(before.length);
      expect(after.filter((point) => !same.has(point)).length).toBeLessThan(0.02 * before.length);
      expect(await verifyMap(folder, COMMON)).toEqual([]);
    }
    expect((await readdir(join(half, 'tiles', 'sha256'))).length).toBeGreaterThan(
      (await readdir(join(map, 'tiles', 'sha256'))).length,
    );
  });

  it('writes a folder divided the Autoware way and reads it', async () => {
    const [autoware, again] = [join(root, 'autoware'), join(root, 'again')];
    await tileMap(map, { ...COMMON, autoware: true, out: autoware });
    const yaml = await readFile(join(autoware, 'pointcloud_map_metadata.yaml'), 'utf8');
    expect(yaml).toMatch(/^x_resolution: 10\ny_resolution: 10\n-?\d+_-?\d+\.pcd: \[-?\d+, -?\d+\]\n/);
    const before = await pointsOf(map);
    expect((await pointsOf(autoware)).length).toBe(before.length);
    await tileMap(autoware, { ...COMMON, size: 10, out: again });
    expect((await pointsOf(again)).length).toBe(before.length);
    expect(await verifyMap(again, COMMON)).toEqual([]);
  });

  it('refuses points outside their square, a missing file, bad metadata and a folder that is no map', async () => {
    const autoware = join(root, 'autoware');
    const path = join(autoware, 'pointcloud_map_metadata.yaml');
    const yaml = await readFile(path, 'utf8');
    const out = join(root, 'never');
    const tile = () => tileMap(autoware, { ...COMMON, out });
    await writeFile(path, yaml.replace(/\[-?\d+, -?\d+\]/, '[5000, 5000]'));
    await expect(tile()).rejects.toMatchObject({ reason: 'tile-outside-box' });
    await writeFile(path, `${yaml}gone.pcd: [0, 0]\n`);
    await expect(tile()).rejects.toMatchObject({ reason: 'map-file-missing' });
    await writeFile(path, 'x_resolution: 0\n');
    await expect(tile()).rejects.toMatchObject({ reason: 'bad-metadata' });
    await expect(tileMap(root, { ...COMMON, out })).rejects.toMatchObject({ reason: 'not-a-map' });
  });
});
