import { quatNormalize, quatRotate } from '../math/so3.ts';
import { add, cross, dot, norm, scale } from '../math/vec3.ts';
import type { ImuSample, Quat, Vec3 } from '../types.ts';

/** Samples that the direction of gravity is averaged over. */
const SAMPLES = 30;
const UP: Vec3 = [0, 0, 1];

/**
 * An IMU whose mount nobody told: gravity shows which way is up, nothing shows which way is forward. So only the turn
 * about the vertical is taken from it, and level ground is assumed for the rest. For wheeled robots; a mount is better.
 */
export class ImuLevelling {
  #sum: Vec3 = [0, 0, 0];
  #count = 0;
  #q_level_sensor: Quat | undefined;

  /** The sample as a level base would measure it, or undefined while gravity is being averaged. */
  level(sample: ImuSample): { angularVelocity: Vec3; linearAcceleration: Vec3 } | undefined {
    if (!this.#q_level_sensor) {
      this.#sum = add(this.#sum, sample.linearAcceleration);
      if (++this.#count < SAMPLES) return undefined;
      this.#q_level_sensor = shortestRotation(this.#sum, UP);
    }
    const g = norm(this.#sum) / this.#count;
    const turn = quatRotate(this.#q_level_sensor, sample.angularVelocity);
    return { angularVelocity: [0, 0, turn[2]], linearAcceleration: [0, 0, g] };
  }
}

/** The smallest rotation that takes direction `from` to the unit vector `to`. */
function shortestRotation(from: Vec3, to: Vec3): Quat {
  const unit = scale(from, 1 / norm(from));
  const w = 1 + dot(unit, to);
  // Upside down: any horizontal axis will do.
  if (w < 1e-6) return [1, 0, 0, 0];
  const [x, y, z] = cross(unit, to);
  return quatNormalize([x, y, z, w]);
}
