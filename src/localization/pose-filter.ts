import { tidy } from '../math/scratch.ts';
import { chiSquaredQuantile } from '../math/statistics.ts';
import { sub } from '../math/vec3.ts';
import { type GnssFix, type Pose, Refusal, type Stamp, type UpdateRecord, type Vec3 } from '../types.ts';
import { type FilterInput, type ImuInput, isFiniteInput } from './filter-input.ts';
import {
  type FilterState,
  type FusionContext,
  type ImuReading,
  secondsBetween,
  shiftStamp,
} from './filter-state.ts';
import { filterStep, refusal } from './filter-step.ts';
import type { FusionConfig } from './fusion-config.ts';
import { History } from './history.ts';
import { integrateTwists, twistOf } from './motion.ts';
import { imuIsFresh, interpolateReading, propagate } from './propagation.ts';
import type { Wheels } from './wheel-calibration.ts';

/** The filter's estimate at one time. */
export interface PoseEstimate {
  /** T_map_base */
  readonly pose: Pose;
  /** of base_link, m/s, map axes */
  readonly velocity: Vec3;
  /** rad/s, base axes */
  readonly angularVelocity: Vec3;
  /** rad/s and m/s², base axes */
  readonly gyroBias: Vec3;
  readonly accelerometerBias: Vec3;
  /** 15 × 15 row-major: position, velocity, attitude (all map axes), gyro bias, accelerometer bias (base axes) */
  readonly covariance: Float64Array;
  /** of the last fix that was used or not needed */
  readonly lastGnss: Stamp;
  /** what was learnt of the wheels */
  readonly wheels: Pick<Wheels, 'scale' | 'scaleVariance' | 'yawBias' | 'yawVariance'>;
}

/**
 * Fuses registrations, GNSS, IMU and odometry into T_map_base: an error-state Kalman filter (Solà 2017) of 15 states
 * whose every measurement is applied at its own stamp. Reads no clock; the same sequence of calls gives the same bits.
 * Any measurement may be refused; its record says why: `not-finite`, `duplicate-stamp`, `too-old`, `from-future`,
 * `not-initialised`, and those of the single sensors (`innovation-gate`, `distrusted`, `no-fix`).
 * A record tells what was decided on arrival; a replay after late data may decide differently and is not reported.
 */
export class PoseFilter {
  readonly #context: FusionContext;
  readonly #history: History;
  #futureRefusals = 0;
  /** a stamp far ahead that time has been believed to have jumped to */
  #jumpedTo: Stamp | undefined;

