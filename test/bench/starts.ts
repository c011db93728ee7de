import type { Random } from '../../src/math/random.ts';
import { relative } from '../../src/math/se3.ts';
import { expSo3, logSo3, quatMultiply } from '../../src/math/so3.ts';
import { add, norm, scale } from '../../src/math/vec3.ts';
import type { Pose, Vec3 } from '../../src/types.ts';

export const DEGREE = Math.PI / 180;

/** A pose beside another: each axis moved by at most `metres`, turned about a random axis by at most `degrees`. */
export function beside(
  random: Random,
  { position, orientation }: Pose,
  metres: number,
  degrees: number,
): Pose {
  const axis: Vec3 = [random.gaussian(), random.gaussian(), random.gaussian()];
  const angle = random.uniform(0, degrees) * DEGREE;
  const step = () => random.uniform(-metres, metres);
  return {
    position: add(position, [step(), step(), step()]),
    orientation: quatMultiply(expSo3(scale(axis, angle / norm(axis))), orientation),
  };
}

/** Metres and degrees between two poses. */
export function apart(a: Pose, b: Pose): { metres: number; degrees: number } {
  const { position, orientation } = relative(a, b);
  return { metres: norm(position), degrees: norm(logSo3(orientation)) / DEGREE };
}
