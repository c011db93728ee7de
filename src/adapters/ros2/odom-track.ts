import { compose, interpolatePose } from '../../math/se3.ts';
import { expSo3 } from '../../math/so3.ts';
import { scale } from '../../math/vec3.ts';
import type { Odometry, Pose, Stamp } from '../../types.ts';

const KEPT = 400;

/** The last seconds of T_odom_base, to be asked at the stamp of a cloud. */
export class OdomTrack {
  readonly #timeout: number;
  #poses: Odometry[] = [];

  /** @param timeout seconds that a pose may lie before the stamp asked for */
  constructor(timeout: number) {
    this.#timeout = timeout;
  }

  add(odometry: Odometry): void {
    const last = this.#poses.at(-1);
    if (last && odometry.stamp <= last.stamp) return;
    this.#poses.push(odometry);
    if (this.#poses.length > 2 * KEPT) this.#poses = this.#poses.slice(-KEPT);
  }

  get latest(): Odometry | undefined {
    return this.#poses.at(-1);
  }

  clear(): void {
    this.#poses = [];
  }

  /** Between two poses, or moved on by the twist of the last one; undefined where none is near enough. */
  at(stamp: Stamp): Pose | undefined {
    const after = this.#poses.findIndex((one) => one.stamp >= stamp);
    if (after === 0) return this.#poses[0]!.stamp === stamp ? this.#poses[0]!.pose : undefined;
    const before = this.#poses.at(after < 0 ? -1 : after - 1);
    if (!before) return undefined;
    const since = Number(stamp - before.stamp) * 1e-9;
    if (since > this.#timeout) return undefined;
    if (after > 0) {
      const next = this.#poses[after]!;
      return interpolatePose(before.pose, next.pose, since / (Number(next.stamp - before.stamp) * 1e-9));
    }
    return compose(before.pose, {
      position: scale(before.linear, since),
      orientation: expSo3(scale(before.angular, since)),
    });
  }
}
