import { compose } from '../math/se3.ts';
import type { Stamp, Vec3 } from '../types.ts';
import { type ImuReading, secondsBetween } from './filter-state.ts';
import { type InitializationConfig, type Prior, priorFromFix } from './initialization.ts';
import { PlanarTrack } from './planar-track.ts';

/**
 * Where to look for the first pose: the place that somebody told, carried on by dead reckoning while the robot drives,
 * and the last GNSS fix. Inputs in order of stamp, all in base axes.
 */
export class StartPlaces {
  readonly #told: Prior | undefined;
  readonly #config: InitializationConfig;
  readonly #track: PlanarTrack;
  #soughtSince: Stamp | undefined;
  #fix: Prior | undefined;

  /**
   * @param told where the robot is when the first input comes
   * @param gyroGap seconds after which a gyro reading no longer tells the turn
   */
  constructor(told: Prior | undefined, config: InitializationConfig, gyroGap: number) {
    this.#told = told;
    this.#config = config;
    this.#track = new PlanarTrack(gyroGap);
  }

  /** Whether there is any place to look at. */
  get any(): boolean {
    return this.#told !== undefined || this.#fix !== undefined;
  }

  imu(reading: ImuReading): void {
    this.#track.imu(reading);
  }

  odometry(stamp: Stamp, linear: Vec3, angular: Vec3): void {
    this.#track.odometry(stamp, linear, angular);
  }

  /** A fix: the antenna in the map frame, and how unsure it says it is, m. */
  gnss(antenna: Vec3, sigma: number): void {
    this.#fix = priorFromFix(antenna, sigma, this.#config);
  }

  /**
   * To be tried in turns at `stamp`, which is when somebody looks: what was told comes alone at first, and beside the
   * fix where it was not found for long.
   */
  at(stamp: Stamp): readonly Prior[] {
    this.#soughtSince ??= stamp;
    const told = this.#carried(stamp);
    if (!told) return this.#fix ? [this.#fix] : [];
    const doubted = secondsBetween(this.#soughtSince, stamp) >= this.#config.doubtToldAfter;
    return doubted && this.#fix ? [told, this.#fix] : [told];
  }

  #carried(stamp: Stamp): Prior | undefined {
    if (!this.#told) return undefined;
    this.#track.advance(stamp);
    const { driven, pose } = this.#track;
    return {
      ...this.#told,
      T_map_base: compose(this.#told.T_map_base, pose),
      sigmaPosition: this.#told.sigmaPosition + this.#config.drift * driven,
      sigmaYaw: this.#told.sigmaYaw + this.#config.turnDrift * driven,
    };
  }
}
