import type { TileSupply } from '../map/tile-supply.ts';
import { refusalReason } from '../types.ts';
import type { OpenMap } from './open-map.ts';

export interface FollowParts {
  readonly map: OpenMap;
  readonly supply: TileSupply;
  /** seconds between two questions; 0: never by itself */
  readonly checkEvery: number;
  /** something new to say, for people */
  readonly onProblem: (reason: string, detail: string) => void;
}

/** Asks the map service now and then for a newer version and has it loaded beside the one in use. */
export class MapFollower {
  readonly #parts: FollowParts;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #said = '';

  constructor(parts: FollowParts) {
    this.#parts = parts;
  }

  start(): void {
    const { checkEvery, map } = this.#parts;
    if (checkEvery > 0 && map.update)
      this.#timer ??= setInterval(() => void this.check(), 1000 * checkEvery).unref();
  }

  /** Asks now; one question at a time. Never rejects. */
  check(): Promise<void> {
    this.#running ??= this.#check().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  async #check(): Promise<void> {
    const { map, supply } = this.#parts;
    try {
      const found = await map.update?.(Date.now());
      if (found?.index) supply.offer(found.index);
      this.#say(found?.problems ?? []);
    } catch (error) {
      this.#say([{ reason: refusalReason(error) ?? 'internal-error', detail: (error as Error).message }]);
    }
  }

  /** The same trouble each minute is said once. */
  #say(problems: readonly { reason: string; detail: string }[]): void {
    const now = problems.map(({ reason }) => reason).join();
    if (now !== this.#said) for (const { reason, detail } of problems) this.#parts.onProblem(reason, detail);
    this.#said = now;
  }
}
