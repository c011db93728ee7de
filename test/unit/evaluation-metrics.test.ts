import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alignPairs, umeyama } from '../../src/evaluation/align.ts';
import { associate, type PosePair } from '../../src/evaluation/associate.ts';
import { evaluate } from '../../src/evaluation/evaluate.ts';
import { absoluteError, poseErrors, spread } from '../../src/evaluation/metrics.ts';
import { driftOverDistances, relativeError } from '../../src/evaluation/relative-error.ts';
import { compose, IDENTITY, transformPoint } from '../../src/math/se3.ts';
import { expSo3, quatFromRpy } from '../../src/math/so3.ts';
import { norm, sub } from '../../src/math/vec3.ts';
import type { Pose, StampedPose, Vec3 } from '../../src/types.ts';

const DEGREE = Math.PI / 180;
const yawed = (degrees: number) => quatFromRpy(0, 0, degrees * DEGREE);
const number = (limit: number) => fc.double({ min: -limit, max: limit, noNaN: true });
const vector = (limit: number) => fc.tuple(number(limit), number(limit), number(limit));
const rigid = fc
  .tuple(vector(1000), vector(1.7))
  .map(([position, turn]): Pose => ({ position, orientation: expSo3(turn) }));
/** Ten poses or more, a tenth of a second apart. */
const trajectory = fc
  .array(rigid, { minLength: 10, maxLength: 30 })
  .map((poses) => poses.map((pose, index): StampedPose => ({ stamp: BigInt(index) * 100_000_000n, pose })));

/** A straight drive east at 1 m a frame, 0.1 s a frame. */
function straight(count: number): StampedPose[] {
  return Array.from({ length: count }, (_, index) => ({
    stamp: BigInt(index) * 100_000_000n,
    pose: { position: [index, 0, 0], orientation: yawed(0) },
  }));
}

function moved(T: Pose, poses: readonly StampedPose[]): StampedPose[] {
  return poses.map(({ stamp, pose }) => ({ stamp, pose: compose(T, pose) }));
}

describe('spread', () => {
  it('takes percentiles between order statistics', () => {
    // 1…5: place of p95 is 0.95·4 = 3.8 from 0: 4 + 0.8·(5 − 4) = 4.8; p99: 3.96 → 4.96; rmse √(55/5) = √11
    expect(spread([5, 1, 4, 2, 3])).toEqual({
      median: 3,
      p95: expect.closeTo(4.8, 12),
      p99: expect.closeTo(4.96, 12),
      max: 5,
      rmse: expect.closeTo(Math.sqrt(11), 12),
      mean: 3,
    });
    expect(spread([7])).toMatchObject({ median: 7, p95: 7, max: 7 });
    expect(spread([])).toBeNull();
  });
});

describe('association', () => {
  const reference = straight(3);
  const at = (ms: number) => [{ stamp: BigInt(ms) * 1_000_000n, pose: IDENTITY }];

  it('takes the nearest reference within 10 ms, both ends included', () => {
    expect(associate(at(110), reference)[0]!.reference.position).toEqual([1, 0, 0]);
    expect(associate(at(90), reference)[0]!.reference.position).toEqual([1, 0, 0]);
    expect(associate(at(111), reference)).toEqual([]);
    expect(associate(at(150), reference, { maxDifference: 0.05 })[0]!.reference.position).toEqual([1, 0, 0]);
    expect(associate(at(151), reference, { maxDifference: 0.05 })[0]!.reference.position).toEqual([2, 0, 0]);
    expect(associate(at(100), [])).toEqual([]);
  });

  it('interpolates between two references, over gaps up to 0.5 s, never beyond the ends', () => {
    expect(associate(at(125), reference, { interpolate: true })[0]!.reference.position[0]).toBeCloseTo(
      1.25,
      12,
    );
    expect(associate(at(200), reference, { interpolate: true })[0]!.reference.position).toEqual([2, 0, 0]);
    expect(associate(at(201), reference, { interpolate: true })).toEqual([]);
    expect(associate(at(-1), reference, { interpolate: true })).toEqual([]);
    const sparse = [reference[0]!, { ...reference[1]!, stamp: 500_000_001n }];
    expect(associate(at(250), sparse, { interpolate: true })).toEqual([]);
  });
});

