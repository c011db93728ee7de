import type { PointFault, PointLimits } from '../core.ts';
import { requireFinite, requireNumbers } from './arguments.ts';
import type { PortableCloud } from './cloud.ts';

/** As `Core.firstFault`. Throws a Refusal `bad-argument`. */
export function firstFault(cloud: PortableCloud, limits: PointLimits): PointFault | undefined {
  const { origin, box, boxTolerance, normalTolerance } = limits;
  requireNumbers('origin', origin, 3);
  requireNumbers('box', box, 6);
  requireFinite('boxTolerance', boxTolerance);
  requireFinite('normalTolerance', normalTolerance);
  const { positions, normals } = cloud.raw;
  for (let point = 0; point < cloud.size; point++) {
    for (const axis of [0, 1, 2] as const) {
      const value = positions[3 * point + axis]! + origin[axis];
      if (value >= box[axis] - boxTolerance && value <= box[axis + 3]! + boxTolerance) continue;
      return { kind: 'outside-box', point, axis, value };
    }
    if (!normals?.length) continue;
    const [x, y, z] = [normals[3 * point]!, normals[3 * point + 1]!, normals[3 * point + 2]!];
    const length = Math.sqrt(x * x + y * y + z * z);
    if (!(Math.abs(length - 1) <= normalTolerance)) return { kind: 'bad-normal', point, length };
  }
  return undefined;
}
