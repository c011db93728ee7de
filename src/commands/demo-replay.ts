import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { SimulatedDrive } from '../adapters/sim/source.ts';
import { writeBag } from './bag.ts';
import { buildMap } from './map-build.ts';
import { replay } from './replay.ts';
import { describeRun } from './replay-text.ts';
import { answer, type CommonOptions, withCommonOptions } from './shared.ts';

interface DemoOptions extends CommonOptions {
  readonly out: string;
  readonly seconds: string;
  readonly seed: string;
}

const TRUTH_TOPIC = '/ground_truth/pose';

export function addDemoReplay(program: Command): void {
  withCommonOptions(program.command('demo-replay'))
    .description('make a small drive, a map of it, and localise a second drive on that map')
    .option('--out <dir>', 'folder for all of it', 'build/demo')
    .option('--seconds <s>', 'length of each drive', '20')
    .option('--seed <n>', 'of the sensor noise', '1')
    .action(demoReplay);
}

/** The whole product on a machine without data: one drive is mapped, another one of the same street is localised. */
async function demoReplay(options: DemoOptions): Promise<void> {
  const seconds = Number(options.seconds);
  const seed = Number(options.seed);
  const path = (name: string) => join(options.out, name);
  await mkdir(options.out, { recursive: true });
  const common = { set: options.set, ...(options.config && { config: options.config }) };
  for (const [name, noise] of [
    ['mapping.mcap', seed],
    ['drive.mcap', seed + 1],
  ] as const) {
    if (!existsSync(path(name)))
      await writeBag(new SimulatedDrive({ seed, noiseSeed: noise, seconds }), path(name));
  }
  await rm(path('map'), { recursive: true, force: true });
  await buildMap({ ...common, scans: path('mapping.mcap'), poses: TRUTH_TOPIC, out: path('map') });
  const { summary, record } = await replay(path('drive.mcap'), {
    ...common,
    map: path('map'),
    reference: TRUTH_TOPIC,
    out: path('run'),
    threads: '2',
  });
  answer(options, summary, describeRun(summary, record, path('run')));
}
