import type { SensorMessage } from '../../types.ts';

/** /tf_static is sent once and may come before the map is open: a new robot is told again. */
export class MountMemory {
  readonly #known = new Map<string, SensorMessage>();
  #told: object | undefined;

  /** What `robot` has to be told before this message. */
  before(message: SensorMessage, robot: object | undefined): SensorMessage[] {
    if (message.kind === 'mount') this.#known.set(message.value.child, message);
    if (!robot || robot === this.#told) return [];
    this.#told = robot;
    return [...this.#known.values()];
  }
}
