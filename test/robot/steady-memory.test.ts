import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const run = promisify(execFile);

async function wholeCollections(keepMemory: boolean): Promise<string> {
  const script = join(import.meta.dirname, 'growing-heap.ts');
  const { stdout } = await run('node', ['--import', 'tsx', script, `${keepMemory}`]);
  return stdout.trim();
}

it('lets the heap of a drive grow without a search of all of it', async () => {
  expect(await wholeCollections(true)).toBe('0 35000');
}, 30_000);

it('lets it be searched where memory is short', async () => {
  expect(await wholeCollections(false)).not.toMatch(/^0 /);
}, 30_000);