describe('absolute error', () => {
  it('is zero for the same trajectory', () => {
    fc.assert(
      fc.property(trajectory, (poses) => {
        const error = absoluteError(associate(poses, poses))!;
        expect(error.translation.max).toBe(0);
        expect(error.rotation.max).toBeLessThan(1e-6);
        expect(error.yaw.max).toBe(0);
      }),
    );
  });

  it('of a constant offset is its length', () => {
    // (3, 4, 0) m off everywhere: every figure is 5 m
    const off = moved({ position: [3, 4, 0], orientation: yawed(0) }, straight(5));
    const error = absoluteError(associate(off, straight(5)))!;
    expect(error.translation).toEqual({ median: 5, p95: 5, p99: 5, max: 5, rmse: 5, mean: 5 });
    expect(error.yaw.max).toBe(0);
  });

  it('of a constant heading offset is that heading, wrapped, with its sign for each pose', () => {
    const heading = (degrees: number): StampedPose[] => [
      { stamp: 0n, pose: { position: [0, 0, 0], orientation: yawed(degrees) } },
    ];
    const error = (estimate: number, reference: number) =>
      poseErrors(associate(heading(estimate), heading(reference)))[0]!;
    expect(error(12, 10).yaw).toBeCloseTo(2, 9);
    expect(error(-179, 179).yaw).toBeCloseTo(2, 9);
    expect(error(179, -179).yaw).toBeCloseTo(-2, 9);
    expect(error(90, 0).rotation).toBeCloseTo(90, 9);
  });

  it('tells heading from tilt: 3° of roll are 3° of rotation and no heading', () => {
    const tilted = [
      { stamp: 0n, pose: { position: [0, 0, 0] as Vec3, orientation: quatFromRpy(3 * DEGREE, 0, 0) } },
    ];
    const error = poseErrors(associate(tilted, [{ stamp: 0n, pose: IDENTITY }]))[0]!;
    expect(error.rotation).toBeCloseTo(3, 9);
    expect(error.yaw).toBeCloseTo(0, 9);
  });
});

describe('alignment', () => {
  it('undoes any rigid motion of the estimate', () => {
    fc.assert(
      fc.property(trajectory, rigid, (poses, T) => {
        // Three poses that are never on one line, whatever the others are.
        const corners: Vec3[] = [
          [0, 0, 0],
          [100, 0, 0],
          [0, 100, 0],
        ];
        const triangle = corners.map((position, index) => ({
          stamp: BigInt(index),
          pose: { position, orientation: yawed(0) },
        }));
        const all = [...triangle, ...poses.map(({ stamp, pose }) => ({ stamp: stamp + 10n, pose }))];
        const aligned = alignPairs(associate(moved(T, all), all));
        expect(absoluteError(aligned)!.translation.max).toBeLessThan(1e-6);
        expect(absoluteError(aligned)!.rotation.max).toBeLessThan(1e-3);
      }),
    );
  });

  it('turns a square by 90°', () => {
    // (x, y) → (−y, x) + (10, 0)
    const from: Vec3[] = [
      [0, 0, 0],
      [1, 0, 0],
      [1, 1, 0],
      [0, 1, 0],
    ];
    const to: Vec3[] = [
      [10, 0, 0],
      [10, 1, 0],
      [9, 1, 0],
      [9, 0, 0],
    ];
    const T = umeyama(from, to);
    T.position.forEach((value, axis) => void expect(value).toBeCloseTo([10, 0, 0][axis]!, 9));
    T.orientation.forEach((value, axis) => void expect(value).toBeCloseTo(yawed(90)[axis]!, 9));
  });

  it('is a rotation at least as good as any other, also for a mirrored shape', () => {
    const from: Vec3[] = [
      [1, 0, 0],
      [0, 2, 0],
      [0, 0, 3],
      [0, 0, 0],
    ];
    const to = from.map(([x, y, z]): Vec3 => [x, y, -z]);
    const cost = (T: Pose) =>
      from.reduce((sum, point, index) => sum + norm(sub(transformPoint(T, point), to[index]!)) ** 2, 0);
    const best = umeyama(from, to);
    fc.assert(
      fc.property(vector(1), vector(1.7), (position, turn) => {
        const other = compose(best, { position, orientation: expSo3(turn) });
        expect(cost(best)).toBeLessThanOrEqual(cost(other) + 1e-9);
      }),
    );
  });

  it('is refused where it has no answer', () => {
    const line = straight(5).map(({ pose }) => pose.position);
    const undetermined = expect.objectContaining({ reason: 'alignment-undetermined' });
    expect(() => umeyama(line, line)).toThrow(undetermined);
    expect(() => umeyama(line.slice(0, 2), line.slice(0, 2))).toThrow(undetermined);
  });
});

