import { describe, expect, it } from 'vitest';
import { copyOf, tidy, zeros } from '../../src/math/scratch.ts';
import { at, drive, startedFilter } from './fusion-simulation.ts';

describe('scratch memory', () => {
  it('gives each array of a computation once, zeroed, and again to the next computation', () => {
    const use = () =>
      tidy(() => {
        const [a, b, c] = [zeros(4), zeros(4), copyOf([1, 2, 3])];
        expect([...a, ...b]).toEqual(Array(8).fill(0));
        a.fill(7);
        expect([...b]).toEqual([0, 0, 0, 0]);
        return [a, b, c];
      });
    const first = use();
    const second = use();
    second.forEach((array, i) => {
      expect(array).toBe(first[i]);
    });
  });

  it('is the memory of the caller outside a computation', () => {
    const inside = tidy(() => zeros(4));
    expect(zeros(4)).not.toBe(inside);
    expect(zeros(4)).not.toBe(zeros(4));
  });

  it('is given back when a computation throws, and refuses one within another', () => {
    const failing = () =>
      tidy(() => {
        zeros(4).fill(1);
        throw new Error('on purpose');
      });
    expect(failing).toThrow('on purpose');
    expect(() => tidy(() => tidy(() => zeros(4)))).toThrow('within another');
    expect([...tidy(() => zeros(4))]).toEqual([0, 0, 0, 0]);
  });

  it('leaves alone what callers of the filter hold, and what it keeps itself when data come late', () => {
    const messages = drive(8, 3);
    const isLate = (m: (typeof messages)[number]) =>
      m.sensor === 'registration' && Math.round(m.time * 10) % 3 === 0;
    const [prompt, delayed] = [startedFilter(), startedFilter()];
    for (const { send } of messages) send(prompt);
    const waiting: typeof messages = [];
    const held: { covariance: Float64Array; copy: number[] }[] = [];
    for (const message of messages) {
      if (isLate(message)) waiting.push(message);
      else message.send(delayed);
      const { covariance } = delayed.stateAt(at(message.time))!;
      held.push({ covariance, copy: [...covariance] });
      while (waiting.length > 0 && waiting[0]!.time + 0.15 <= message.time) waiting.shift()!.send(delayed);
    }
    for (const { send } of waiting) send(delayed);
    for (const { covariance, copy } of held) expect([...covariance]).toEqual(copy);
    expect(delayed.stateAt(at(8))).toEqual(prompt.stateAt(at(8)));
  });
});
