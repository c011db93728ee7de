import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectQueue, workOn } from '../../src/drive/batch/queue.ts';

/**
 * A worker to be killed: `batch-worker.ts URL LOG MS`. Each job takes MS; its begin and its end are lines of LOG. A job
 * named bad-… fails, flaky-… fails at its first attempt.
 */
const [url, log, ms] = process.argv.slice(2) as [string, string, string];
const note = (what: string, name: string) => appendFileSync(log, `${what} ${name} ${process.pid}\n`);
const failed = new Set<string>();
const connection = await connectQueue(url);
const worker = workOn(
  connection,
  async ({ name }, out, progress) => {
    note('begin', name);
    writeFileSync(join(out, 'half'), name);
    await sleep(Number(ms) / 2);
    progress(0.5);
    if (name.startsWith('bad')) throw new Error('it cannot be done');
    if (name.startsWith('flaky') && !failed.has(name)) {
      failed.add(name);
      throw new Error('not this time');
    }
    await sleep(Number(ms) / 2);
    writeFileSync(join(out, 'whole'), name);
    note('end', name);
    return { name };
  },
  { atOnce: 1, attempts: 3, leaseMs: 1000 },
  () => {},
);
process.once('SIGTERM', () => void worker.close().then(() => connection.disconnect()));
note('ready', '-');
