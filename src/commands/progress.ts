import { AsyncLocalStorage } from 'node:async_hooks';
import { SingleBar } from 'cli-progress';

/** Who hears how far a step is, 0 … 1, instead of a bar: a batch that runs commands as its jobs. */
export const progressListener = new AsyncLocalStorage<(what: string, share: number) => void>();

/** A progress bar on stderr; on a pipe, where nobody watches, it stays silent. */
export function progressBar(
  what: string,
  total: number,
): { update(value: number, note: string): void; stop(): void } {
  const listener = progressListener.getStore();
  if (listener)
    return {
      update: (value) => listener(what.trim(), Math.min(1, value / total)),
      stop: () => listener(what.trim(), 1),
    };
  const bar = new SingleBar({
    format: `${what} {bar} {percentage}% {note}`,
    stream: process.stderr,
    hideCursor: true,
    fps: 8,
    barsize: 24,
    gracefulExit: true,
  });
  bar.start(total, 0, { note: '' });
  return {
    update: (value, note) => bar.update(Math.min(value, total), { note }),
    stop: () => bar.stop(),
  };
}
