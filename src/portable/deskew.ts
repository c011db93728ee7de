import type { Motion } from '../core.ts';
import { compose, interpolatePose, transformPoint } from '../math/se3.ts';
import { expSo3 } from '../math/so3.ts';
import { add, cross, scale } from '../math/vec3.ts';
import type { Pose, Vec3 } from '../types.ts';
import { Refusal } from '../types.ts';
import { PortableCloud } from './cloud.ts';

/**
 * p_base = T_base(stamp)_base(stamp + τ) · T_base_sensor · p for each point. A cloud without times, or motion without
 * samples, is only moved by the mount. Intensity and times are kept, normals are left out.
 * Throws a Refusal `bad-motion`.
 */
export function deskew(cloud: PortableCloud, T_base_sensor: Pose, motion: Motion): PortableCloud {
  const { positions, times, intensity } = cloud.raw;
  const poseAt = motionAt(motion);
  const moved = new Float32Array(positions.length);
  for (let i = 0; i < cloud.size; i++) {
    const pose = poseAt && times ? compose(poseAt(times[i]!), T_base_sensor) : T_base_sensor;
    moved.set(transformPoint(pose, [positions[3 * i]!, positions[3 * i + 1]!, positions[3 * i + 2]!]), 3 * i);
  }
  return new PortableCloud({ positions: moved, ...(intensity && { intensity }), ...(times && { times }) });
}

/** T_base(stamp)_base(stamp + τ) as a function of τ in seconds; undefined when the base stands. */
function motionAt(motion: Motion): ((tau: number) => Pose) | undefined {
  if (motion.kind === 'still') return undefined;
  if (motion.kind === 'twist')
    return (tau) => expTwist(scale(motion.linear, tau), scale(motion.angular, tau));
  const { times, poses } = motion;
  if (times.length !== poses.length) {
    throw new Refusal(
      'bad-motion',
      `expected as many times as poses, found ${times.length} and ${poses.length}`,
    );
  }
  times.forEach((time, i) => {
    if (Number.isFinite(time) && (i === 0 || time > times[i - 1]!)) return;
    throw new Refusal('bad-motion', `expected finite, strictly rising times, found ${time} at sample ${i}`);
  });
  if (times.length === 0) return undefined;
  return (tau) => {
    const next = times.findIndex((time) => time > tau);
    if (next <= 0) return poses[next === 0 ? 0 : poses.length - 1]!;
    const share = (tau - times[next - 1]!) / (times[next]! - times[next - 1]!);
    return interpolatePose(poses[next - 1]!, poses[next]!, share);
  };
}

/** exp of a screw: `d` metres and `phi` radians in the moving frame (Lynch & Park, Modern Robotics, 3.3). */
function expTwist(d: Vec3, phi: Vec3): Pose {
  const angle = Math.hypot(...phi);
  // Series below 1e-4 rad, where the differences cancel.
  const b = angle < 1e-4 ? 0.5 : (1 - Math.cos(angle)) / angle ** 2;
  const c = angle < 1e-4 ? 1 / 6 : (angle - Math.sin(angle)) / angle ** 3;
  const once = cross(phi, d);
  return { position: add(d, add(scale(once, b), scale(cross(phi, once), c))), orientation: expSo3(phi) };
}
