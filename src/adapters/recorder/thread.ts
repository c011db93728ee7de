import { Worker } from 'node:worker_threads';

/**
 * A thread that runs a file of ours, named as in the sources. They are run by tsx (tests, benchmarks), which a thread
 * of Node 20 must be told of by itself; the built files are run as they are.
 */
export function startThread(source: URL, workerData: unknown): Worker {
  if (!import.meta.url.endsWith('.ts'))
    return new Worker(new URL(source.href.replace(/\.ts$/, '.js')), { workerData });
  const begin = `import('tsx/esm/api').then(({ register }) => (register(), import(${JSON.stringify(source.href)})));`;
  return new Worker(begin, { eval: true, workerData });
}