  constructor(config: FusionConfig) {
    const context: FusionContext = { config, threshold: rememberedQuantiles() };
    this.#context = context;
    this.#history = new History(
      (before, input) => filterStep(before, input, context),
      config.history,
      config.historyEntries,
    );
  }

  /** Whether the state is known at the newest stamp. */
  get initialized(): boolean {
    return this.#history.newest?.known === true;
  }

  /** The newest stamp that was used, undefined before the first. */
  get newestStamp(): Stamp | undefined {
    return this.#history.newest?.stamp;
  }

  /** What the newest state knows of the sensors' biases, rad/s: the gyro's, and that of the odometry's yaw rate. */
  get biases(): { readonly gyro: Vec3; readonly wheelYaw: number } | undefined {
    const state = this.#history.newest?.state;
    return state && { gyro: state.gyroBias, wheelYaw: state.wheels.yawBias };
  }

  /**
   * Whether data of this stamp would be refused for it, `too-old` or `from-future`: to be asked before long work on a
   * measurement. Counts as one offered measurement if so.
   */
  refusesStamp(stamp: Stamp): 'too-old' | 'from-future' | undefined {
    if (this.#isFromFuture(stamp)) return 'from-future';
    return this.#history.isTooOld(stamp) ? 'too-old' : undefined;
  }

  /** Whether a stamp is further ahead of the newest than data may be. */
  isAhead(stamp: Stamp): boolean {
    const newest = this.newestStamp;
    return newest !== undefined && secondsBetween(newest, stamp) > this.#context.config.maxFuture;
  }

  /**
   * Starts, or starts anew, from a pose T_map_base at `stamp`, which may lie in the past: inputs since then are used.
   * `covariance` is 6 × 6 row-major, x y z rotX rotY rotZ about map axes at base_link; `velocity` m/s in map axes,
   * where known. Throws a Refusal (`not-finite`, `too-old`, `from-future`).
   */
  initialize(stamp: Stamp, pose: Pose, covariance: ArrayLike<number>, velocity?: Vec3): void {
    const outcome = this.#offer({
      kind: 'initialize',
      stamp,
      pose,
      covariance: Array.from(covariance),
      velocity,
    });
    if (outcome?.reason) {
      throw new Refusal(
        outcome.reason,
        `expected a finite pose of the last seconds to start from, found ${stamp} ns`,
      );
    }
  }

  /**
   * One IMU sample, already in base axes (rad/s, and m/s² with +g upwards at rest). Null where it predicts; a record of
   * sensor `stationary` where it shows the robot standing, or where the sample itself was refused.
   */
  imu(sample: ImuReading): UpdateRecord | null {
    const { stamp, angularVelocity, linearAcceleration } = sample;
    return this.#offer({ kind: 'imu', stamp, angularVelocity, linearAcceleration }) ?? null;
  }

  /** A LiDAR pose T_map_base with its 6 × 6 covariance (row-major, x y z rotX rotY rotZ, map axes at base_link). */
  registration(stamp: Stamp, pose: Pose, covariance: ArrayLike<number>, degenerate = 0): UpdateRecord {
    return this.#measure({
      kind: 'registration',
      stamp,
      pose,
      covariance: Array.from(covariance),
      degenerate,
    });
  }

  /**
   * A fix: the antenna's ENU position in the map, its 3 × 3 covariance in m² (undefined where unknown: see
   * `gnssCovariance`), the antenna in the base frame, NavSatStatus, and how the satellites stand.
   */
  gnss(
    stamp: Stamp,
    antenna: Vec3,
    covariance: readonly number[] | undefined,
    leverArm: Vec3,
    status = 0,
    geometry?: GnssFix['geometry'],
  ): UpdateRecord {
    return this.#measure({ kind: 'gnss', stamp, antenna, covariance, leverArm, status, geometry });
  }

  /** Wheel odometry's twist of base_link in base axes: m/s and rad/s. Standing still comes back as `stationary`. */
  odometry(stamp: Stamp, linear: Vec3, angular: Vec3): UpdateRecord {
    return this.#measure({ kind: 'odometry', stamp, linear, angular });
  }

  /**
   * The estimate at a stamp: within the history from the inputs up to it, beyond it by prediction. Undefined where it
   * is unknown: before the history or the start, or more than `maxPrediction` ahead. Changes nothing.
   */
  stateAt(stamp: Stamp): PoseEstimate | undefined {
    return tidy(() => {
      const state = this.#predict(stamp);
      return (
        state && {
          pose: { position: state.position, orientation: state.orientation },
          velocity: state.velocity,
          angularVelocity: state.angularVelocity,
          gyroBias: state.gyroBias,
          accelerometerBias: state.accelerometerBias,
          covariance: new Float64Array(state.covariance),
          lastGnss: state.lastGnss,
          wheels: state.wheels,
        }
      );
    });
  }

  /**
   * T_base(stamp)_base(stamp + offset) for each offset in seconds: from the history where it is known, by prediction
   * beyond it. For deskewing a sweep. Undefined where the state is unknown at either end.
   */
  motionBetween(stamp: Stamp, offsets: readonly number[]): Pose[] | undefined {
    const first = shiftStamp(stamp, Math.min(0, ...offsets));
    const last = shiftStamp(stamp, Math.max(0, ...offsets));
    const [start, end] = tidy(() => [this.#predict(first), this.#predict(last)]);
    if (start === undefined || end === undefined) return undefined;
    const between = this.#history
      .around(first)
      .after.flatMap(({ state }) => (state && state.stamp < last ? [state] : []));
    // Several inputs of one stamp: the last knows most.
    const latest = between.filter((state, i) => between[i + 1]?.stamp !== state.stamp);
    const twists = [start, ...latest, end].map((state) => twistOf(state, secondsBetween(stamp, state.stamp)));
    return integrateTwists(twists, offsets);
  }

  /** Within a `tidy`: the covariance is scratch. */
  #predict(stamp: Stamp): FilterState | undefined {
    const { config } = this.#context;
    const { at, after } = this.#history.around(stamp);
    const state = at?.state;
    if (state === undefined || secondsBetween(state.stamp, stamp) > config.maxPrediction) return undefined;
    const next = after.find(
      (entry): entry is typeof entry & { input: ImuInput } => entry.input.kind === 'imu',
    );
    const reading = next && interpolateReading(state, next.input, stamp);
    const predicted = propagate(state, stamp, config, reading);
    if (!reading || !imuIsFresh(state, stamp, config) || state.still) return predicted;
    return { ...predicted, angularVelocity: sub(reading.angularVelocity, state.gyroBias) };
  }

  #measure(input: FilterInput): UpdateRecord {
    const outcome = this.#offer(input);
    if (outcome === undefined)
      throw new Error(`expected a record of a ${input.kind} input: a defect of the filter`);
    return outcome;
  }

  /** Checks an input that comes from outside, then puts it into the history. */
  #offer(input: FilterInput): UpdateRecord | undefined {
    if (!isFiniteInput(input)) return refusal(input, 'not-finite');
    if (this.#isFromFuture(input.stamp)) return refusal(input, 'from-future');
    const record = this.#history.add(input);
    return typeof record === 'string' ? refusal(input, record) : record;
  }

  /** A single wild stamp must not make all later data too old; several in a row mean that time did pass. */
  #isFromFuture(stamp: Stamp): boolean {
    const { maxFuture, futureConfirmations } = this.#context.config;
    const beyond = this.isAhead(stamp);
    const known = this.#jumpedTo !== undefined && secondsBetween(this.#jumpedTo, stamp) <= maxFuture;
    const ahead = beyond && !known;
    this.#futureRefusals = ahead ? this.#futureRefusals + 1 : 0;
    if (!ahead) this.#jumpedTo = beyond ? stamp : undefined;
    if (this.#futureRefusals <= futureConfirmations) return ahead;
    this.#futureRefusals = 0;
    this.#jumpedTo = stamp;
    return false;
  }
}

function rememberedQuantiles(): FusionContext['threshold'] {
  const known = new Map<string, number>();
  return (probability, dof) => {
    const key = `${probability}/${dof}`;
    const value = known.get(key) ?? chiSquaredQuantile(probability, dof);
    known.set(key, value);
    return value;
  };
}
