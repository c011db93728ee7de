import type { Pose, Vec3 } from '../types.ts';
import { IDENTITY_QUAT, quatConjugate, quatMultiply, quatNormalize, quatRotate, quatSlerp } from './so3.ts';
import { add, scale, sub, ZERO } from './vec3.ts';

export const IDENTITY: Pose = { position: ZERO, orientation: IDENTITY_QUAT };

/** T_a_c = T_a_b · T_b_c, renormalised. */
export function compose(T_a_b: Pose, T_b_c: Pose): Pose {
  return {
    position: transformPoint(T_a_b, T_b_c.position),
    orientation: quatNormalize(quatMultiply(T_a_b.orientation, T_b_c.orientation)),
  };
}

/** T_b_a of T_a_b. */
export function inverse(T_a_b: Pose): Pose {
  const orientation = quatConjugate(T_a_b.orientation);
  return { position: scale(quatRotate(orientation, T_a_b.position), -1), orientation };
}

/** T_a_b = T_m_a⁻¹ · T_m_b: where b stands as seen from a. */
export function relative(T_m_a: Pose, T_m_b: Pose): Pose {
  const inverted = quatConjugate(T_m_a.orientation);
  return {
    position: quatRotate(inverted, sub(T_m_b.position, T_m_a.position)),
    orientation: quatNormalize(quatMultiply(inverted, T_m_b.orientation)),
  };
}

/** p_a = T_a_b · p_b. */
export function transformPoint(T_a_b: Pose, p_b: Vec3): Vec3 {
  return add(T_a_b.position, quatRotate(T_a_b.orientation, p_b));
}

/** From a (t = 0) to b (t = 1): position along the straight line, orientation along the shorter arc. */
export function interpolatePose(a: Pose, b: Pose, t: number): Pose {
  return {
    position: add(a.position, scale(sub(b.position, a.position), t)),
    orientation: quatSlerp(a.orientation, b.orientation, t),
  };
}
