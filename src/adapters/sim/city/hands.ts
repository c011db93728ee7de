import type { Vec3 } from '../../../types.ts';
import type { RobotBody } from './body.ts';

/** m above the ground while it is carried */
const LIFTED = 0.3;

/** Somebody lifts a robot and carries it by m along the city's axes and rad, in so many seconds. */
export class Hands {
  readonly #by: Vec3;
  readonly #seconds: number;
  #done = 0;

  constructor(by: Vec3, seconds: number) {
    this.#by = by;
    this.#seconds = seconds;
  }

  /** Whether the robot is still held after `dt` s more. */
  carryOn(body: RobotBody, dt: number): boolean {
    // Smooth at both ends: 3 s² − 2 s³.
    const way = (share: number) => share * share * (3 - 2 * share);
    const share = Math.min(1, this.#done + dt / this.#seconds);
    const piece = way(share) - way(this.#done);
    body.shift(this.#by[0] * piece, this.#by[1] * piece, this.#by[2] * piece);
    body.lift = LIFTED * Math.sin(Math.PI * share) ** 2;
    this.#done = share;
    return share < 1;
  }
}
