import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compose, IDENTITY, interpolatePose, inverse, relative, transformPoint } from '../../src/math/se3.ts';
import {
  expSo3,
  logSo3,
  quatConjugate,
  quatFromMatrix,
  quatFromRpy,
  quatMultiply,
  quatRotate,
  quatSlerp,
  rotationMatrix,
  rpyOf,
  skew,
  yawOf,
} from '../../src/math/so3.ts';
import { cross, dot, norm, scale, sub } from '../../src/math/vec3.ts';
import type { Pose, Quat, Vec3 } from '../../src/types.ts';

const coordinate = fc.double({ min: -1000, max: 1000, noNaN: true });
const vector = fc.tuple(coordinate, coordinate, coordinate) as fc.Arbitrary<Vec3>;
const unit = fc.double({ min: -1, max: 1, noNaN: true });
const rotationVector = fc
  .tuple(unit, unit, unit, fc.double({ min: 0, max: Math.PI - 1e-9, noNaN: true }))
  .filter(([x, y, z]) => norm([x, y, z]) > 1e-3)
  .map(([x, y, z, angle]) => scale([x, y, z], angle / norm([x, y, z])));
const rotation = rotationVector.map(expSo3);
const pose: fc.Arbitrary<Pose> = fc.record({ position: vector, orientation: rotation });

const apart = (a: Quat, b: Quat) => norm(logSo3(quatMultiply(quatConjugate(a), b)));
const near = (a: readonly number[], b: readonly number[], tolerance: number) =>
  a.every((value, i) => Math.abs(value - (b[i] ?? Number.NaN)) <= tolerance);

describe('rotations', () => {
  it('log undoes exp, from nothing to half a turn', () => {
    fc.assert(fc.property(rotationVector, (v) => near(logSo3(expSo3(v)), v, 1e-9)));
  });

  it('exp and log keep the precision of tiny angles', () => {
    for (const angle of [0, 1e-300, 1e-12, 1e-8, 0.99e-5, 1.01e-5, 0.99e-4, 1.01e-4, 1e-3]) {
      const [x] = logSo3(expSo3([angle, 0, 0]));
      expect(Math.abs(x - angle)).toBeLessThanOrEqual(1e-15 * Math.max(angle, 1e-300) + angle * 1e-14);
    }
  });

  it('log is exact at half a turn and blind to the sign of the quaternion', () => {
    expect(logSo3([0, 0, 1, 0])).toEqual([0, 0, Math.PI]);
    fc.assert(
      fc.property(rotation, (q) => near(logSo3(q), logSo3([-q[0], -q[1], -q[2], -q[3]]), 1e-9) || q[3] === 0),
    );
  });

  it('the matrix and the quaternion rotate alike, and keep lengths', () => {
    fc.assert(
      fc.property(rotation, vector, (q, v) => {
        const m = rotationMatrix(q);
        const byMatrix: Vec3 = [
          dot([m[0], m[1], m[2]], v),
          dot([m[3], m[4], m[5]], v),
          dot([m[6], m[7], m[8]], v),
        ];
        expect(near(quatRotate(q, v), byMatrix, 1e-9)).toBe(true);
        expect(norm(quatRotate(q, v))).toBeCloseTo(norm(v), 8);
      }),
    );
  });

  it('quatFromMatrix undoes rotationMatrix, whichever component is largest', () => {
    fc.assert(fc.property(rotation, (q) => apart(quatFromMatrix(rotationMatrix(q)), q) < 1e-7));
  });

  it('composes like matrices: (a b) v = a (b v)', () => {
    fc.assert(
      fc.property(rotation, rotation, vector, (a, b, v) =>
        near(quatRotate(quatMultiply(a, b), v), quatRotate(a, quatRotate(b, v)), 1e-8),
      ),
    );
  });

  it('roll, pitch, yaw come back', () => {
    const angle = fc.double({ min: -3.1, max: 3.1, noNaN: true });
    const pitch = fc.double({ min: -1.5, max: 1.5, noNaN: true });
    fc.assert(
      fc.property(angle, pitch, angle, (r, p, y) => near(rpyOf(quatFromRpy(r, p, y)), [r, p, y], 1e-9)),
    );
  });

  it('a quarter turn to the left faces north', () => {
    // Yaw 90° takes base x (forward) to map y (north): q = (0, 0, sin 45°, cos 45°).
    const q = quatFromRpy(0, 0, Math.PI / 2);
    expect(near(q, [0, 0, Math.SQRT1_2, Math.SQRT1_2], 1e-15)).toBe(true);
    expect(near(quatRotate(q, [1, 0, 0]), [0, 1, 0], 1e-15)).toBe(true);
    expect(yawOf(q)).toBeCloseTo(Math.PI / 2, 15);
  });

  it('slerp turns at a constant rate along the shorter arc', () => {
    fc.assert(
      fc.property(
        rotation,
        rotationVector,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (a, v, t) =>
          norm(v) > 3.1 || apart(quatSlerp(a, quatMultiply(a, expSo3(v)), t), a) - t * norm(v) < 1e-7,
      ),
    );
  });

  it('skew(v) u is v × u', () => {
    const m = skew([1, 2, 3]);
    expect([
      dot([m[0], m[1], m[2]], [4, 5, 6]),
      dot([m[3], m[4], m[5]], [4, 5, 6]),
      dot([m[6], m[7], m[8]], [4, 5, 6]),
    ]).toEqual(cross([1, 2, 3], [4, 5, 6]));
  });
});

describe('rigid transforms', () => {
  const samePose = (a: Pose, b: Pose) =>
    near(a.position, b.position, 1e-8) && apart(a.orientation, b.orientation) < 1e-8;

  it('forward · inverse = I', () => {
    fc.assert(fc.property(pose, (T) => samePose(compose(T, inverse(T)), IDENTITY)));
  });

  it('relative(T_m_a, T_m_b) is T_a_b', () => {
    fc.assert(fc.property(pose, pose, (a, b) => samePose(compose(a, relative(a, b)), b)));
  });

  it('transforming twice is transforming by the product', () => {
    fc.assert(
      fc.property(pose, pose, vector, (a, b, p) =>
        near(transformPoint(compose(a, b), p), transformPoint(a, transformPoint(b, p)), 1e-7),
      ),
    );
  });

  it('interpolation meets both ends', () => {
    fc.assert(
      fc.property(
        pose,
        pose,
        (a, b) => samePose(interpolatePose(a, b, 0), a) && samePose(interpolatePose(a, b, 1), b),
      ),
    );
    const half = interpolatePose(IDENTITY, { position: [2, 0, 0], orientation: quatFromRpy(0, 0, 1) }, 0.5);
    expect(half.position).toEqual([1, 0, 0]);
    expect(yawOf(half.orientation)).toBeCloseTo(0.5, 14);
    expect(norm(sub(half.position, [1, 0, 0]))).toBe(0);
  });
});
