import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { type BatchDone, runBatch } from '../../src/commands/batch.ts';
import { type Job, keyedJobs } from '../../src/drive/batch/content-key.ts';
import { submitHere } from '../../src/drive/batch/here.ts';
import { parsePlan } from '../../src/drive/batch/plan.ts';
import { Results } from '../../src/drive/batch/results.ts';
import { runJobs } from '../../src/drive/batch/run-jobs.ts';
import { Refusal } from '../../src/types.ts';
import { sampleDrive, writeMcap } from '../replay/fixtures.ts';
import { noRedis, OwnRedis } from './redis.ts';

const root = mkdtempSync(join(tmpdir(), 'batch-'));
afterAll(() => rmSync(root, { recursive: true }));

describe('a plan', () => {
  it('has each job after those that it needs', () => {
    const plan = parsePlan({
      jobs: {
        change: { kind: 'gold', silver: ['=b', '=a'], map: 'm' },
        a: { kind: 'silver', bronze: '=raw', map: 'm' },
        b: { kind: 'silver', bronze: '=raw', map: '=m' },
        m: { kind: 'map', scans: 's', poses: 'p.tum' },
        raw: { kind: 'bronze', input: 'x' },
      },
    });
    const order = plan.jobs.map(({ name }) => name);
    for (const { name, needs } of plan.jobs)
      for (const need of needs) expect(order.indexOf(need)).toBeLessThan(order.indexOf(name));
    expect(plan.jobs.find(({ name }) => name === 'b')!.needs).toEqual(['raw', 'm']);
  });

  it.each([
    [{ jobs: { a: { kind: 'lead', input: 'x' } } }, 'jobs.a'],
    [{ jobs: { a: { kind: 'bronze' } } }, 'jobs.a.input'],
    [{ jobs: { a: { kind: 'bronze', input: 'x', out: 'y' } } }, 'jobs.a'],
    [{ jobs: { 'a/b': { kind: 'bronze', input: 'x' } } }, 'jobs'],
    [{ jobs: { a: { kind: 'silver', bronze: '=b', map: 'm' } } }, '=b'],
    [
      {
        jobs: {
          a: { kind: 'silver', bronze: '=b', map: 'm' },
          b: { kind: 'silver', bronze: '=a', map: 'm' },
        },
      },
      'a → b → a',
    ],
    [null, '(root)'],
  ])('%j is refused with its place', (value, place) => {
    const failed = (() => {
      try {
        return parsePlan(value);
      } catch (error) {
        return error as Refusal;
      }
    })();
    expect(failed).toMatchObject({ reason: 'bad-plan', message: expect.stringContaining(place) });
  });
});

describe('the key of a job', () => {
  const keysOf = async (jobs: object, folder: string, also = '') =>
    (
      await keyedJobs(
        parsePlan({ jobs }),
        (place) => resolve(folder, place),
        (key) => join(root, key),
        also,
      )
    ).map(({ key }) => key);
  const jobs = {
    raw: { kind: 'bronze', input: 'drive' },
    one: { kind: 'silver', bronze: '=raw', map: 'town', reference: '/truth' },
    two: { kind: 'silver', bronze: '=raw', map: 'town', every: 1 },
    all: { kind: 'gold', silver: ['=one', '=two'], map: 'town' },
  };
  const make = (name: string, drive: string, map: string) => {
    const folder = join(root, name);
    for (const sub of ['drive', 'town']) mkdirSync(join(folder, sub), { recursive: true });
    writeFileSync(join(folder, 'drive', 'a.mcap'), drive);
    writeFileSync(join(folder, 'town', 'manifest.json'), map);
    return folder;
  };

  it('is of the content, wherever it lies and whenever it was written', async () => {
    const here = make('here', 'abc', 'map');
    const before = await keysOf(jobs, here);
    expect(new Set(before).size).toBe(4);
    const there = join(root, 'there');
    cpSync(here, there, { recursive: true });
    utimesSync(join(there, 'drive', 'a.mcap'), 1, 1);
    // Marks of an upload are not of the drive.
    writeFileSync(join(there, 'drive', 'a.mcap.uploaded'), '');
    expect(await keysOf(jobs, there)).toEqual(before);
    expect(await keysOf({ ...jobs, all: { ...jobs.all, silver: ['=two', '=one'] } }, here)).toEqual(before);
  });

  it('is another for other content, options, or configuration, also of what is needed', async () => {
    const before = await keysOf(jobs, make('here', 'abc', 'map'));
    const changed = (after: string[]) => after.map((key, k) => key !== before[k]);
    expect(changed(await keysOf(jobs, make('other', 'abd', 'map')))).toEqual([true, true, true, true]);
    expect(changed(await keysOf(jobs, make('other', 'abc', 'mapp')))).toEqual([false, true, true, true]);
    expect(changed(await keysOf(jobs, join(root, 'here'), 'x'))).toEqual([true, true, true, true]);
    const more = { ...jobs, two: { ...jobs.two, every: 2 } };
    expect(changed(await keysOf(more, join(root, 'here')))).toEqual([false, false, true, true]);
    const other = { ...jobs, one: { ...jobs.one, reference: '/other' } };
    expect(changed(await keysOf(other, join(root, 'here')))).toEqual([false, true, false, true]);
  });
});

