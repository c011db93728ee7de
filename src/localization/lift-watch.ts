import { norm, sub } from '../math/vec3.ts';
import type { Stamp, Vec3 } from '../types.ts';
import { type ImuReading, secondsBetween } from './filter-state.ts';

/** rad/s, m/s²: what only a robot that is moved shows. A person who leans on it stays below for most of the time. */
const TURNED = 0.25;
const SHAKEN = 1.5;
/** s: of such motion while the wheels stand, before it counts; and how long it must then be quiet */
const NEEDED = 0.3;
const SETTLED = 0.5;
/** m/s, rad/s: wheels below this stand */
const STANDING = 0.02;

/** Notices that a robot is carried: its wheels stand, and yet the IMU turns or is shaken. Inputs in order of stamp. */
export class LiftWatch {
  readonly #gravity: number;
  #wheelsStand = false;
  #last: ImuReading | undefined;
  #moved = 0;
  #movedUntil: Stamp | undefined;

  constructor(gravity: number) {
    this.#gravity = gravity;
  }

  /** Whether it was carried and no scan has since shown where to. */
  get carried(): boolean {
    return this.#moved >= NEEDED;
  }

  odometry(linear: Vec3, angular: Vec3): void {
    this.#wheelsStand = norm(linear) < STANDING && norm(angular) < STANDING;
    if (!this.#wheelsStand && !this.carried) this.#moved = 0;
  }

  /** In base axes; `gyroBias` in rad/s. */
  imu(reading: ImuReading, gyroBias: Vec3): void {
    const dt = this.#last ? Math.min(0.1, secondsBetween(this.#last.stamp, reading.stamp)) : 0;
    this.#last = reading;
    if (!this.#wheelsStand || dt <= 0) return;
    const turned = norm(sub(reading.angularVelocity, gyroBias)) > TURNED;
    const shaken = Math.abs(norm(reading.linearAcceleration) - this.#gravity) > SHAKEN;
    if (turned || shaken) {
      this.#moved += dt;
      this.#movedUntil = reading.stamp;
    } else if (!this.carried) this.#moved = Math.max(0, this.#moved - dt / 2);
  }

  /** A scan fitted: wherever it was carried, it is known again, unless it is being carried still. */
  placed(stamp: Stamp): void {
    if (this.#movedUntil === undefined || secondsBetween(this.#movedUntil, stamp) >= SETTLED) this.#moved = 0;
  }
}
