import { describe, expect, it } from 'vitest';
import type { Alignment } from '../../src/core.ts';
import {
  covarianceOf,
  judge,
  probabilityOf,
  registrationConfig,
} from '../../src/localization/registration.ts';
import { IDENTITY } from '../../src/math/se3.ts';

const config = registrationConfig.parse({});
const diagonal = (values: readonly number[]) =>
  Float64Array.from({ length: 36 }, (_, at) => (at % 7 === 0 ? values[at / 7]! : 0));
/** 1,000 points that hold all six directions equally, 10 m away. */
const good: Alignment = {
  T_map_base: IDENTITY,
  converged: true,
  points: 1000,
  matched: 980,
  inliers: 950,
  score: 0.7,
  second: 0,
  thickness: 0.02,
  covered: 990,
  clusters: 100,
  scatter: diagonal([4, 4, 4, 400, 400, 400]),
  residual: 0.02,
  iterations: 5,
  hessian: diagonal([100, 100, 100, 10_000, 10_000, 10_000]),
  range: 10,
  eigenvalues: Float64Array.from([100, 100, 100, 100, 100, 100]),
  eigenvectors: diagonal([1, 1, 1, 1, 1, 1]),
};

describe('what is believed of an alignment', () => {
  it('is less likely with points beside the surfaces, a direction held by few, and a good second place', () => {
    const likely = probabilityOf(good);
    expect(likely).toBeGreaterThan(0.99);
    expect(probabilityOf({ ...good, inliers: 700 })).toBeLessThan(likely);
    const eigenvalues = Float64Array.from([6, 100, 100, 100, 100, 100]);
    expect(probabilityOf({ ...good, eigenvalues })).toBeLessThan(likely);
    expect(probabilityOf({ ...good, second: 0.6 })).toBeLessThan(likely);
    expect(probabilityOf({ ...good, points: 0 })).toBe(0);
  });

  it('refuses what is unlikely by name, with the evidence', () => {
    const judged = judge({ ...good, inliers: 500 }, config);
    expect(judged).toMatchObject({ ok: false, reason: 'improbable', evidence: { ok: false, inliers: 500 } });
    expect(judge(good, config)).toMatchObject({ ok: true, degenerate: 0 });
  });

  it('refuses what is nearly as good elsewhere', () => {
    const rivalled = { ...good, second: 0.96 * good.score };
    expect(judge(rivalled, { ...config, minProbability: 0 })).toMatchObject({
      ok: false,
      reason: 'ambiguous',
    });
    expect(judge({ ...rivalled, second: 0.9 * good.score }, { ...config, minProbability: 0 }).ok).toBe(true);
  });

  it('believes one that still moves only where what it lies on is near', () => {
    expect(judge({ ...good, converged: false }, config).ok).toBe(true);
    expect(judge({ ...good, converged: false, residual: 0.06 }, config)).toMatchObject({
      ok: false,
      reason: 'not-converged',
    });
  });

  it('tells what the map covers, and what of it moved', () => {
    const { evidence } = judge(good, config);
    expect(evidence.overlap).toBeCloseTo(0.99, 9);
    expect(evidence.moved).toBeCloseTo(10 / 990, 9);
  });

  it('has the sandwich H⁻¹ B H⁻¹ and the shared error as its covariance', () => {
    const { covariance } = covarianceOf(good, config);
    // 4 / 100² m², and 400 / 10,000² rad²; the shared 5 mm act at the range of 10 m.
    for (const a of [0, 1, 2]) expect(covariance[7 * a]).toBeCloseTo(4e-4 + 2.5e-5, 9);
    for (const a of [3, 4, 5]) expect(covariance[7 * a]).toBeCloseTo(4e-6 + 2.5e-7, 11);
  });

  it('measures nothing along an open direction', () => {
    const eigenvalues = Float64Array.from([1e-3, 100, 100, 100, 100, 100]);
    const { covariance, degenerate } = covarianceOf({ ...good, eigenvalues }, config);
    expect(degenerate).toBe(1);
    expect(Math.sqrt(covariance[0]!)).toBeCloseTo(1000, 3);
    expect(Math.sqrt(covariance[7]!)).toBeLessThan(0.03);
  });

  it('is less sure on a map of several layers', () => {
    const { covariance } = covarianceOf({ ...good, thickness: 0.05 }, config);
    expect(covariance[0]).toBeCloseTo(4e-4 + 2.5e-5 + 0.05 ** 2 - 0.035 ** 2, 9);
  });
});