describe('jobs in this process', () => {
  const jobOf = (name: string, needs: readonly string[] = [], key = name): Job => ({
    name,
    key: Buffer.from(key).toString('hex').padEnd(64, '0'),
    spec: { kind: 'bronze', input: '/none' },
    set: [],
    needs,
  });

  it('are one result a key, whoever is first, and nothing is left of those who fail', async () => {
    const results = new Results(join(root, 'results'));
    const job = jobOf('x');
    let begun = 0;
    const slow = (out: string) => async (_: Job, folder: string) => {
      begun++;
      writeFileSync(join(folder, 'by'), out);
      await sleep(out === 'a' ? 60 : 20);
      return out;
    };
    const both = await Promise.all(['a', 'b'].map((by) => results.make(job, slow(by), () => {})));
    expect(begun).toBe(2);
    expect(both.map(({ isNew }) => isNew)).toEqual([false, true]);
    expect(new Set(both.map(({ result }) => result.answer))).toEqual(new Set(['b']));
    const broken = results.make(
      jobOf('y'),
      async () => Promise.reject(new Error('broken')),
      () => {},
    );
    await expect(broken).rejects.toThrow('broken');
    expect(readdirSync(results.folder).sort()).toEqual(['.work', job.key]);
    expect(readdirSync(join(results.folder, '.work'))).toEqual([]);
  });

  it('are tried again but for a Refusal, so many at once, and what needs a dead one is not begun', async () => {
    const results = new Results(join(root, 'tries'));
    const tries: Record<string, number> = {};
    let [now, most] = [0, 0];
    const perform = async ({ name }: Job) => {
      tries[name] = (tries[name] ?? 0) + 1;
      most = Math.max(most, ++now);
      await sleep(5);
      now--;
      if (name === 'flaky' && tries[name] < 3) throw new Error('not this time');
      if (name === 'hopeless') throw new Error('never');
      if (name === 'refused') throw new Refusal('not-a-bag', 'expected a bag');
      return name;
    };
    const jobs = ['flaky', 'hopeless', 'refused', 'p', 'q', 'r'].map((name) => jobOf(name));
    jobs.push(jobOf('after', [jobs[1]!.key]), jobOf('later', [jobOf('after').key]), jobOf('same', [], 'p'));
    const outcomes = await runJobs(jobs, submitHere(results, perform, 2, { attempts: 3, pauseMs: 1 }));
    expect(outcomes.map(({ name, state, attempts }) => `${name} ${state} ${attempts}`)).toEqual([
      'flaky done 3',
      'hopeless dead 3',
      'refused dead 1',
      'p done 1',
      'q done 1',
      'r done 1',
      'after not-run 0',
      'later not-run 0',
      'same done 1',
    ]);
    expect([most, tries.p, tries.same]).toEqual([2, 1, undefined]);
  });
});

describe('the command', () => {
  const drive = join(root, 'monday.mcap');
  const plan = join(root, 'plan.yaml');
  beforeAll(async () => {
    await writeMcap(
      drive,
      sampleDrive(3).filter(({ kind }) => kind !== 'points'),
    );
    const jobs = {
      raw: { kind: 'bronze', input: 'monday.mcap' },
      run: { kind: 'replay', input: 'monday.mcap' },
      bad: { kind: 'bronze', input: 'none.mcap' },
    };
    writeFileSync(plan, stringify({ jobs }));
  });
  const options = { set: [], jobs: '1', threads: '1', attempts: '2', pause: '0.01', lease: '30' };
  const run = (out: string, more: object = {}) =>
    runBatch(plan, { ...options, out: join(root, out), ...more });
  const keys = ({ jobs }: BatchDone) => jobs.map(({ key }) => key);

  it('does a plan here, and what is there not again', async () => {
    const first = await run('a');
    expect(first).toMatchObject({ done: 2, known: 0, dead: 1, notRun: 0 });
    expect(first.jobs[2]).toMatchObject({ name: 'bad', state: 'dead', attempts: 1 });
    for (const name of ['manifest.json', 'monday.mcap', 'job.json'])
      expect(existsSync(join(first.jobs[0]!.folder, name)), name).toBe(true);
    for (const name of ['trajectory.tum', 'result.json', 'job.json'])
      expect(existsSync(join(first.jobs[1]!.folder, name)), name).toBe(true);
    expect(await run('a')).toMatchObject({ done: 0, known: 2, dead: 1 });
    expect(keys(await run('a', { set: ['map.build.tileSize=30'] }))).not.toEqual(keys(first));
  });

  it('does it by a queue just so', async (context) => {
    if (noRedis) return context.skip(noRedis);
    const redis = await OwnRedis.start();
    try {
      const there = await run('b', { queue: redis.url });
      expect(there).toMatchObject({ done: 2, dead: 1 });
      expect(keys(there)).toEqual(keys(await run('a')));
    } finally {
      await redis.stop();
    }
  });

  it('says what is missing', async () => {
    const bad = { reason: 'bad-argument' };
    await expect(runBatch(undefined, { ...options, out: root })).rejects.toMatchObject(bad);
    await expect(runBatch(plan, options)).rejects.toMatchObject(bad);
    for (const more of [
      { jobs: '0' },
      { attempts: '0' },
      { attempts: '1.5' },
      { lease: 'x' },
      { pause: '-1' },
    ])
      await expect(run('c', more), JSON.stringify(more)).rejects.toMatchObject(bad);
    await expect(runBatch(join(root, 'none.yaml'), { ...options, out: root })).rejects.toMatchObject(bad);
    await expect(runBatch(drive, { ...options, out: root })).rejects.toMatchObject({ reason: 'bad-plan' });
  });
});
