import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, expect, it, vi } from 'vitest';
import { addMapKeygen, addMapSign } from '../../src/commands/map-sign.ts';
import { addMapVerify } from '../../src/commands/map-verify.ts';
import { writeDemoMap } from './demo-map.ts';

const root = mkdtempSync(join(tmpdir(), 'sign-'));
afterAll(() => rmSync(root, { recursive: true }));

/** The command's JSON answer, or the text of its refusal. */
async function run(...args: string[]) {
  const map = new Command();
  addMapKeygen(map);
  addMapSign(map);
  addMapVerify(map);
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    await map.parseAsync([...args, '--json'], { from: 'user' });
    return JSON.parse(String(write.mock.lastCall![0]));
  } catch (error) {
    return { refused: (error as Error).message };
  } finally {
    write.mockRestore();
    // `map verify` of a map with problems asks for exit code 1.
    process.exitCode = 0;
  }
}

it('makes keys, signs, and verifies the signature and the expiry', async () => {
  const { folder } = writeDemoMap(root, 'demo');
  const prefix = join(root, 'mine');
  const { keyId } = await run('keygen', prefix);
  expect(statSync(`${prefix}.key.pem`).mode & 0o777).toBe(0o600);
  expect((await run('keygen', prefix)).refused).toContain('EEXIST');
  expect(await run('sign', folder, '--key', `${prefix}.key.pem`)).toEqual({
    mapId: 'demo',
    version: 1,
    keyId,
  });
  const signature = async () =>
    (await run('verify', folder, '--key', `${prefix}.pub.pem`)).problems.filter(
      ({ path }: { path: string }) => path.startsWith('manifest'),
    );
  expect(await signature()).toEqual([]);
  const path = join(folder, 'manifest.json');
  writeFileSync(path, readFileSync(path, 'utf8').replace('2036-', '2020-'));
  expect((await signature()).map(({ path: which }: { path: string }) => which)).toEqual([
    'manifest.json.dsse',
    'manifest.json',
  ]);
  expect((await run('sign', folder, '--key', path)).refused).toContain('expected a private Ed25519 key');
});
