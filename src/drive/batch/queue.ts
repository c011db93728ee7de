import { createHash } from 'node:crypto';
import { type Job as BullJob, Queue, QueueEvents, UnrecoverableError, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { Refusal, refusalReason } from '../../types.ts';
import type { Job } from './content-key.ts';
import type { Trying } from './here.ts';
import { type Perform, Results } from './results.ts';
import type { Outcome } from './run-jobs.ts';

const NAME = 'dilly-nav';
const CONNECT_MS = 5000;
const PROGRESS_MS = 500;
/** News of the queue may be lost with a connection: the waiting look for themselves so often, ms. */
const LOOK_MS = 2000;

/** What goes through Redis; recordings, maps and results stay in folders that all machines see by the same names. */
interface Sent {
  readonly job: Job;
  readonly results: string;
}
interface Told {
  readonly isNew: boolean;
  readonly seconds: number;
}
type Queued = BullJob<Sent, Told>;

/** A connection for the queue. Rejects with a Refusal `queue-unreachable`; never says the URL's password. */
export async function connectQueue(url: string): Promise<Redis> {
  let shown: string;
  try {
    const { protocol, host } = new URL(url);
    if (!/^rediss?:$/.test(protocol)) throw new Error(protocol);
    shown = `${protocol}//${host}`;
  } catch {
    throw new Refusal('bad-argument', '--queue: expected redis://HOST:PORT, found another address');
  }
  const probe = new Redis(url, { lazyConnect: true, connectTimeout: CONNECT_MS, retryStrategy: () => null });
  let found = '';
  probe.on('error', (error) => {
    found = error.message;
  });
  try {
    await probe.connect();
    await probe.ping();
  } catch (error) {
    throw new Refusal(
      'queue-unreachable',
      `--queue: expected a Redis at ${shown}, found ${found || (error as Error).message}; start redis-server, or leave --queue out to do the jobs here`,
    );
  } finally {
    probe.disconnect();
  }
  const connection = new Redis(url, { maxRetriesPerRequest: null });
  // It connects again by itself; who waits, waits.
  connection.on('error', () => {});
  return connection;
}

export interface WorkOptions {
  readonly atOnce: number;
  /** a worker that has said nothing for so long is dead: its job is given to another, ms */
  readonly leaseMs: number;
  readonly attempts: number;
}

/** Takes jobs of the queue until it is closed, which waits for those under way. */
export function workOn(
  connection: Redis,
  perform: Perform,
  { atOnce, leaseMs, attempts }: WorkOptions,
  say: (text: string) => void,
): Worker<Sent, Told> {
  const worker = new Worker<Sent, Told>(NAME, (queued) => done(queued, perform), {
    connection,
    concurrency: atOnce,
    lockDuration: leaseMs,
    stalledInterval: leaseMs / 2,
    // A job that kills whoever takes it must end as well.
    maxStalledCount: attempts - 1,
    drainDelay: 1,
  });
  worker.on('error', (error) => say(error.message));
  worker.on('completed', ({ data }) => say(`${data.job.name}: done`));
  worker.on('failed', (queued, error) => say(`${queued?.data.job.name ?? '?'}: ${error.message}`));
  return worker;
}

async function done(queued: Queued, perform: Perform): Promise<Told> {
  const { job, results } = queued.data;
  let next = 0;
  const progress = (share: number) => {
    if (performance.now() < next) return;
    next = performance.now() + PROGRESS_MS;
    void queued.updateProgress(Math.round(1000 * share) / 1000).catch(() => {});
  };
  try {
    const { result, isNew } = await new Results(results).make(job, perform, progress);
    return { isNew, seconds: result.seconds };
  } catch (error) {
    // A Refusal is the input's fault: it would be the same again.
    if (refusalReason(error)) throw new UnrecoverableError((error as Error).message);
    throw error;
  }
}

/** The side of the queue that gives jobs and waits for them. */
export class JobQueue {
  readonly #queue: Queue<Sent, Told>;
  readonly #events: QueueEvents;
  readonly #trying: Trying;

  constructor(connection: Redis, trying: Trying) {
    this.#queue = new Queue<Sent, Told>(NAME, { connection });
    this.#events = new QueueEvents(NAME, { connection });
    this.#events.setMaxListeners(0);
    // They connect again by themselves; who waits, waits.
    this.#queue.on('error', () => {});
    this.#events.on('error', () => {});
    this.#trying = trying;
  }

  /** Hears how far jobs are, 0 … 1. */
  onProgress(hear: (queueId: string, share: number) => void): void {
    this.#events.on('progress', ({ jobId, data }) => {
      if (typeof data === 'number') hear(jobId, data);
    });
  }

  /** Has a job done by some worker. Whoever asks for the same job waits for the same one; a dead one is tried anew. */
  async submit(job: Job, results: Results): Promise<Outcome> {
    const { name, key, spec } = job;
    const common = { name, kind: spec.kind, key };
    const there = await results.find(key);
    if (there) return { ...common, state: 'known', attempts: 0, seconds: there.seconds };
    const jobId = queueId(key, results);
    const { attempts, pauseMs } = this.#trying;
    const before = await this.#queue.getJob(jobId);
    // Done once, and its result taken away since; or dead, and asked for again.
    if (before && ((await before.isCompleted()) || (await before.isFailed()))) await before.remove();
    await this.#queue.add(
      spec.kind,
      { job, results: results.folder },
      {
        jobId,
        attempts,
        backoff: { type: 'exponential', delay: pauseMs },
        removeOnComplete: true,
        removeOnFail: false,
      },
    );
    const failure = await this.#ended(jobId);
    const result = await results.find(key);
    const queued = await this.#queue.getJob(jobId);
    const tried = Math.max(1, queued?.attemptsMade ?? 1);
    if (result) return { ...common, state: 'done', attempts: tried, seconds: result.seconds };
    const reason =
      failure || 'expected a result in the folder, found none: do all machines see it by this name?';
    return { ...common, state: 'dead', attempts: tried, seconds: 0, reason };
  }

  /** Jobs that failed for good; they stay until they are asked for again. */
  async dead(): Promise<{ name: string; kind: string; key: string; attempts: number; reason: string }[]> {
    const failed = await this.#queue.getFailed();
    return failed.map(({ data: { job }, attemptsMade, failedReason }) => ({
      name: job.name,
      kind: job.spec.kind,
      key: job.key,
      attempts: attemptsMade,
      reason: failedReason,
    }));
  }

  async close(): Promise<void> {
    await this.#events.close();
    await this.#queue.close();
  }

  /** Resolves when a job is done (to '') or dead (to the reason). */
  #ended(jobId: string): Promise<string> {
    return new Promise((resolve) => {
      const finish = (reason: string) => {
        clearInterval(timer);
        this.#events.off('completed', completed).off('failed', failed);
        resolve(reason);
      };
      const completed = ({ jobId: id }: { jobId: string }) => {
        if (id === jobId) finish('');
      };
      const failed = ({ jobId: id, failedReason }: { jobId: string; failedReason: string }) => {
        if (id === jobId) finish(failedReason);
      };
      const look = async () => {
        const queued = await this.#queue.getJob(jobId);
        // A job that is done is removed: its result is in the folder.
        if (!queued) finish('');
        else if (await queued.isFailed()) finish(queued.failedReason);
      };
      const timer = setInterval(() => void look().catch(() => {}), LOOK_MS);
      this.#events.on('completed', completed).on('failed', failed);
      void look().catch(() => {});
    });
  }
}

/** The same job for another folder of results is another job of the queue. */
export function queueId(key: string, { folder }: Results): string {
  return `${key}-${createHash('sha256').update(folder).digest('hex').slice(0, 12)}`;
}
