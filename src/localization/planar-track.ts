import { quatFromRpy } from '../math/so3.ts';
import type { Pose, Stamp, Vec3 } from '../types.ts';
import { type ImuReading, secondsBetween } from './filter-state.ts';

/** Dead reckoning on level ground from (0, 0, 0): speed by the wheels, turn by the gyro, or by the wheels without one. */
export class PlanarTrack {
  readonly #gyroGap: number;
  #stamp: Stamp | undefined;
  #x = 0;
  #y = 0;
  #yaw = 0;
  #driven = 0;
  #linear: Vec3 | undefined;
  #wheelRate = 0;
  #gyro: { stamp: Stamp; rate: number } | undefined;
  /** of the gyro while the wheels stood */
  #standing = { sum: 0, count: 0 };

  /** `gyroGap`: seconds after which a gyro reading no longer tells the turn. */
  constructor(gyroGap: number) {
    this.#gyroGap = gyroGap;
  }

  /** radians, 0 at the start */
  get yaw(): number {
    return this.#yaw;
  }

  /** metres since the start, forwards or back */
  get driven(): number {
    return this.#driven;
  }

  /** T_start_base */
  get pose(): Pose {
    return { position: [this.#x, this.#y, 0], orientation: quatFromRpy(0, 0, this.#yaw) };
  }

  /** The latest velocity of the wheels, m/s in base axes; undefined before the first. */
  get linear(): Vec3 | undefined {
    return this.#linear;
  }

  /** Where a point of the base frame is now, metres in the track's frame. */
  pointAt([px, py]: Vec3): readonly [x: number, y: number] {
    const [c, s] = [Math.cos(this.#yaw), Math.sin(this.#yaw)];
    return [this.#x + c * px - s * py, this.#y + s * px + c * py];
  }

  /** A sample in base axes. */
  imu({ stamp, angularVelocity }: ImuReading): void {
    this.advance(stamp);
    this.#gyro = { stamp, rate: angularVelocity[2] };
    if (this.#linear && Math.hypot(...this.#linear) < 1e-3 && Math.abs(this.#wheelRate) < 1e-2) {
      this.#standing = { sum: this.#standing.sum + angularVelocity[2], count: this.#standing.count + 1 };
    }
  }

  odometry(stamp: Stamp, linear: Vec3, angular: Vec3): void {
    this.advance(stamp);
    this.#linear = linear;
    this.#wheelRate = angular[2];
  }

  /** Moves on to `stamp` by the twist that held since; an earlier stamp changes nothing. */
  advance(stamp: Stamp): void {
    const dt = this.#stamp === undefined ? 0 : secondsBetween(this.#stamp, stamp);
    if (dt < 0) return;
    this.#stamp = stamp;
    if (this.#linear === undefined) return;
    const bias = this.#standing.count > 0 ? this.#standing.sum / this.#standing.count : 0;
    const gyro = this.#gyro && secondsBetween(this.#gyro.stamp, stamp) <= this.#gyroGap;
    const turn = (this.#gyro && gyro ? this.#gyro.rate - bias : this.#wheelRate) * dt;
    const [c, s] = [Math.cos(this.#yaw + turn / 2), Math.sin(this.#yaw + turn / 2)];
    this.#x += (c * this.#linear[0] - s * this.#linear[1]) * dt;
    this.#y += (s * this.#linear[0] + c * this.#linear[1]) * dt;
    this.#yaw += turn;
    this.#driven += Math.hypot(this.#linear[0], this.#linear[1]) * dt;
  }
}
