import { expect, it } from 'vitest';
import { requireBagPath } from '../../src/commands/sim.ts';

it.each([
  ['/nowhere/at/all/drive.mcap', 'expected a folder at /nowhere/at/all, found none; make it first'],
  [`${import.meta.filename}/drive.mcap`, 'found a file; make it first'],
  ['drive.bag', 'expected a file that ends in .mcap, found drive.bag'],
])('a bag cannot be written to %s, and it is said before the drive', async (out, said) => {
  await expect(requireBagPath(out)).rejects.toThrow(said);
});

it('a bag can be written beside this file', async () => {
  await requireBagPath(import.meta.filename.replace(/\.ts$/, '.mcap'));
});
