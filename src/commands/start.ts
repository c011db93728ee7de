import type { ReplayConfig } from '../adapters/replay/replay-config.ts';
import type { Prior } from '../localization/initialization.ts';
import { Random } from '../math/random.ts';
import { expSo3, quatFromRpy, quatMultiply, yawOf } from '../math/so3.ts';
import { add } from '../math/vec3.ts';
import type { SourceInfo } from '../ports.ts';
import type { Vec3 } from '../types.ts';
import { poseAt, type Reference } from './reference.ts';

const RADIANS = Math.PI / 180;

/**
 * Where a replay starts to look for its first pose: the configured place, or the reference at the start of the input,
 * off by a seeded error of at most `positionError` and `yawError`, level. Undefined where neither is known.
 */
export function startFrom(
  start: ReplayConfig['start'],
  reference: Reference | undefined,
  info: SourceInfo,
): Prior | undefined {
  const spread = {
    sigmaPosition: Math.max(start.positionError / 2, 0.1),
    sigmaYaw: Math.max((start.yawError * RADIANS) / 2, 0.01),
  };
  if (start.position) {
    const orientation = quatFromRpy(0, 0, (start.yaw ?? 0) * RADIANS);
    return { T_map_base: { position: start.position, orientation }, ...spread };
  }
  const first = reference?.poses.find(({ stamp }) => stamp >= info.start) ?? reference?.poses[0];
  if (!first) return undefined;
  const truth = poseAt(reference!.poses, info.start) ?? first.pose;
  const random = new Random(start.seed);
  const turn = random.uniform(-1, 1) * start.yawError * RADIANS;
  return {
    T_map_base: {
      position: add(truth.position, inBall(random, start.positionError)),
      orientation: quatMultiply(expSo3([0, 0, turn]), quatFromRpy(0, 0, yawOf(truth.orientation))),
    },
    ...spread,
  };
}

/** Uniform in a ball, by rejection. */
function inBall(random: Random, radius: number): Vec3 {
  for (;;) {
    const v: Vec3 = [random.uniform(-1, 1), random.uniform(-1, 1), random.uniform(-1, 1)];
    if (Math.hypot(...v) <= 1) return [v[0] * radius, v[1] * radius, v[2] * radius];
  }
}
