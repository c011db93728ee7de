import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { rawMessages } from '../../src/commands/bag-read.ts';
import { Random } from '../../src/math/random.ts';

/** `DILLY_KILL_SEEDS=100` is the full count: about 3 s each. */
const SEEDS = Number(process.env.DILLY_KILL_SEEDS ?? 3);

it(
  `keeps all that was synced when it is killed at a random moment, ${SEEDS} times`,
  async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const folder = mkdtempSync(join(tmpdir(), 'kill-'));
      try {
        const { imu, points } = await killed(folder, seed);
        const found = new Map<string, number>();
        const number = (name: string) => Number(/_(\d+)\.mcap/.exec(name)?.[1]);
        const names = readdirSync(join(folder, 'drive')).filter((file) => /\.mcap(\.part)?$/.test(file));
        for (const name of names.sort((x, y) => number(x) - number(y))) {
          for await (const { topic, sequence } of rawMessages(join(folder, 'drive', name), () => {})) {
            // Nothing is missing before what is there, and nothing is there twice.
            expect(sequence, `seed ${seed}, ${name}`).toBe(found.get(topic.name) ?? 0);
            found.set(topic.name, sequence + 1);
          }
        }
        expect(found.get('/imu') ?? 0, `seed ${seed}`).toBeGreaterThanOrEqual(imu);
        expect(found.get('/points') ?? 0, `seed ${seed}`).toBeGreaterThanOrEqual(points);
      } finally {
        rmSync(folder, { recursive: true });
      }
    }
  },
  60_000 + 15_000 * SEEDS,
);

/** Kills a recording process at a moment by seed; returns what it had said to be on the disk. */
async function killed(folder: string, seed: number): Promise<{ imu: number; points: number }> {
  const process = spawn(
    'node',
    ['--import', 'tsx', join(import.meta.dirname, 'victim.ts'), folder, `${seed}`],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let text = '';
  process.stdout!.setEncoding('utf8').on('data', (part) => {
    text += part;
  });
  await saysSomething(process);
  const random = new Random(seed);
  await new Promise((resolve) => setTimeout(resolve, random.uniform(0, 1200)));
  process.kill('SIGKILL');
  await new Promise((resolve) => process.once('close', resolve));
  const [imu, points] = (text.trimEnd().split('\n').slice(0, -1).at(-1) ?? '0 0').split(' ').map(Number);
  return { imu: imu!, points: points! };
}

function saysSomething(process: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout!.once('data', () => resolve());
    process.once('close', (code) => reject(new Error(`the recorder ended by itself with ${code}`)));
  });
}
