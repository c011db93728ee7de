import type { Quat, Vec3 } from '../types.ts';

/**
 * Rotations. A quaternion `q_a_b` takes vectors of frame b to frame a, as in Solà 2017, "Quaternion kinematics for
 * the error-state Kalman filter" (Hamilton convention); equation numbers below are his. Order is ROS: x y z w.
 */

/** A 3 × 3 matrix, row-major. */
export type Mat3 = [number, number, number, number, number, number, number, number, number];

export const IDENTITY_QUAT: Quat = [0, 0, 0, 1];

/** q_a_c = q_a_b ⊗ q_b_c (eq. 13). Not renormalised. */
export function quatMultiply(a: Quat, b: Quat): Quat {
  const [ax, ay, az, aw] = a;
  const [bx, by, bz, bw] = b;
  return [
    aw * bx + ax * bw + ay * bz - az * by,
    aw * by - ax * bz + ay * bw + az * bx,
    aw * bz + ax * by - ay * bx + az * bw,
    aw * bw - ax * bx - ay * by - az * bz,
  ];
}

/** The inverse of a unit quaternion. */
export function quatConjugate(q: Quat): Quat {
  return [-q[0], -q[1], -q[2], q[3]];
}

/** The unit quaternion along q. A zero or non-finite q gives NaN: validate at the border. */
export function quatNormalize(q: Quat): Quat {
  const n = Math.sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3]);
  return [q[0] / n, q[1] / n, q[2] / n, q[3] / n];
}

/** v_a = q_a_b ⊗ v_b ⊗ q_a_b*, without building the matrix. */
export function quatRotate(q: Quat, v: Vec3): Vec3 {
  const [x, y, z, w] = q;
  const tx = 2 * (y * v[2] - z * v[1]);
  const ty = 2 * (z * v[0] - x * v[2]);
  const tz = 2 * (x * v[1] - y * v[0]);
  return [v[0] + w * tx + y * tz - z * ty, v[1] + w * ty + z * tx - x * tz, v[2] + w * tz + x * ty - y * tx];
}

/** R{q} (eq. 115), row-major. */
export function rotationMatrix(q: Quat): Mat3 {
  const [x, y, z, w] = q;
  return [
    1 - 2 * (y * y + z * z),
    2 * (x * y - z * w),
    2 * (x * z + y * w),
    2 * (x * y + z * w),
    1 - 2 * (x * x + z * z),
    2 * (y * z - x * w),
    2 * (x * z - y * w),
    2 * (y * z + x * w),
    1 - 2 * (x * x + y * y),
  ];
}

/** The unit quaternion of a rotation matrix (row-major), w ≥ 0. Shepperd 1978: divides by the largest component. */
export function quatFromMatrix(m: Readonly<Mat3>): Quat {
  const [m00, m01, m02, m10, m11, m12, m20, m21, m22] = m;
  const trace = m00 + m11 + m22;
  const largest = Math.max(trace, m00, m11, m22);
  let q: Quat;
  if (largest === trace) q = [m21 - m12, m02 - m20, m10 - m01, 1 + trace];
  else if (largest === m00) q = [1 + m00 - m11 - m22, m01 + m10, m02 + m20, m21 - m12];
  else if (largest === m11) q = [m01 + m10, 1 + m11 - m00 - m22, m12 + m21, m02 - m20];
  else q = [m02 + m20, m12 + m21, 1 + m22 - m00 - m11, m10 - m01];
  const unit = quatNormalize(q);
  return unit[3] < 0 ? [-unit[0], -unit[1], -unit[2], -unit[3]] : unit;
}

/** Exp: a rotation vector (axis × angle, radians) as a unit quaternion (eq. 101). */
export function expSo3(v: Vec3): Quat {
  const angle = Math.sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
  // sin(a/2)/a: the series is exact to double precision below 1e-4 (next term a⁴/3840).
  const s = angle < 1e-4 ? 0.5 - (angle * angle) / 48 : Math.sin(angle / 2) / angle;
  return quatNormalize([v[0] * s, v[1] * s, v[2] * s, Math.cos(angle / 2)]);
}

/** Log: the rotation vector of a unit quaternion, angle in [0, π] (eq. 105); q and −q give the same. */
export function logSo3(q: Quat): Vec3 {
  const sign = q[3] < 0 ? -1 : 1;
  const w = sign * q[3];
  const n = Math.sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2]);
  // 2·atan2(n, w)/n near n = 0, where w ≈ 1.
  const s = n < 1e-5 ? (2 / w) * (1 - (n * n) / (3 * w * w)) : (2 * Math.atan2(n, w)) / n;
  return [sign * s * q[0], sign * s * q[1], sign * s * q[2]];
}

/** Fixed-axis roll, pitch, yaw in radians (REP-103): R = Rz(yaw) Ry(pitch) Rx(roll). */
export function quatFromRpy(roll: number, pitch: number, yaw: number): Quat {
  const [cr, sr] = [Math.cos(roll / 2), Math.sin(roll / 2)];
  const [cp, sp] = [Math.cos(pitch / 2), Math.sin(pitch / 2)];
  const [cy, sy] = [Math.cos(yaw / 2), Math.sin(yaw / 2)];
  return [
    sr * cp * cy - cr * sp * sy,
    cr * sp * cy + sr * cp * sy,
    cr * cp * sy - sr * sp * cy,
    cr * cp * cy + sr * sp * sy,
  ];
}

/** Inverse of `quatFromRpy`; pitch in [−π/2, π/2]. At pitch ±π/2 roll and yaw are not unique. */
export function rpyOf(q: Quat): [roll: number, pitch: number, yaw: number] {
  const [x, y, z, w] = q;
  const roll = Math.atan2(2 * (w * x + y * z), 1 - 2 * (x * x + y * y));
  const pitch = Math.asin(Math.min(1, Math.max(-1, 2 * (w * y - z * x))));
  return [roll, pitch, yawOf(q)];
}

/** Heading about +z, radians in (−π, π], 0 along +x (east in an ENU map). */
export function yawOf(q: Quat): number {
  const [x, y, z, w] = q;
  return Math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z));
}

/** The shorter arc from a (t = 0) to b (t = 1) at constant rate; t outside [0, 1] extrapolates. */
export function quatSlerp(a: Quat, b: Quat, t: number): Quat {
  const [x, y, z] = logSo3(quatMultiply(quatConjugate(a), b));
  return quatNormalize(quatMultiply(a, expSo3([x * t, y * t, z * t])));
}

/** [v]× with [v]× u = v × u, row-major. */
export function skew(v: Vec3): Mat3 {
  return [0, -v[2], v[1], v[2], 0, -v[0], -v[1], v[0], 0];
}

/** A · B of two 3 × 3 matrices, row-major. */
export function multiplyMat3(a: Readonly<Mat3>, b: Readonly<Mat3>): Mat3 {
  const row = (x: number, y: number, z: number): [number, number, number] => [
    x * b[0] + y * b[3] + z * b[6],
    x * b[1] + y * b[4] + z * b[7],
    x * b[2] + y * b[5] + z * b[8],
  ];
  return [...row(a[0], a[1], a[2]), ...row(a[3], a[4], a[5]), ...row(a[6], a[7], a[8])];
}
