import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { dataFolder } from './data.ts';
import type { Bar, Row } from './row.ts';

const native = resolve(import.meta.dirname, '../../native');

/** Builds a benchmark of `native/bench` where it is not up to date, runs it with `args`, and gives its rows. */
export function nativeBench(name: string, args: readonly string[] = []): Row[] {
  run('make', ['-C', native, `build/${name}_bench`]);
  const lines = run(resolve(native, 'build', `${name}_bench`), args);
  return lines
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Row);
}

function run(command: string, args: readonly string[]): string {
  const { status, stdout, error } = spawnSync(command, args, {
    encoding: 'utf8',
    env: { ...process.env, DILLY_DATA: dataFolder },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw error ?? new Error(`${command} ${args.join(' ')}: exit code ${status}`);
  return stdout;
}

/** Rows with the bars of those that have one. */
export function withBars(rows: readonly Row[], bars: Readonly<Record<string, Bar>>): Row[] {
  return rows.map((row) => {
    const bar = bars[row.id];
    return bar ? { ...row, bar } : row;
  });
}
