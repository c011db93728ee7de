import { inverse, transformPoint } from '../../../math/se3.ts';
import { norm, sub } from '../../../math/vec3.ts';
import type { Pose, Vec3 } from '../../../types.ts';
import { HEAD } from './plan.ts';
import { toMap } from './solid.ts';

/** In base_link, looking ahead. */
const CAMERA: Vec3 = [0.3, 0, 0.8];
const SIGHT_M = 40;
const HALF_VIEW = Math.PI / 3;

/** The farther head of the crossing's light that the camera looks at, which is the one across the road. */
export function headInView(T_map_base: Pose): { eye: Vec3; away: Vec3; distance: number } | undefined {
  const eye = transformPoint(T_map_base, CAMERA);
  const toBase = inverse(T_map_base);
  return [-1, 1]
    .flatMap((side) => {
      const [x, y] = toMap(HEAD.u, side * (HEAD.v - 0.15));
      const head: Vec3 = [x, y, HEAD.height];
      const [ahead, left] = transformPoint(toBase, head);
      const away = sub(head, eye);
      const distance = norm(away);
      const isSeen = distance <= SIGHT_M && Math.atan2(Math.abs(left), ahead) <= HALF_VIEW;
      return isSeen ? [{ eye, away, distance }] : [];
    })
    .sort((a, b) => b.distance - a.distance)[0];
}
