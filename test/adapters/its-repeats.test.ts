import { expect, it } from 'vitest';
import { Repeats } from '../../src/adapters/its/repeats.ts';

it('tells a thing once in ten seconds, and then how often it was held back', () => {
  const repeats = new Repeats();
  expect(repeats.pass('a bad-json', 'x', 0)).toBe('x');
  for (let ms = 100; ms < 10_000; ms += 100) expect(repeats.pass('a bad-json', 'x', ms)).toBeUndefined();
  expect(repeats.pass('b bad-json', 'y', 5000)).toBe('y');
  expect(repeats.pass('a bad-json', 'z', 10_000)).toBe('z (99 more like it before)');
  expect(repeats.pass('a bad-json', 'z', 30_000)).toBe('z');
});
