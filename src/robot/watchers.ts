import type { RobotWatcher } from '../ports/robot.ts';

/** All who watch. One that throws spoils nothing for the robot or the others. */
export class Watchers {
  readonly #all = new Set<RobotWatcher>();
  readonly #onFailure: (detail: string) => void;

  constructor(onFailure: (detail: string) => void) {
    this.#onFailure = onFailure;
  }

  get size(): number {
    return this.#all.size;
  }

  /** From now on, until the function that is returned is called. */
  add(watcher: RobotWatcher): () => void {
    this.#all.add(watcher);
    return () => this.#all.delete(watcher);
  }

  each(call: (watcher: RobotWatcher) => void): void {
    for (const watcher of this.#all) {
      try {
        call(watcher);
      } catch (error) {
        this.#onFailure(String(error));
      }
    }
  }
}
