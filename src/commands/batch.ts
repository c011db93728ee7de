import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import { parse } from 'yaml';
import { type Job, keyedJobs } from '../drive/batch/content-key.ts';
import { submitHere } from '../drive/batch/here.ts';
import { type Plan, parsePlan } from '../drive/batch/plan.ts';
import { connectQueue, JobQueue, queueId, workOn } from '../drive/batch/queue.ts';
import { Results } from '../drive/batch/results.ts';
import { type Outcome, runJobs } from '../drive/batch/run-jobs.ts';
import { Refusal } from '../types.ts';
import { performJobs } from './batch-jobs.ts';
import { answer, type CommonOptions, openSession, withCommonOptions } from './shared.ts';

export interface BatchOptions extends CommonOptions {
  readonly out?: string;
  readonly queue?: string;
  readonly worker?: boolean;
  readonly dead?: boolean;
  readonly jobs: string;
  readonly threads: string;
  readonly attempts: string;
  readonly pause: string;
  readonly lease: string;
}

const HELP = `
A plan is YAML; places are relative to it, =NAME is the result of another job:
  set: [map.allowUnsigned=true]
  jobs:
    monday-raw: { kind: bronze, input: drives/monday }
    monday: { kind: silver, bronze: =monday-raw, map: maps/town }
    changes: { kind: gold, silver: [=monday, =tuesday, =friday], map: maps/town }
    check: { kind: replay, input: drives/monday, map: maps/town, reference: /ground_truth/pose }
    street: { kind: map, scans: drives/survey, poses: poses.tum }
A result is a folder below --out, named by the hash of all that decides it: what is there is not done again.
With --queue any number of machines take part; they see drives, maps and --out by the same names.`;

export function addBatch(program: Command): void {
  withCommonOptions(program.command('batch'))
    .description('replays, layers of drives and maps as jobs, here or over many machines')
    .argument('[plan]', 'YAML file of the jobs')
    .option('--out <dir>', 'folder of the results')
    .option('--queue <url>', 'redis://HOST:PORT of a queue; without it all is done in this process')
    .option('--worker', 'take jobs of the queue until Ctrl-C, which waits for the one under way')
    .option('--dead', 'list the jobs of the queue that failed for good')
    .option('--jobs <n>', 'at once in this process; 0 with --queue: other workers do them all', '1')
    .option('--threads <n>', 'of one replay', '2')
    .option('--attempts <n>', 'of a job that failed for another reason than its input', '3')
    .option('--pause <s>', 'until the second attempt; doubles', '5')
    .option('--lease <s>', 'a worker that has said nothing for so long is taken for dead', '30')
    .addHelpText('after', HELP)
    .action(batch);
}

async function batch(path: string | undefined, options: BatchOptions): Promise<void> {
  if (!options.worker && !options.dead) {
    const done = await runBatch(path, options);
    answer(options, done, describe(done));
    if (done.dead + done.notRun > 0) process.exitCode = 1;
    return;
  }
  if (!options.queue || path !== undefined)
    throw new Refusal('bad-argument', 'expected --queue URL and no plan with --worker or --dead');
  const { perform, trying, work } = settingsOf(options);
  await openSession(options);
  const connection = await connectQueue(options.queue);
  try {
    if (options.dead) return await sayDead(options, new JobQueue(connection, trying));
    process.stderr.write('takes jobs; ends at Ctrl-C\n');
    const atOnce = Math.max(1, work.atOnce);
    const worker = workOn(connection, perform, { ...work, atOnce }, (text) =>
      process.stderr.write(`${text}\n`),
    );
    await new Promise<void>((end) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => end());
    });
    await worker.close();
  } finally {
    connection.disconnect();
  }
}

export interface BatchDone {
  readonly jobs: readonly (Outcome & { readonly folder: string })[];
  readonly done: number;
  readonly known: number;
  readonly dead: number;
  readonly notRun: number;
}

