import type { RobotStatus } from '../../ports/robot.ts';
import type { DrivenRobot } from './driven-robot.ts';
import type { Outputs } from './outputs.ts';

/** Publishes the map again when other tiles are in memory; one drawing at a time. */
export class MapDrawing {
  readonly #onFault: (text: string) => void;
  #shown = '';
  #busy = false;

  constructor(onFault: (text: string) => void) {
    this.#onFault = onFault;
  }

  forget(): void {
    this.#shown = '';
  }

  async draw({ tiles }: RobotStatus, { pictures }: DrivenRobot, outputs: Outputs | undefined): Promise<void> {
    const shown = tiles.join(' ');
    if (this.#busy || shown === this.#shown) return;
    this.#busy = true;
    this.#shown = shown;
    try {
      outputs?.map(await pictures.mapPoints(), pictures);
    } catch (error) {
      this.#onFault(`map_tiles: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      this.#busy = false;
    }
  }
}
