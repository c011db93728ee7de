import { type Command, InvalidArgumentError } from 'commander';
import { runSoak, type SoakResult } from './its-soak-run.ts';
import { progressBar } from './progress.ts';
import { answer, type CommonOptions, openSession, withCommonOptions } from './shared.ts';

/** Least share of usable answers among the decisions in which an honest vendor was up. */
const MIN_AVAILABILITY = 0.9999;

interface SoakOptions extends CommonOptions {
  readonly seed: number;
  readonly decisions: number;
}

export function addItsSoak(its: Command): void {
  const soak = its
    .command('soak')
    .description(
      'decide about a crossing a million times while three vendors fail by seed: is there an answer, is a GO ever false',
    )
    .option('--seed <n>', 'of all chance in it', whole, 1)
    .option('--decisions <n>', 'one a second of simulated time', whole, 1_000_000);
  withCommonOptions(soak).action(async (options: SoakOptions) => {
    const { config } = await openSession(options);
    const { seed, decisions } = options;
    const bar = progressBar('deciding', decisions);
    const result = await runSoak(
      { seed, decisions, crossing: config.crossing, mediator: config.its.mediator },
      (done, falseGo) => bar.update(done, `${falseGo} false GO`),
    );
    bar.stop();
    const ok = result.falseGo === 0 && result.availability >= MIN_AVAILABILITY;
    answer(options, { ok, ...result }, soakTable(result));
    if (!ok) process.exitCode = 1;
  });
}

function soakTable(result: SoakResult): string {
  const { decisions, hours, anyHonestVendorUp, usable, availability, untrue, go, falseGo } = result;
  const percent = (share: number) => `${(100 * share).toFixed(4)} %`;
  const met = (ok: boolean) => (ok ? 'met' : 'MISSED');
  const rows: [what: string, value: string | number, note?: string][] = [
    ['decisions', decisions, `${hours.toFixed(1)} h simulated, seed ${result.seed}`],
    ['an honest vendor was up', anyHonestVendorUp],
    ['  usable answers', usable],
    ['  availability', percent(availability), `>= 99.99 %: ${met(availability >= MIN_AVAILABILITY)}`],
    ['usable but untrue', untrue],
    ['GO', go],
    ['  false GO', falseGo, `0: ${met(falseGo === 0)}`],
    ...byCount(result.wait).map(([reason, count]): [string, number] => [`WAIT ${reason}`, count]),
    ...byCount(result.missed).map(([why, count]): [string, number] => [`no usable answer: ${why}`, count]),
    ...result.vendors.map((moods, v): [string, string] => {
      const shares = Object.entries(moods).map(([mood, count]) => `${mood} ${percent(count / decisions)}`);
      return [`vendor ${v + 1}`, shares.join(', ')];
    }),
    ...byCount(result.events).map(([kind, count]): [string, number] => [`event ${kind}`, count]),
  ];
  const width = Math.max(...rows.map(([what]) => what.length));
  return rows
    .map(([what, value, note]) =>
      `${what.padEnd(width)}  ${String(value).padStart(10)}  ${note ?? ''}`.trimEnd(),
    )
    .join('\n');
}

function byCount(counts: Readonly<Record<string, number>>): [key: string, count: number][] {
  return Object.entries(counts).sort((a, b) => b[1] - a[1]);
}

function whole(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1 && value <= 1e9) return value;
  throw new InvalidArgumentError(`expected a whole number from 1 to 1000000000, found ${text}`);
}