/** Has all jobs of a plan done. Rejects with a Refusal where it cannot begin; a job that fails is an outcome. */
export async function runBatch(path: string | undefined, options: BatchOptions): Promise<BatchDone> {
  if (path === undefined || options.out === undefined)
    throw new Refusal('bad-argument', 'expected a plan and --out DIR; see batch --help');
  const { config, log } = await openSession(options);
  const { perform, trying, work } = settingsOf(options);
  const results = new Results(options.out);
  const plan = await readPlan(path, options.set);
  const decides = createHash('sha256').update(JSON.stringify(config)).digest('hex');
  const place = (one: string) => resolve(dirname(path), one);
  const jobs = await keyedJobs(plan, place, (key) => results.folderOf(key), decides);
  const tell = progressTeller(jobs, results);
  let outcomes: Outcome[];
  if (options.queue === undefined) {
    if (work.atOnce === 0)
      throw new Refusal('bad-argument', '--jobs: expected 1 or more without --queue, found 0');
    const submit = submitHere(results, perform, work.atOnce, trying, (job, share) =>
      tell.share(job.name, share),
    );
    outcomes = await runJobs(jobs, submit, tell.outcome);
  } else {
    const connection = await connectQueue(options.queue);
    const queue = new JobQueue(connection, trying);
    queue.onProgress((id, share) => tell.queued(id, share));
    const worker = work.atOnce > 0 ? workOn(connection, perform, work, (text) => log.info(text)) : undefined;
    try {
      outcomes = await runJobs(jobs, (job) => queue.submit(job, results), tell.outcome);
    } finally {
      await worker?.close();
      await queue.close();
      connection.disconnect();
    }
  }
  const count = (state: Outcome['state']) => outcomes.filter((one) => one.state === state).length;
  return {
    jobs: outcomes.map((one) => ({ ...one, folder: results.folderOf(one.key) })),
    done: count('done'),
    known: count('known'),
    dead: count('dead'),
    notRun: count('not-run'),
  };
}

function settingsOf(options: BatchOptions) {
  const attempts = number(options, 'attempts', 1, 100);
  return {
    perform: performJobs(options.config, options.threads),
    trying: { attempts, pauseMs: 1000 * number(options, 'pause', 0, 3600) },
    work: {
      attempts,
      atOnce: number(options, 'jobs', 0, 256),
      leaseMs: 1000 * number(options, 'lease', 1, 3600),
    },
  };
}

async function readPlan(path: string, set: readonly string[]): Promise<Plan> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Refusal('bad-argument', `${path}: expected a plan, found ${error.code}`);
  });
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    throw new Refusal('bad-plan', `${path}: expected YAML, found ${(error as Error).message}`);
  }
  const plan = parsePlan(value);
  return { ...plan, set: [...plan.set, ...set] };
}

async function sayDead(options: BatchOptions, queue: JobQueue): Promise<void> {
  const dead = await queue.dead();
  await queue.close();
  const lines = dead.map(
    ({ name, kind, key, attempts, reason }) =>
      `${name} (${kind} ${key.slice(0, 12)}), ${attempts} attempts: ${reason}`,
  );
  answer(options, dead, lines.join('\n') || 'no dead jobs');
}

/** Lines on stderr: each outcome, and how far the jobs under way are, every quarter. */
function progressTeller(jobs: readonly Job[], results: Results) {
  const say = (text: string) => process.stderr.write(`${text}\n`);
  const names = new Map(jobs.map(({ key, name }) => [queueId(key, results), name]));
  const told = new Map<string, number>();
  let ended = 0;
  const share = (name: string, value: number) => {
    const quarter = Math.floor(4 * value);
    if (quarter <= (told.get(name) ?? 0) || quarter === 4) return;
    told.set(name, quarter);
    say(`${name}: ${25 * quarter} %`);
  };
  return {
    share,
    queued: (id: string, value: number) => {
      const name = names.get(id);
      if (name !== undefined) share(name, value);
    },
    outcome: ({ name, state, seconds, reason }: Outcome) =>
      say(
        `${++ended}/${jobs.length} ${name}: ${state} ${state === 'done' ? `in ${seconds.toFixed(1)} s` : (reason ?? '')}`.trimEnd(),
      ),
  };
}

function describe({ jobs, done, known, dead, notRun }: BatchDone): string {
  const lines = jobs.map(
    ({ name, kind, state, folder, reason }) =>
      `${state.padEnd(8)} ${kind.padEnd(7)} ${name.padEnd(20)} ${reason ?? folder}`,
  );
  return [...lines, `${done} done, ${known} were there, ${dead} dead, ${notRun} not run`].join('\n');
}

function number(
  options: BatchOptions,
  name: 'jobs' | 'attempts' | 'pause' | 'lease',
  low: number,
  high: number,
): number {
  const value = Number(options[name]);
  const isWhole = name === 'jobs' || name === 'attempts' ? Number.isInteger(value) : true;
  if (options[name].trim() !== '' && value >= low && value <= high && isWhole) return value;
  throw new Refusal('bad-argument', `--${name}: expected ${low} to ${high}, found ${options[name]}`);
}
