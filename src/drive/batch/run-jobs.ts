import type { Job } from './content-key.ts';

/** What became of one job. */
export interface Outcome {
  readonly name: string;
  readonly kind: string;
  readonly key: string;
  /** known: its result was there before; dead: it failed for good; not-run: what it needs is dead */
  readonly state: 'done' | 'known' | 'dead' | 'not-run';
  readonly attempts: number;
  readonly seconds: number;
  readonly reason?: string;
}

/** Has one job done, here or elsewhere. Never rejects. */
export type Submit = (job: Job) => Promise<Outcome>;

/** Submits each job as soon as the results that it needs are there. Jobs of one key are one job. */
export async function runJobs(
  jobs: readonly Job[],
  submit: Submit,
  onOutcome: (outcome: Outcome) => void = () => {},
): Promise<Outcome[]> {
  const running = new Map<string, Promise<Outcome>>();
  const run = async (job: Job): Promise<Outcome> => {
    const needed = await Promise.all(job.needs.map((key) => running.get(key)!));
    const failed = needed.find(({ state }) => state === 'dead' || state === 'not-run');
    const { name, key, spec } = job;
    const outcome: Outcome = failed
      ? {
          name,
          kind: spec.kind,
          key,
          state: 'not-run',
          attempts: 0,
          seconds: 0,
          reason: `needs ${failed.name}`,
        }
      : await submit(job);
    onOutcome(outcome);
    return outcome;
  };
  // The plan's order has every job after those that it needs.
  for (const job of jobs) if (!running.has(job.key)) running.set(job.key, run(job));
  return Promise.all(jobs.map(async ({ name, key }) => ({ ...(await running.get(key)!), name })));
}
