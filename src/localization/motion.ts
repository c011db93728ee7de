import { compose, IDENTITY, inverse } from '../math/se3.ts';
import { expSo3, quatConjugate, quatRotate } from '../math/so3.ts';
import { add, scale } from '../math/vec3.ts';
import type { Pose, Vec3 } from '../types.ts';
import type { FilterState } from './filter-state.ts';

/** The body twist at a time (seconds, any zero): m/s and rad/s in base axes. */
export interface Twist {
  readonly time: number;
  readonly linear: Vec3;
  readonly angular: Vec3;
}

export function twistOf(state: FilterState, time: number): Twist {
  const linear = quatRotate(quatConjugate(state.orientation), state.velocity);
  return { time, linear, angular: state.angularVelocity };
}

/**
 * T_base(0)_base(t) at each of `times`, by integrating twists sorted by rising time that cover 0 and all `times`. The
 * twist between two is their mean. Integrating rates and not differencing poses leaves out the jumps that corrections
 * make: a robot does not jump during a sweep.
 */
export function integrateTwists(twists: readonly Twist[], times: readonly number[]): Pose[] {
  const poses: Pose[] = [IDENTITY];
  for (let i = 0; i + 1 < twists.length; i++) {
    poses.push(compose(poses[i]!, advance(twists[i]!, twists[i + 1]!, twists[i + 1]!.time)));
  }
  const poseAt = (time: number): Pose => {
    let i = 0;
    while (i + 2 < twists.length && twists[i + 1]!.time <= time) i++;
    return compose(poses[i]!, advance(twists[i]!, twists[i + 1] ?? twists[i]!, time));
  };
  const T_zero_start = inverse(poseAt(0));
  return times.map((time) => compose(T_zero_start, poseAt(time)));
}

function advance(from: Twist, to: Twist, time: number): Pose {
  const dt = time - from.time;
  const turn = scale(add(from.angular, to.angular), dt / 2);
  const path = scale(add(from.linear, to.linear), dt / 2);
  // The chord of an arc points along the tangent halfway; its length is short by θ²/24.
  return { position: quatRotate(expSo3(scale(turn, 0.5)), path), orientation: expSo3(turn) };
}
