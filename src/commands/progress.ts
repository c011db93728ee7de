import { SingleBar } from 'cli-progress';

/** A progress bar on stderr; on a pipe, where nobody watches, it stays silent. */
export function progressBar(
  what: string,
  total: number,
): { update(value: number, note: string): void; stop(): void } {
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
