import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { SimulatedDrive } from '../../src/adapters/sim/source.ts';
import { writeBag } from '../../src/commands/bag.ts';
import { buildMap } from '../../src/commands/map-build.ts';
import { verifyMap } from '../../src/commands/map-verify.ts';
import { replay } from '../../src/commands/replay.ts';

/** A short simulated drive, its map from another drive through the same street, and what the whole product makes of it. */
describe('a replay of a simulated drive', () => {
  const folder = mkdtempSync(join(tmpdir(), 'dilly-replay-'));
  const bag = join(folder, 'drive.mcap');
  const map = join(folder, 'map');
  const run = (name: string, set: string[] = [], threads = '1') =>
    replay(bag, { set, map, reference: '/ground_truth/pose', out: join(folder, name), threads });

  beforeAll(async () => {
    vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    await writeBag(new SimulatedDrive({ seed: 7, seconds: 6 }), join(folder, 'mapping.mcap'));
    await writeBag(new SimulatedDrive({ seed: 7, noiseSeed: 8, seconds: 6 }), bag);
    await buildMap({ set: [], scans: join(folder, 'mapping.mcap'), poses: '/ground_truth/pose', out: map });
  }, 120_000);
  afterAll(() => {
    vi.restoreAllMocks();
    rmSync(folder, { recursive: true, force: true });
  });

  it('tracks every scan to centimetres, from a start that is metres off', async () => {
    const { summary } = await run('plain');
    expect([summary.frames, summary.tracked]).toEqual([60, 60]);
    expect(summary.ape!.max).toBeLessThan(0.1);
    expect(summary.yaw!.max).toBeLessThan(0.3);
  }, 60_000);

  it('gives the same bytes again, with one thread and with two', async () => {
    const bytes = (name: string, file: string) => readFileSync(join(folder, name, file), 'utf8');
    await run('again', [], '2');
    expect(bytes('again', 'trajectory.tum')).toBe(bytes('plain', 'trajectory.tum'));
    expect(bytes('again', 'evidence.jsonl')).toBe(bytes('plain', 'evidence.jsonl'));
  }, 60_000);

  it('goes on through stamps late, doubled and out of order, outages and outliers', async () => {
    const { summary } = await run('spoiled', [
      'replay.degrade.stamps.doubled=0.05',
      'replay.degrade.stamps.outOfOrder=0.05',
      'replay.degrade.lidar.outliers=0.1',
      'replay.degrade.lidar.outages=[{at: 3, for: 0.4}]',
      'replay.degrade.imu.outages=[{at: 2, for: 1}]',
      'replay.degrade.gnss=canyon',
    ]);
    expect(summary.frames).toBeGreaterThan(50);
    expect(summary.ape!.max).toBeLessThan(0.3);
    expect(summary.nis.registration!.rejected['duplicate-stamp']).toBeGreaterThan(0);
  }, 60_000);

  it('says LOST or DEGRADED, not TRACKING, where there is no map', async () => {
    const { summary } = await run('elsewhere', ['replay.start.position=[400, 400, 0]']);
    expect(summary.tracked).toBe(0);
    expect(Object.keys(summary.refused)).toContain('registration-no-tiles');
  }, 60_000);

  // Last: it spoils the map.
  it('verifies the map, and names the file that was changed', async () => {
    expect(await verifyMap(map, { set: [] })).toEqual([]);
    const tiles = join(map, 'tiles', 'sha256');
    const tile = readdirSync(tiles)[0]!;
    const bytes = readFileSync(join(tiles, tile));
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
    writeFileSync(join(tiles, tile), bytes);
    const problems = await verifyMap(map, { set: [] });
    expect(problems.map(({ path }) => path)).toEqual([`tiles/sha256/${tile}`]);
    expect(problems[0]!.reason).toContain('sha256');
  }, 60_000);
});
