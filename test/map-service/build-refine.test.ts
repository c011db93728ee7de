import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OS1_16 } from '../../src/adapters/sim/lidar.ts';
import { SimulatedDrive } from '../../src/adapters/sim/source.ts';
import { writeBag } from '../../src/commands/bag.ts';
import { buildMap } from '../../src/commands/map-build.ts';
import { mapInfo } from '../../src/commands/map-info.ts';
import { temporaryFolder } from './scene.ts';

const root = temporaryFolder();
const bag = join(root, 'drive.mcap');
beforeAll(() =>
  writeBag(new SimulatedDrive({ seed: 5, seconds: 3, lidar: { ...OS1_16, columns: 512 } }), bag),
);
afterAll(() => rm(root, { recursive: true }));

/** Thickness of the walls of a map of the drive, metres. */
async function thicknessOf(name: string, disturb: number, refine: boolean): Promise<number> {
  const out = join(root, name);
  const set = ['map.build.voxelSize=0.05', `map.build.disturb.seed=${disturb}`];
  const input = { scans: bag, poses: '/ground_truth/pose', frames: '::2' };
  await buildMap({ set, json: true, ...input, refine, out });
  return (await mapInfo(out, { set: [], json: true })).thickness!;
}

describe('map build --refine', () => {
  it('makes a crisp map of poses off by 5 cm and 0.2 degrees', async () => {
    const truth = await thicknessOf('truth', 0, false);
    const blurred = await thicknessOf('blurred', 1, false);
    const refined = await thicknessOf('refined', 1, true);
    const text = [truth, blurred, refined].map((m) => (1000 * m).toFixed(1)).join(', ');
    console.info(`walls of the truth, of disturbed and of refined poses: ${text} mm`);
    expect(blurred).toBeGreaterThan(2 * truth);
    // Sixteen rings and a second of walking: the truth itself is not reached.
    expect(refined).toBeLessThan(0.5 * blurred);
  }, 120_000);
});
