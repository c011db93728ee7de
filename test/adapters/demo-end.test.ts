import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

const MAIN = resolve(import.meta.dirname, '../../src/main.ts');
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dilly-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Ctrl-C reaches the process as SIGINT; `docker stop` and systemd send SIGTERM. */
it.each([
  ['SIGINT', [], 0],
  ['SIGTERM', ['--headless'], 1],
] as const)('the demo ends cleanly at %s %j', { timeout: 120_000 }, async (signal, more, code) => {
  const demo = spawn(process.execPath, ['--import', 'tsx', MAIN, 'demo', ...more], {
    env: { ...process.env, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  const begun = new Promise<void>((begin) => {
    demo.stderr.on('data', (text) => {
      said += text;
      if (/^ +\d+ s +\d+ m/m.test(said)) begin();
    });
  });
  const ended = once(demo, 'exit');
  await Promise.race([begun, ended]);
  demo.kill(signal);
  expect(await ended, said).toEqual([code, null]);
  expect(said).toContain('ended before the delivery was done');
  const addresses = [...said.matchAll(/http:\/\/127\.0\.0\.1:\d+/g)].map(([address]) => address);
  expect(addresses.length).toBeGreaterThan(1);
  for (const address of addresses) await expect(fetch(address)).rejects.toThrow();
  expect((await readdir(folder)).filter((name) => name.startsWith('dilly-demo'))).toEqual([]);
});
