import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Job } from '../../src/drive/batch/content-key.ts';
import { connectQueue, JobQueue } from '../../src/drive/batch/queue.ts';
import { Results } from '../../src/drive/batch/results.ts';
import { type Outcome, runJobs } from '../../src/drive/batch/run-jobs.ts';
import { noRedis, OwnRedis } from './redis.ts';

if (noRedis) console.info(`test/drive/batch-queue.test.ts is skipped: ${noRedis}`);
const root = mkdtempSync(join(tmpdir(), 'queue-'));
afterAll(() => rmSync(root, { recursive: true }));
const jobOf = (name: string, needs: readonly string[] = []): Job => ({
  name,
  key: Buffer.from(name).toString('hex').padEnd(64, '0'),
  spec: { kind: 'bronze', input: '/none' },
  set: [],
  needs,
});

describe.skipIf(noRedis)('a queue', () => {
  let redis: OwnRedis;
  let count = 0;
  let log: string;
  let results: Results;
  const workers: ChildProcess[] = [];
  beforeEach(async () => {
    redis = await OwnRedis.start();
    log = join(root, `log-${++count}`);
    writeFileSync(log, '');
    results = new Results(join(root, `results-${count}`));
  });
  afterEach(async () => {
    for (const one of workers.splice(0)) one.kill('SIGKILL');
    await redis.stop();
  });

  const lines = (what: string) =>
    readFileSync(log, 'utf8')
      .split('\n')
      .map((line) => line.split(' '))
      .filter(([first]) => first === what)
      .map(([, name, pid]) => ({ name: name!, pid: Number(pid) }));
  const until = async (isSo: () => boolean) => {
    while (!isSo()) await sleep(20);
  };
  const startWorkers = async (n: number, ms: number) => {
    for (let k = 0; k < n; k++)
      workers.push(
        spawn(
          'node',
          ['--import', 'tsx', join(import.meta.dirname, 'batch-worker.ts'), redis.url, log, `${ms}`],
          {
            stdio: ['ignore', 'ignore', 'inherit'],
          },
        ),
      );
    await until(() => lines('ready').length === n);
  };
  const give = async (jobs: readonly Job[]): Promise<Outcome[]> => {
    const connection = await connectQueue(redis.url);
    const queue = new JobQueue(connection, { attempts: 3, pauseMs: 50 });
    try {
      return await runJobs(jobs, (job) => queue.submit(job, results));
    } finally {
      await queue.close();
      connection.disconnect();
    }
  };

  it('loses no job and counts none twice when one of two workers is killed in mid-job', async () => {
    await startWorkers(2, 400);
    const jobs = Array.from({ length: 8 }, (_, k) => jobOf(`job-${k}`));
    const given = give(jobs);
    // Both are at work; one dies in the middle of a job.
    await until(() => new Set(lines('begin').map(({ pid }) => pid)).size === 2);
    const victim = workers[0]!;
    await until(
      () =>
        lines('begin').filter(({ pid }) => pid === victim.pid).length >
        lines('end').filter(({ pid }) => pid === victim.pid).length,
    );
    victim.kill('SIGKILL');
    const outcomes = await given;
    expect(outcomes.map(({ name, state }) => `${name} ${state}`)).toEqual(
      jobs.map(({ name }) => `${name} done`),
    );
    const begun = lines('begin').filter(({ pid }) => pid === victim.pid);
    const lost = begun.filter(
      ({ name, pid }) => !lines('end').some((end) => end.name === name && end.pid === pid),
    );
    expect(lost).toHaveLength(1);
    // Who was killed had begun it; the other one did it again, and nothing else was done twice.
    const ended = lines('end').map(({ name }) => name);
    expect([...ended].sort()).toEqual(jobs.map(({ name }) => name));
    expect(lines('begin').filter(({ name }) => name === lost[0]!.name)).toHaveLength(2);
    const found = readdirSync(results.folder).filter((name) => name !== '.work');
    expect(found.sort()).toEqual(jobs.map(({ key }) => key).sort());
    for (const { key, name } of jobs)
      expect(readFileSync(join(results.folderOf(key), 'whole'), 'utf8')).toBe(name);
    expect(readdirSync(join(results.folder, '.work'))).toEqual([]);
  });

  it('has a job done once that two ask for at once, and never again', async () => {
    await startWorkers(2, 100);
    const jobs = [jobOf('a'), jobOf('b'), jobOf('c')];
    const both = await Promise.all([give(jobs), give([...jobs].reverse())]);
    for (const outcomes of both) for (const { state } of outcomes) expect(['done', 'known']).toContain(state);
    expect((await give(jobs)).map(({ state }) => state)).toEqual(['known', 'known', 'known']);
    expect(
      lines('end')
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['a', 'b', 'c']);
    // A result that was taken away is made again.
    rmSync(results.folderOf(jobs[1]!.key), { recursive: true });
    expect((await give(jobs)).map(({ state }) => state)).toEqual(['known', 'done', 'known']);
  });

  it('tries again, keeps what is dead with its reason, and does not begin what needs it', async () => {
    await startWorkers(1, 40);
    const bad = jobOf('bad-1');
    const jobs = [jobOf('flaky-1'), bad, jobOf('after', [bad.key]), jobOf('good')];
    const outcomes = await give(jobs);
    expect(outcomes.map(({ name, state, reason }) => [name, state, reason])).toEqual([
      ['flaky-1', 'done', undefined],
      ['bad-1', 'dead', 'it cannot be done'],
      ['after', 'not-run', 'needs bad-1'],
      ['good', 'done', undefined],
    ]);
    expect(lines('begin').filter(({ name }) => name === 'bad-1')).toHaveLength(3);
    expect(lines('begin').filter(({ name }) => name === 'flaky-1')).toHaveLength(2);
    const connection = await connectQueue(redis.url);
    const queue = new JobQueue(connection, { attempts: 3, pauseMs: 50 });
    expect(await queue.dead()).toMatchObject([{ name: 'bad-1', attempts: 3, reason: 'it cannot be done' }]);
    await queue.close();
    connection.disconnect();
    // Asked for again, it is tried again.
    await give([bad]);
    expect(lines('begin').filter(({ name }) => name === 'bad-1')).toHaveLength(6);
  });

  it('lets a worker that is told to end finish its job', async () => {
    await startWorkers(1, 300);
    const given = give([jobOf('last')]);
    await until(() => lines('begin').length === 1);
    const gone = new Promise((done) => workers[0]!.once('close', done));
    workers[0]!.kill('SIGTERM');
    await gone;
    expect(await given).toMatchObject([{ name: 'last', state: 'done', attempts: 1 }]);
  });
});

it('that is not there is refused, without its password', async () => {
  const failed = await connectQueue('redis://someone:secret@127.0.0.1:1').catch((error: Error) => error);
  expect(failed).toMatchObject({ reason: 'queue-unreachable' });
  expect((failed as Error).message).toContain('redis://127.0.0.1:1');
  expect((failed as Error).message).not.toContain('secret');
  await expect(connectQueue('http://127.0.0.1:1')).rejects.toMatchObject({ reason: 'bad-argument' });
});
