import type { RobotStatus } from '../ports/robot.ts';
import type { GnssFix, UpdateRecord } from '../types.ts';

/** The last GNSS fix in the map frame, with what the receiver says of its error. */
export class Fixes {
  #sigma = 0;
  #last: RobotStatus['fix'];

  /** A fix as it came, before the filter sees it. */
  came({ covariance }: GnssFix): void {
    this.#sigma = Math.sqrt(Math.max(covariance[0] ?? 0, covariance[4] ?? 0));
  }

  /** What the filter made of it. */
  offered({ sensor, stamp, fix }: UpdateRecord): void {
    if (sensor === 'gnss' && fix) this.#last = { position: fix, sigma: this.#sigma, stamp };
  }

  get last(): RobotStatus['fix'] {
    return this.#last;
  }
}