describe('relative error', () => {
  it('does not see a rigid motion of the whole estimate', () => {
    fc.assert(
      fc.property(trajectory, trajectory, rigid, (estimate, reference, T) => {
        const before = relativeError(associate(estimate, reference), { frames: 2 })!;
        const after = relativeError(associate(moved(T, estimate), reference), { frames: 2 })!;
        expect(after.pairs).toBe(before.pairs);
        expect(after.translation.rmse).toBeCloseTo(before.translation.rmse, 6);
        expect(after.rotation.rmse).toBeCloseTo(before.rotation.rmse, 3);
      }),
    );
  });

  it('of a 2 % long scale is 2 cm a metre and 2 %', () => {
    const long = straight(12).map(({ stamp, pose }) => ({
      stamp,
      pose: { ...pose, position: [1.02 * pose.position[0], 0, 0] as Vec3 },
    }));
    const pairs = associate(long, straight(12));
    expect(relativeError(pairs, { frames: 1 })).toMatchObject({
      pairs: 11,
      translation: { rmse: expect.closeTo(0.02, 9) },
    });
    // half a second is five frames, 5 m: 10 cm
    expect(relativeError(pairs, { seconds: 0.5 })).toMatchObject({
      pairs: 7,
      translation: { median: expect.closeTo(0.1, 9) },
    });
    // the drive is 11 m: twelve starts less one for each metre of the piece; nothing of 50 or 100 m
    expect(driftOverDistances(pairs)).toEqual([
      { distance: 1, pieces: 11, translationPercent: expect.closeTo(2, 9), rotationDegreesPerMetre: 0 },
      { distance: 5, pieces: 7, translationPercent: expect.closeTo(2, 9), rotationDegreesPerMetre: 0 },
      { distance: 10, pieces: 2, translationPercent: expect.closeTo(2, 9), rotationDegreesPerMetre: 0 },
    ]);
  });

  it('of a heading that drifts by 0.5° a metre is 0.5°/m', () => {
    const drifting = straight(6).map(({ stamp, pose }, index) => ({
      stamp,
      pose: { ...pose, orientation: yawed(0.5 * index) },
    }));
    const [metre] = driftOverDistances(associate(drifting, straight(6)), [1]);
    expect(metre!.rotationDegreesPerMetre).toBeCloseTo(0.5, 9);
  });

  it('at a corner: the estimate turns 90° where the reference goes straight on', () => {
    // Q = 1 m ahead, P = 1 m ahead and turned left by 90°: E has no translation, 90° of rotation
    const pair = (reference: Pose, estimate: Pose, frame: number): PosePair => ({
      stamp: BigInt(frame),
      reference,
      estimate,
    });
    const ahead: Pose = { position: [1, 0, 0], orientation: yawed(0) };
    const turned: Pose = { position: [1, 0, 0], orientation: yawed(90) };
    const error = relativeError([pair(IDENTITY, IDENTITY, 0), pair(ahead, turned, 1)], { frames: 1 })!;
    expect(error.translation.max).toBeCloseTo(0, 12);
    expect(error.rotation.max).toBeCloseTo(90, 9);
    expect(relativeError([], { frames: 1 })).toBeNull();
  });
});

describe('evaluate', () => {
  it('gives metres at the top of ape and rpe, and null when nothing matches', () => {
    const T: Pose = { position: [3, 4, 0], orientation: yawed(0) };
    const result = evaluate(moved(T, straight(3)), straight(3));
    expect(result).toMatchObject({
      matched: 3,
      ape: { median: 5, rmse: 5, rotation: { max: 0 }, yaw: { p95: 0 } },
      rpe: { rmse: 0, pairs: 2, delta: { frames: 1 }, distances: [{ distance: 1 }] },
    });
    expect(evaluate([], straight(3))).toEqual({ matched: 0, ape: null, rpe: null });
  });
});
