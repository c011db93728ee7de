import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/math/random.ts';
import {
  chiSquaredQuantile,
  mean,
  median,
  percentile,
  regularisedGamma,
  rms,
} from '../../src/math/statistics.ts';
import { refusalReason } from '../../src/types.ts';

const reasonOf = (call: () => unknown) => {
  try {
    call();
  } catch (error) {
    return refusalReason(error);
  }
  return 'none';
};
const values = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1 });

describe('statistics', () => {
  it('percentiles rise with p, from the least to the greatest, whatever the order', () => {
    fc.assert(
      fc.property(
        values,
        fc.double({ min: 0, max: 100, noNaN: true }),
        fc.double({ min: 0, max: 100, noNaN: true }),
        (all, p, q) => {
          expect(percentile(all, Math.min(p, q))).toBeLessThanOrEqual(percentile(all, Math.max(p, q)) + 1e-9);
          // + 0: minus zero is zero
          expect(percentile(all, 0) + 0).toBe(Math.min(...all) + 0);
          expect(percentile(all, 100) + 0).toBe(Math.max(...all) + 0);
          expect(percentile([...all].reverse(), p) + 0).toBe(percentile(all, p) + 0);
        },
      ),
    );
  });

  it('interpolates between order statistics', () => {
    // Places 0…3 hold 1 2 3 4; the 95th percentile is at place 0.95·3 = 2.85, so 3 + 0.85.
    expect(percentile([4, 1, 3, 2], 95)).toBeCloseTo(3.85, 12);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([5])).toBe(5);
    expect(mean([1, 2, 6])).toBe(3);
    expect(rms([3, 4])).toBeCloseTo(Math.sqrt(12.5), 12);
  });

  it('refuses to make up a value', () => {
    for (const call of [() => mean([]), () => median([]), () => rms([])])
      expect(reasonOf(call)).toBe('empty');
    expect(reasonOf(() => percentile([1], 101))).toBe('out-of-range');
    expect(reasonOf(() => chiSquaredQuantile(1, 3))).toBe('out-of-range');
    expect(reasonOf(() => chiSquaredQuantile(0.5, Number.NaN))).toBe('out-of-range');
  });
});

describe('chi-squared quantiles', () => {
  it('undo the distribution function', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1e-6, max: 1 - 1e-6, noNaN: true }),
        fc.integer({ min: 1, max: 2000 }),
        (p, dof) => {
          expect(regularisedGamma(dof / 2, chiSquaredQuantile(p, dof) / 2)).toBeCloseTo(p, 9);
        },
      ),
    );
  });

  it('have the closed form −2 ln(1 − p) for two degrees of freedom', () => {
    for (const p of [0.01, 0.5, 0.95, 0.999, 0.9999997]) {
      expect(chiSquaredQuantile(p, 2)).toBeCloseTo(-2 * Math.log1p(-p), 7);
    }
  });

  it('agree with the printed tables', () => {
    // NIST/SEMATECH e-Handbook of Statistical Methods, §1.3.6.7.4.
    for (const [p, dof, value] of [
      [0.95, 1, 3.841],
      [0.99, 3, 11.345],
      [0.999, 3, 16.266],
      [0.999, 6, 22.458],
      [0.975, 100, 129.561],
      [0.025, 10, 3.247],
    ] as const) {
      expect(Math.abs(chiSquaredQuantile(p, dof) - value)).toBeLessThan(6e-4);
    }
  });
});

describe('random numbers', () => {
  it('repeat with the seed and differ between seeds', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 40 }), (seed) => {
        const [a, b, other] = [new Random(seed), new Random(seed), new Random(seed + 1)];
        const draw = (r: Random) => Array.from({ length: 8 }, () => r.uint32());
        const first = draw(a);
        expect(draw(b)).toEqual(first);
        expect(draw(other)).not.toEqual(first);
      }),
    );
  });

  it('are spread as they should be', () => {
    const r = new Random(1);
    const n = 100_000;
    const u = Array.from({ length: n }, () => r.uniform());
    const g = Array.from({ length: n }, () => r.gaussian());
    // Means have a standard error of 0.289/√n and 1/√n: four of them are 0.0037 and 0.013.
    expect(Math.abs(mean(u) - 0.5)).toBeLessThan(0.0037);
    expect(Math.abs(mean(g))).toBeLessThan(0.013);
    expect(rms(g)).toBeCloseTo(1, 1.5);
    expect(Math.abs(percentile(g, 97.5) - 1.96)).toBeLessThan(0.03);
    expect(u.every((x) => x >= 0 && x < 1)).toBe(true);
    expect(r.gaussian(5, 0)).toBe(5);
  });
});
