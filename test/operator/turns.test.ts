import { expect, it } from 'vitest';
import { Turns } from '../../src/adapters/operator/turns.ts';

const tick = () => new Promise((resolve) => setImmediate(resolve));

it('gives everybody what is urgent before anybody gets what can wait, a slice at a time', async () => {
  let nowMs = 0;
  const done: string[] = [];
  // Each job takes 0.6 ms: two fit into a slice.
  const turns = new Turns<string>(
    () => nowMs,
    (one, what) => {
      nowMs += 0.6;
      done.push(`${one} ${what}`);
      if (one === 'c' && what === 'urgent' && done.length < 4) turns.add('a');
      return what === 'urgent' && one !== 'b';
    },
  );
  for (const one of ['a', 'b', 'c', 'a']) turns.add(one);
  expect(done).toEqual([]);
  await tick();
  expect(done).toEqual(['a urgent', 'b urgent']);
  for (let k = 0; k < 5; k++) await tick();
  // What came meanwhile was urgent too; the rest of it is done once.
  expect(done.slice(2)).toEqual(['c urgent', 'a urgent', 'a rest', 'c rest']);
  turns.add('b');
  await tick();
  expect(done.at(-1)).toBe('b urgent');
});
