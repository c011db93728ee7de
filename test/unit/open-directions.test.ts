import { describe, expect, it } from 'vitest';
import { fusionSchema } from '../../src/localization/fusion-config.ts';
import { openDirections } from '../../src/localization/open-directions.ts';
import { PoseFilter } from '../../src/localization/pose-filter.ts';
import { Random } from '../../src/math/random.ts';
import { IDENTITY } from '../../src/math/se3.ts';
import type { Pose } from '../../src/types.ts';

const OPEN_SIGMA_M = 1000;

/** Of a registration that holds all but one direction to 5 mm and 0.3 degrees. */
function covarianceOpenAlong(u: readonly number[]): Float64Array {
  const covariance = new Float64Array(36);
  for (let a = 0; a < 6; a++) {
    covariance[7 * a] = 25e-6;
    for (let b = 0; b < 6; b++) covariance[6 * a + b]! += OPEN_SIGMA_M ** 2 * u[a]! * u[b]!;
  }
  return covariance;
}

describe('directions that a registration leaves open', () => {
  it('are those of the largest part of its covariance', () => {
    const u = [0.96, 0.28, 0, 0, 0, 0];
    const [found, ...others] = openDirections(covarianceOpenAlong(u), 1);
    expect(others).toEqual([]);
    found!.forEach((v, a) => {
      expect(Math.abs(v)).toBeCloseTo(u[a]!, 6);
    });
    expect(openDirections(covarianceOpenAlong(u), 0)).toEqual([]);
    expect(openDirections(new Float64Array(36), 2)).toEqual([]);
  });

  it('never become surer by hundreds of scans that each know them to some hundredths only', () => {
    const random = new Random(4);
    const filter = new PoseFilter(fusionSchema.parse({}));
    const start = new Float64Array(36);
    for (let a = 0; a < 6; a++) start[7 * a] = a === 0 ? 0.25 : 1e-4;
    filter.initialize(0n, IDENTITY, start);
    for (let k = 1; k <= 200; k++) {
      const tilt = random.gaussian(0, 0.03);
      const u = [Math.cos(tilt), Math.sin(tilt), 0, 0, 0, 0];
      const stamp = BigInt(k) * 100_000_000n;
      // It begins at the prediction and slides a little along the wall.
      const [x] = filter.stateAt(stamp)!.pose.position;
      const slid: Pose = { ...IDENTITY, position: [x + random.gaussian(0, 0.05), 0, 0] };
      const record = filter.registration(stamp, slid, covarianceOpenAlong(u), 1);
      expect(record.accepted).toBe(true);
    }
    const { pose, covariance } = filter.stateAt(20_000_000_000n)!;
    const sigma = Math.sqrt(covariance[0]!);
    expect(sigma).toBeGreaterThan(0.5);
    expect(Math.abs(pose.position[0])).toBeLessThan(sigma);
    // Across it is known as well as the tilt lets it.
    expect(Math.sqrt(covariance[16]!)).toBeLessThan(0.1 * sigma);
  });
});
