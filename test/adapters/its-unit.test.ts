import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkUnit, timingUsable, UNCHECKED, type UnitCheck } from '../../src/adapters/its/unit-check.ts';

/** Looks at one head once a second while its count falls by `rate` a second. */
function watch(
  rate: number,
  seconds: number,
  from: UnitCheck = UNCHECKED,
  start = 0,
  phase = 'walk',
): UnitCheck {
  let check = from;
  for (let s = 0; s <= seconds; s++) {
    const sample = { sourceTime: (start + s) * 1000, raw: 7000 - rate * s, phase };
    check = checkUnit(check, new Map([['et', sample]]), 10);
  }
  return check;
}

describe('the unit of a count', () => {
  it('is proven by a fall of ten a second over five seconds, not before', () => {
    expect(watch(10, 4)).toMatchObject({ verdict: 'unproven' });
    const check = watch(10, 5);
    expect(check).toMatchObject({ verdict: 'proven', rate: 10 });
    expect(timingUsable(check, 'et')).toBe(true);
    expect(timingUsable(check, 'wt')).toBe(false);
  });

  it.each([1, 0, 5, 14, 100, 1000])('is wrong at %d a second', (rate) => {
    expect(watch(rate, 6).verdict).toBe('wrong');
    // and does not stay proven by an earlier time
    const after = watch(rate, 6, watch(10, 6), 20, 'stop');
    expect(after.verdict).toBe('wrong');
    expect(timingUsable(after, 'et')).toBe(false);
  });

  it('that turns ten times too large between two phases is never used', () => {
    let check = watch(10, 6);
    for (let s = 0; s <= 6; s++) {
      const sample = { sourceTime: 7000 + s * 1000, raw: 100 * (100 - s), phase: 'stop' };
      check = checkUnit(check, new Map([['et', sample]]), 10);
      expect(timingUsable(check, 'et')).toBe(false);
    }
    expect(check.verdict).toBe('wrong');
  });

  it('holds to the end of a phase: at zero no time is left, which is not the same as no word', () => {
    const zero = (check: UnitCheck) =>
      checkUnit(check, new Map([['et', { sourceTime: 7000, raw: 0, phase: 'walk' }]]), 10);
    expect(timingUsable(zero(watch(10, 6)), 'et')).toBe(true);
    expect(zero(watch(10, 6)).verdict).toBe('proven');
    expect(timingUsable(zero(watch(10, 3)), 'et')).toBe(false);
    const next = new Map([['et', { sourceTime: 7100, raw: 0, phase: 'stop' }]]);
    expect(timingUsable(checkUnit(zero(watch(10, 6)), next, 10), 'et')).toBe(false);
  });

  it('is open again when the count rises within a phase', () => {
    const rising = { sourceTime: 6000, raw: 6990, phase: 'walk' };
    const check = checkUnit(watch(10, 5), new Map([['et', rising]]), 10);
    expect(check.verdict).toBe('unproven');
    expect(watch(10, 6, check, 7).verdict).toBe('proven');
  });

  it('is proven by stamps of whole seconds too, whatever their phase', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999 }), fc.integer({ min: 200, max: 1500 }), (offset, step) => {
        let check = UNCHECKED;
        for (let t = offset; t < offset + 20_000; t += step) {
          const sample = {
            sourceTime: Math.floor(t / 1000) * 1000,
            raw: Math.round(500 - t / 100),
            phase: 'walk',
          };
          check = checkUnit(check, new Map([['et', sample]]), 10);
          expect(check.verdict).not.toBe('wrong');
        }
        expect(check.verdict).toBe('proven');
      }),
      { seed: 6, numRuns: 200 },
    );
  });

  it('says nothing of a clock that stands, of gaps, and of changes of phase', () => {
    const look = (times: readonly number[], phases: readonly string[]) =>
      times.reduce(
        (check, sourceTime, i) =>
          checkUnit(
            check,
            new Map([['et', { sourceTime, raw: 500 - i, phase: phases[i % phases.length]! }]]),
            10,
          ),
        UNCHECKED,
      );
    expect(look([0, 0, 0, 0, 0, 0, 0, 0], ['walk']).verdict).toBe('unproven');
    expect(look([0, 40_000, 80_000], ['walk']).verdict).toBe('unproven');
    expect(look([0, 4000, 8000, 12_000], ['walk', 'stop']).verdict).toBe('unproven');
  });
});
