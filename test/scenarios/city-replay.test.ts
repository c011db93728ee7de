import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { McapBagWriter } from '../../src/adapters/recorder/mcap-writer.ts';
import { replay } from '../../src/commands/replay.ts';
import { DEMO_MAP } from '../../src/commands/sim.ts';
import { runDelivery } from '../../src/commands/sim-run.ts';
import { writeTum } from '../../src/evaluation/tum.ts';
import type { StampedPose } from '../../src/types.ts';
import { cityMap } from './city/maps.ts';
import { SMALL } from './city/world.ts';

it('a recorded drive gives the poses of the live run again, byte for byte', {
  timeout: 300_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dilly-city-'));
  const at = (name: string) => join(folder, name);
  const { parts, close } = await cityMap();
  try {
    const writer = await McapBagWriter.create(at('drive.mcap'));
    const poses: StampedPose[] = [];
    await runDelivery({
      ...parts,
      seed: 3,
      maxSeconds: 6,
      city: { lidar: SMALL },
      onMessage: (message) => writer.write(message),
      sink: {
        frame: ({ stamp, state, pose }) => {
          if (pose && state !== 'INITIALISING') poses.push({ stamp, pose });
        },
        update: () => {},
        refused: () => {},
      },
    });
    await writer.close();
    expect(poses.length).toBeGreaterThan(55);
    const { sha256 } = await writeTum(at('live.tum'), poses);
    const reference = '/ground_truth/pose';
    await replay(at('drive.mcap'), {
      set: [],
      map: DEMO_MAP,
      reference,
      out: at('run'),
      threads: '1',
    });
    const again = await readFile(join(at('run'), 'trajectory.tum'));
    expect(createHash('sha256').update(again).digest('hex')).toBe(sha256);
  } finally {
    await close();
    await rm(folder, { recursive: true });
  }
});
