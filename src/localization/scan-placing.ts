import type { Cloud, TileMap } from '../core.ts';
import { norm } from '../math/vec3.ts';
import type { Pose, Stamp, Vec3 } from '../types.ts';
import { type InitializationConfig, isSamePose, type Prior, priorFrom } from './initialization.ts';
import type { PoseEstimate } from './pose-filter.ts';
import { PoseSearch } from './pose-search.ts';
import { type Registration, type RegistrationConfig, register, trackingKernel } from './registration.ts';

/** What is believed before the scan. */
export interface Belief {
  /** undefined before the first pose */
  readonly predicted: PoseEstimate | undefined;
  /** where to look for a first pose, in turns */
  readonly priors: readonly Prior[];
  /** the prediction is not to be believed */
  readonly lost: boolean;
  /** nor perhaps now: looked for all around where tracking finds nothing */
  readonly elsewhere: boolean;
  /** where dead reckoning says that the robot is, T_map_base, while it contradicts what is predicted */
  readonly contested: Pose | undefined;
}

/** The tiles to register to. */
export interface TilesOf {
  near(predicted: PoseEstimate): Promise<TileMap>;
  /** all within `reach` metres of a place and further as for tracking, or undefined while some are missing */
  around(prior: Prior, reach: number): Promise<TileMap | undefined>;
}

/** A map of which the tiles around a place are in memory. */
export interface MovingMap {
  /** m; m/s; m, default: as for tracking */
  moveTo(position: Vec3, speed: number, reach?: number): Promise<unknown>;
  readonly tiles: TileMap;
  /** all tiles around are there */
  readonly isComplete: boolean;
}

/** The tiles follow the robot, but not a pose that is not to be believed. */
export function tilesOf(map: MovingMap, lost: boolean): TilesOf {
  return {
    near: async ({ pose, velocity }) => {
      if (!lost) await map.moveTo(pose.position, norm(velocity));
      return map.tiles;
    },
    around: async ({ T_map_base }, reach) => {
      await map.moveTo(T_map_base.position, 0, reach);
      return map.isComplete ? map.tiles : undefined;
    },
  };
}

/** `anew`: found whatever was believed; `confirmed`: it was contested, and a start from elsewhere ended there too. */
export type Placed = { readonly found: Registration; readonly anew?: boolean; readonly confirmed?: boolean };

/** Where a scan puts the robot: by tracking from the prediction, and where that is not to be believed by a search. */
export class ScanPlacing {
  readonly #registration: RegistrationConfig;
  readonly #initialization: InitializationConfig;
  readonly #search: PoseSearch;

  constructor(registration: RegistrationConfig, initialization: InitializationConfig) {
    this.#registration = registration;
    this.#initialization = initialization;
    this.#search = new PoseSearch(registration, initialization);
  }

  async place(stamp: Stamp, scan: Cloud, belief: Belief, tilesOf: TilesOf): Promise<Placed> {
    const { predicted, priors, lost, elsewhere, contested } = belief;
    const search = (from: readonly Prior[]) =>
      this.#search.find(stamp, scan, from, (around, reach) => tilesOf.around(around, reach));
    if (!predicted) return { found: await search(priors), anew: true };
    const tiles = await tilesOf.near(predicted);
    const found = await this.#track(tiles, scan, predicted);
    if (found.ok && lost) return { found, anew: true };
    if (found.ok && !contested) return { found };
    if (found.ok && contested) {
      const other = await register(tiles, scan, contested, this.#registration);
      if (other.ok && isSamePose(found.T_map_base, other.T_map_base)) return { found, confirmed: true };
    }
    if (!lost && !elsewhere && !contested) return { found };
    const anywhere = await search([priorFrom(predicted, true, this.#initialization)]);
    return anywhere.ok || lost ? { found: anywhere, anew: true } : { found };
  }

  async #track(tiles: TileMap, scan: Cloud, predicted: PoseEstimate): Promise<Registration> {
    const config = this.#registration;
    const kernelStart = trackingKernel(predicted.covariance, config);
    const found = await register(tiles, scan, predicted.pose, { ...config, kernelStart });
    return found.ok ? found : register(tiles, scan, predicted.pose, config);
  }
}
