import type { Command } from 'commander';
import { Refusal } from '../types.ts';
import { checkBags } from './bag-check.ts';
import { type Copied, copyBag } from './bag-copy.ts';
import { type BagSurvey, filesOf, surveyBag } from './bag-read.ts';
import { progressBar } from './progress.ts';
import { answer, type CommonOptions, withCommonOptions } from './shared.ts';

interface CutOptions extends CommonOptions {
  readonly from?: string;
  readonly to?: string;
  readonly topics?: string;
  readonly out: string;
}

export function addBagTools(bag: Command): void {
  withCommonOptions(bag.command('info'))
    .description('what is in a bag: time, topics, types, rates, and what is lost of it')
    .argument('<path>', 'MCAP, rosbag2 SQLite or ROS 1 bag, or a folder of them')
    .action(async (path: string, options: CommonOptions) => {
      const surveys: BagSurvey[] = [];
      for (const file of await filesOf(path)) surveys.push(await surveyBag(file));
      const [first, ...others] = surveys.map(infoOf);
      if (!first) throw new Refusal('not-a-bag', `expected a bag in ${path}, found no file`);
      answer(
        options,
        others.length > 0 ? { files: [first.value, ...others.map(({ value }) => value)] } : first.value,
        [first, ...others].map(({ text }) => text).join('\n'),
      );
    });
  withCommonOptions(bag.command('check'))
    .description(
      'a verdict on each bag file: whole, cut, damaged, without messages, or no bag; and on what metadata.yaml says',
    )
    .argument('<paths...>', 'files, or folders whose files are all checked')
    .action(async (paths: string[], options: CommonOptions) => {
      const bar = progressBar('checking', 1);
      const rows = await checkBags(paths, (done, of) => bar.update(done / of, `${done} of ${of} files`));
      bar.stop();
      const text = rows.map(({ path, verdict, messages, detail }) =>
        `${verdict.padEnd(12)} ${String(messages).padStart(7)}  ${path}${detail ? `: ${detail}` : ''}`.trimEnd(),
      );
      answer(options, rows, text.join('\n'));
      if (rows.some(({ verdict }) => verdict !== 'ok' && verdict !== 'no-messages')) process.exitCode = 1;
    });
  withCommonOptions(bag.command('recover'))
    .description('save every message that is whole of a cut or damaged bag file into a sound MCAP')
    .argument('<file>', 'MCAP (also one that is still written: .mcap.part), rosbag2 SQLite or ROS 1 bag')
    .requiredOption('--out <file>', 'the MCAP to write')
    .action(async (path: string, options: CommonOptions & { out: string }) => {
      const copied = await copyBag(path, options.out);
      answer(options, copied, described(copied));
    });
  withCommonOptions(bag.command('cut'))
    .description('copy a part of a bag file by time and topic into an MCAP')
    .argument('<file>', 'MCAP, rosbag2 SQLite or ROS 1 bag')
    .option('--from <seconds>', 'since the first message; default its start')
    .option('--to <seconds>', 'since the first message; default its end')
    .option('--topics <names>', 'separated by commas; default all')
    .requiredOption('--out <file>', 'the MCAP to write')
    .action(async (path: string, options: CutOptions) => {
      const { start, topics } = await surveyBag(path);
      const at = (name: string, text: string | undefined) => {
        if (text === undefined) return {};
        if (text.trim() === '' || !(Number(text) >= 0))
          throw new Refusal('bad-argument', `--${name}: expected seconds ≥ 0, found ${text}`);
        return { [name]: (start ?? 0n) + BigInt(Math.round(Number(text) * 1e9)) };
      };
      const wanted = options.topics?.split(',');
      const missing = wanted?.filter((name) => !topics.some((topic) => topic.name === name)) ?? [];
      if (missing.length > 0)
        throw new Refusal(
          'bad-argument',
          `--topics: expected some of ${topics.map(({ name }) => name).join(', ')}, found ${missing.join(', ')}`,
        );
      const copied = await copyBag(path, options.out, {
        ...at('from', options.from),
        ...at('to', options.to),
        ...(wanted && { topics: wanted }),
      });
      answer(options, copied, described(copied));
    });
}

function infoOf({ start, end, topics, ...found }: BagSurvey): { value: object; text: string } {
  const seconds = start === undefined ? 0 : Number(end! - start) / 1e9;
  const rows = topics.map((topic) => ({
    ...topic,
    hertz: seconds > 0 && topic.messages > 1 ? (topic.messages - 1) / seconds : null,
  }));
  const lines = rows.map(
    ({ name, type, messages, hertz }) =>
      `  ${String(messages).padStart(8)}  ${hertz === null ? '' : hertz.toFixed(2).padStart(8)} Hz  ${name}  ${type}`,
  );
  const lost = found.damage.map(({ reason, detail }) => `  ${reason}: ${detail}`);
  const megabytes = (found.bytes / 1e6).toFixed(1);
  return {
    value: { ...found, start: start?.toString(), end: end?.toString(), seconds, topics: rows },
    text: [
      `${found.path}: ${found.format}, ${megabytes} MB, ${seconds.toFixed(1)} s, ${found.messages} messages`,
      ...lines,
      ...lost,
    ].join('\n'),
  };
}

function described({ out, messages, bytes, damage }: Copied): string {
  const lost = damage.map(({ reason, detail }) => `\n  ${reason}: ${detail}`).join('');
  return `${messages} messages, ${(bytes / 1e6).toFixed(1)} MB in ${out}${lost}`;
}
