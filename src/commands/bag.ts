import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import { McapBagWriter } from '../adapters/recorder/mcap-writer.ts';
import { RecordedSource } from '../adapters/recorder/recorded-source.ts';
import { type ChannelCount, Recorder } from '../adapters/recorder/recorder.ts';
import { parseFrameRange } from '../adapters/replay/frames.ts';
import { isKittiDrive } from '../adapters/replay/kitti.ts';
import { openSource } from '../adapters/replay/open.ts';
import type { SensorSource } from '../ports.ts';
import { Refusal } from '../types.ts';
import { addBagTools } from './bag-tools.ts';
import { addBagUpload } from './bag-upload.ts';
import { progressBar } from './progress.ts';
import { answer, type CommonOptions, openSession, withCommonOptions } from './shared.ts';

interface FromKittiOptions extends CommonOptions {
  readonly frames?: string;
  readonly out: string;
}

export function addBag(program: Command): void {
  const bag = program.command('bag').description('recorded drives');
  addBagTools(bag);
  addBagUpload(bag);
  withCommonOptions(bag.command('record'))
    .description(
      'record an input as a robot does (recorder.*): a folder of MCAP files, new ones by size and time',
    )
    .argument('<input>', 'bag (file or folder) or KITTI raw drive')
    .requiredOption('--name <name>', 'of the drive: a folder below recorder.folder')
    .action(async (input: string, options: CommonOptions & { name: string }) => {
      const { config, log } = await openSession(options);
      if (config.recorder.folder === '')
        throw new Refusal(
          'bad-argument',
          'expected a folder to record to, found none; --set recorder.folder=DIR',
        );
      const failed = (text: string) => log.error(`recorder: ${text}`);
      const recorder = await Recorder.open(config.recorder, options.name, { failed });
      const source = new RecordedSource(await openSource(input), recorder);
      try {
        // An input that is read faster than it was driven must not fill the queue.
        for await (const _ of source.messages()) while (recorder.queue > 0.5) await pause(5);
      } finally {
        await recorder.close();
        await source.close();
      }
      const topics = Object.fromEntries(recorder.counts());
      const sum = (key: keyof ChannelCount) =>
        Object.values(topics).reduce((total, count) => total + count[key], 0);
      answer(
        options,
        { folder: recorder.folder, topics },
        `${sum('recorded')} of ${sum('received')} messages in ${recorder.folder}`,
      );
      if (sum('recorded') < sum('received')) process.exitCode = 1;
    });
  withCommonOptions(bag.command('from-kitti'))
    .description('write a KITTI raw drive as a rosbag2 MCAP')
    .argument('<drive>', 'folder of the drive')
    .option('--frames <range>', 'START:STOP:STEP of the scans')
    .requiredOption('--out <path>', 'a file that ends in .mcap, or a folder')
    .action(async (drive: string, options: FromKittiOptions) => {
      await openSession(options);
      if (!(await isKittiDrive(drive)))
        throw new Refusal('not-a-drive', `expected a KITTI raw drive, found ${drive}`);
      const source = await openSource(
        drive,
        options.frames ? { frames: parseFrameRange(options.frames) } : {},
      );
      const messages = await writeBag(source, options.out);
      answer(options, { messages, path: options.out }, `${messages} messages in ${options.out}`);
    });
}

/** Writes all messages of a source as a rosbag2 MCAP; the file appears whole or not at all. Returns their number. */
export async function writeBag(source: SensorSource, out: string): Promise<number> {
  const { start, end } = source.describe();
  const bar = progressBar('writing bag', Math.max(Number(end - start) * 1e-9, 1e-9));
  const writer = await McapBagWriter.create(out);
  let messages = 0;
  try {
    for await (const message of source.messages()) {
      await writer.write(message);
      bar.update(Number(message.arrival - start) * 1e-9, `${++messages} messages`);
    }
    await writer.close();
  } catch (error) {
    await writer.discard();
    throw error;
  } finally {
    bar.stop();
    await source.close();
  }
  return messages;
}
