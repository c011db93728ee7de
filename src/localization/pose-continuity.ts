import { norm, sub } from '../math/vec3.ts';
import type { Odometry } from '../types.ts';
import { secondsBetween } from './filter-state.ts';
import type { FusionConfig } from './fusion-config.ts';

/**
 * Whether the pose of each odometry message can follow from the one before it at the speed that the message itself
 * says. One that cannot contradicts itself, so its twist is not to be believed either. `jumpConfirmations` such
 * messages in a row that agree with each other are a counter that was set anew, and are followed.
 */
export class PoseContinuity {
  readonly #config: FusionConfig['odometry'];
  #last: Odometry | undefined;
  #disputed: Odometry | undefined;
  #count = 0;

  constructor(config: FusionConfig['odometry']) {
    this.#config = config;
  }

  /** How far the pose jumped, metres; undefined where it did not, or has stayed where it jumped to. */
  jump(message: Odometry): number | undefined {
    const distance = this.#last && this.#beyond(this.#last, message);
    if (distance === undefined) return this.#follow(message);
    const agrees = this.#disputed !== undefined && this.#beyond(this.#disputed, message) === undefined;
    this.#count = agrees ? this.#count + 1 : 1;
    this.#disputed = message;
    return this.#count > this.#config.jumpConfirmations ? this.#follow(message) : distance;
  }

  #follow(message: Odometry): undefined {
    this.#last = message;
    this.#disputed = undefined;
    this.#count = 0;
  }

  /** The distance from one pose to the next, where that is further than speed and time allow. */
  #beyond(from: Odometry, to: Odometry): number | undefined {
    const distance = norm(sub(to.pose.position, from.pose.position));
    const speed = Math.max(norm(from.linear), norm(to.linear));
    // Twice the speed: it changes between two messages.
    const reach = 2 * speed * Math.abs(secondsBetween(from.stamp, to.stamp));
    return distance > this.#config.maxPoseJump + reach ? distance : undefined;
  }
}
