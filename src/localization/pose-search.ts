import type { Cloud, TileMap } from '../core.ts';
import type { Stamp } from '../types.ts';
import { secondsBetween } from './filter-state.ts';
import { findFirstPose, type InitializationConfig, type Prior, reachOf } from './initialization.ts';
import { emptyEvidence, type Registration, type RegistrationConfig } from './registration.ts';

/** Tiles are asked for in such steps: a reach that grows as the robot drives on would miss another one each time, m. */
const TILES_STEP_M = 10;

/** Looks for the robot all around a prior: with all tiles in memory, and not with every scan, because it takes long. */
export class PoseSearch {
  readonly #registration: RegistrationConfig;
  readonly #config: InitializationConfig;
  #attempts = 0;
  #last: { readonly stamp: Stamp; readonly reason: string } | undefined;

  constructor(registration: RegistrationConfig, config: InitializationConfig) {
    this.#registration = registration;
    this.#config = config;
  }

  /**
   * @param priors each of them is tried in its turn, one at a time
   * @param tilesAround gives all tiles within `reach` metres of a place and further as for tracking, or undefined while
   * some are missing
   */
  async find(
    stamp: Stamp,
    scan: Cloud,
    priors: readonly Prior[],
    tilesAround: (prior: Prior, reach: number) => Promise<TileMap | undefined>,
  ): Promise<Registration> {
    const refuse = (reason: string): Registration => ({
      ok: false,
      reason,
      evidence: emptyEvidence(scan.size),
    });
    if (priors.length === 0) return refuse('no-start');
    const since = this.#last ? secondsBetween(this.#last.stamp, stamp) : Number.POSITIVE_INFINITY;
    if (since >= 0 && since < this.#config.retryAfter) return refuse(this.#last!.reason);
    const prior = priors[this.#attempts % priors.length]!;
    const tiles = await tilesAround(
      prior,
      TILES_STEP_M * Math.ceil(reachOf(prior, this.#config) / TILES_STEP_M),
    );
    if (!tiles) return refuse('tiles-missing');
    this.#attempts++;
    const found = await findFirstPose(tiles, scan, prior, this.#registration, this.#config);
    this.#last = found.ok ? undefined : { stamp, reason: found.reason };
    return found;
  }
}
