import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { TokenCheck } from '../../src/adapters/operator/tokens.ts';
import { addOperator } from '../../src/commands/operator.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dilly-token-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** What a command says to programs. Rejects with what main turns into exit codes 2 (commander) and 1 (a refusal). */
async function dilly(...args: string[]): Promise<string> {
  const program = new Command().exitOverride().configureOutput({ writeErr: () => {} });
  addOperator(program);
  for (const one of program.commands[0]!.commands) one.exitOverride().configureOutput({ writeErr: () => {} });
  let said = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    said += text;
    return true;
  });
  try {
    await program.parseAsync(['operator', ...args], { from: 'user' });
    return said;
  } finally {
    write.mockRestore();
  }
}

it('makes keys, and a token with them that opens the robot it is for', async () => {
  const prefix = join(folder, 'ops');
  await dilly('keygen', prefix);
  const made = await dilly(
    'token',
    ...['--key', `${prefix}.key.pem`, '--name', 'kim', '--role', 'operator', '--hours', '2'],
    ...['--set', 'operator.robot=dilly-7', '--json'],
  );
  const said = JSON.parse(made) as { token: string; expires: string };
  const keys = await readFile(`${prefix}.pub.pem`, 'utf8');
  const identity = await new TokenCheck(keys, 'dilly-7').identify(said.token, Date.now());
  // The token's own time is in whole seconds.
  expect(identity).toMatchObject({ subject: 'kim', role: 'operator' });
  expect(Math.abs(identity.expiresMs - Date.parse(said.expires))).toBeLessThan(1000);
  await expect(new TokenCheck(keys, 'dilly-8').identify(said.token, Date.now())).rejects.toMatchObject({
    reason: 'wrong-robot',
  });
});

it.each([
  ['a role that there is not', ['--name', 'kim', '--role', 'admin']],
  ['no name', ['--name', ' ']],
  ['too long a time', ['--name', 'kim', '--hours', '10000']],
])('refuses %s as unusable arguments', async (_what, args) => {
  await expect(dilly('token', '--key', 'nowhere.pem', ...args)).rejects.toBeInstanceOf(CommanderError);
});

it('says what it found where the key is no key', async () => {
  await expect(dilly('token', '--key', import.meta.filename, '--name', 'kim')).rejects.toThrow(
    'expected a private Ed25519 key as PEM',
  );
});
