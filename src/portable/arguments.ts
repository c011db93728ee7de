import type { Motion } from '../core.ts';
import { type Pose, Refusal } from '../types.ts';

/** Each throws a Refusal `bad-argument` for what the native core refuses as such: a caller in JavaScript may pass anything. */
export function requireFinite(name: string, value: number): void {
  if (!Number.isFinite(value)) throw new Refusal('bad-argument', `expected ${name} to be a finite number`);
}

export function requireNumbers(name: string, values: readonly number[], count: number): void {
  if (Array.isArray(values) && values.length === count && values.every(Number.isFinite)) return;
  throw new Refusal('bad-argument', `expected ${name} to be an array of ${count} numbers`);
}

export function requirePose(name: string, pose: Pose): void {
  if (typeof pose !== 'object' || pose === null)
    throw new Refusal('bad-argument', `expected ${name} to be a pose {position, orientation}`);
  requireNumbers(`${name}.position`, pose.position, 3);
  requireNumbers(`${name}.orientation`, pose.orientation, 4);
  const norm2 = pose.orientation.reduce((sum, v) => sum + v * v, 0);
  if (Math.abs(norm2 - 1) > 1e-3)
    throw new Refusal('bad-argument', `expected ${name}.orientation to be a unit quaternion x y z w`);
}

export function requireMotion(motion: Motion): void {
  if (motion?.kind === 'still') return;
  if (motion?.kind === 'twist') {
    requireNumbers('motion.linear', motion.linear, 3);
    requireNumbers('motion.angular', motion.angular, 3);
  } else if (motion?.kind === 'sampled' && Array.isArray(motion.times) && Array.isArray(motion.poses)) {
    for (const time of motion.times) requireFinite('motion.times', time);
    for (const pose of motion.poses) requirePose('motion.poses', pose);
  } else {
    throw new Refusal('bad-argument', 'expected a motion of kind still, twist or sampled');
  }
}
