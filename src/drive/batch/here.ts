import { bulkhead, ExponentialBackoff, handleWhen, retry } from 'cockatiel';
import { refusalReason } from '../../types.ts';
import type { Job } from './content-key.ts';
import type { Perform, Results } from './results.ts';
import type { Outcome, Submit } from './run-jobs.ts';

export interface Trying {
  /** of one job, the first included */
  readonly attempts: number;
  /** until the second attempt; doubles, ms */
  readonly pauseMs: number;
}

/** Does jobs in this process, so many at once. A Refusal is the input's fault: it would be the same again. */
export function submitHere(
  results: Results,
  perform: Perform,
  atOnce: number,
  { attempts, pauseMs }: Trying,
  onProgress: (job: Job, share: number) => void = () => {},
): Submit {
  const slots = bulkhead(atOnce, Number.POSITIVE_INFINITY);
  const policy = retry(
    handleWhen((error) => refusalReason(error) === undefined),
    { maxAttempts: attempts - 1, backoff: new ExponentialBackoff({ initialDelay: pauseMs }) },
  );
  return (job) =>
    slots.execute(async (): Promise<Outcome> => {
      const { name, key, spec } = job;
      const common = { name, kind: spec.kind, key };
      let tried = 0;
      try {
        const { result, isNew } = await policy.execute(() => {
          tried++;
          return results.make(job, perform, (share) => onProgress(job, share));
        });
        return { ...common, state: isNew ? 'done' : 'known', attempts: tried, seconds: result.seconds };
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        return { ...common, state: 'dead', attempts: tried, seconds: 0, reason };
      }
    });
}
