import { norm } from '../math/vec3.ts';
import type { Pose, Stamp, UpdateRecord, Vec3 } from '../types.ts';
import { type AdviceConfig, adviseMotion, type MotionAdvice } from './advice.ts';
import { type ImuReading, secondsBetween } from './filter-state.ts';
import { type IntegrityConfig, judgeState, type Situation, type Verdict } from './integrity.ts';
import { LiftWatch } from './lift-watch.ts';
import type { PoseEstimate, PoseFilter } from './pose-filter.ts';
import { protectionLevel, type Separation, worstSigma } from './protection-level.ts';
import { ScanPeriod } from './scan-period.ts';
import { DeadReckoning } from './separation.ts';

export interface IntegrityStart {
  readonly hasMap: boolean;
  readonly gravity: number;
  /** s: a gyro silent for longer no longer tells the turn */
  readonly gyroGap: number;
  /** s: so long after the last registration the filter follows fixes */
  readonly aloneAfter: number;
  /** m: standard deviation of what all fixes of a while may be off together */
  readonly fixSigma: number;
}

/** State, protection level and advice at one time. */
export interface Judgement {
  readonly verdict: Verdict;
  /** m; undefined without a pose */
  readonly protectionLevel: number | undefined;
  readonly advice: MotionAdvice;
}

/** Watches whether the pose can be trusted, and how far. Reads no clock: times are the sensors'. */
export class IntegrityMonitor {
  readonly #config: IntegrityConfig;
  readonly #advice: AdviceConfig;
  readonly #start: IntegrityStart;
  readonly #reckoning: DeadReckoning;
  readonly #lift: LiftWatch;
  readonly #period = new ScanPeriod();
  #row: number | undefined;
  /** when the last good registration came in, which is later than its stamp */
  #goodAt: Stamp | undefined;
  #misfit: { since: Stamp; until: Stamp } | undefined;
  #refusal: string | undefined;
  #goodScans = 0;
  #apart = 0;
  #lidar: Separation | undefined;
  #elsewhere = false;
  #suspect = 0;
  #residual: number | undefined;
  #separated = false;
  #level: { stamp: Stamp; value: number } | undefined;
  #growth = 0;

  constructor(config: IntegrityConfig, advice: AdviceConfig, start: IntegrityStart) {
    this.#config = config;
    this.#advice = advice;
    this.#start = start;
    this.#reckoning = new DeadReckoning(config, start.gyroGap, start.hasMap);
    this.#lift = new LiftWatch(start.gravity);
  }

  /** In base axes; `gyroBias` as the filter has it, rad/s. */
  imu(reading: ImuReading, gyroBias: Vec3): void {
    const [x, y, z] = reading.angularVelocity;
    const angularVelocity = [x - gyroBias[0], y - gyroBias[1], z - gyroBias[2]] as const;
    this.#reckoning.imu({ ...reading, angularVelocity });
    this.#lift.imu(reading, gyroBias);
  }

  odometry(stamp: Stamp, linear: Vec3, angular: Vec3): void {
    this.#reckoning.odometry(stamp, linear, angular);
    this.#lift.odometry(linear, angular);
  }

  /**
   * A registration was used. `now`: the newest stamp of any sensor; `residual` in m; `lidar`: how far the filter stays
   * from where the scan alone would put it. `startedAnew`: found by a search, whatever was believed before.
   */
  good(now: Stamp, residual: number, startedAnew: boolean, lidar?: Separation): void {
    const silence = this.#goodAt === undefined ? 0 : secondsBetween(this.#goodAt, now);
    this.#period.scan(now);
    // What was reckoned from while no scan came is less sure than the scan: it would hold the level up for a window.
    if (startedAnew || this.#goodAt === undefined) this.#reckoning.restart();
    else if (silence > this.#patience) this.#reckoning.forgetSince(this.#goodAt);
    this.#goodAt = now;
    this.#misfit = undefined;
    this.#refusal = undefined;
    this.#apart = 0;
    this.#elsewhere = false;
    this.#lidar = lidar;
    this.#goodScans++;
    this.#residual = residual;
    this.#lift.placed(now);
  }

  /**
   * A scan was not used. `apart`: how far off the pose it would have put the robot, m; `probability`: that it was taken
   * where the filter says, where it could be compared with the map.
   */
  bad(now: Stamp, reason: string, apart = 0, probability?: number): void {
    this.#period.scan(now);
    this.#apart = apart;
    this.#elsewhere ||= probability !== undefined && probability < this.#config.hereProbability;
    this.#misfit = { since: this.#misfit?.since ?? now, until: now };
    this.#refusal = reason;
    this.#goodScans = 0;
  }

  /**
   * Where dead reckoning says that the robot is, T_map_base, once that has contradicted the estimate for long enough to
   * ask a scan; else undefined.
   */
  contested(stamp: Stamp, estimate: PoseEstimate): Pose | undefined {
    return this.#suspect >= this.#config.verifyAfter ? this.#reckoning.reckoned(stamp, estimate) : undefined;
  }

  /** Scans have said for a while that the robot is elsewhere: it is to be looked for. */
  get elsewhere(): boolean {
    return this.#elsewhere && this.#misfitSeconds >= this.#config.verifyAfter;
  }

  /** A scan that knew nothing of the estimate agrees with it: dead reckoning was wrong. */
  confirmed(): void {
    this.#reckoning.restart();
    this.#suspect = 0;
    this.#separated = false;
  }

  /** Judges the estimate at `stamp` (undefined: there is none). `freeWidth` in m, see `adviseMotion`. */
  judge(
    stamp: Stamp,
    estimate: PoseEstimate | undefined,
    starting: boolean,
    freeWidth: number | undefined,
  ): Judgement {
    const level = estimate && this.#levelOf(stamp, estimate);
    const { row, verdict } = judgeState(
      this.#situation(stamp, estimate, level, starting),
      this.#row,
      this.#config,
    );
    this.#row = row;
    const speed = estimate ? norm(estimate.velocity) : 0;
    const advice = adviseMotion(verdict, level, this.#growth, freeWidth, speed, this.#advice);
    return { verdict, protectionLevel: level, advice };
  }

  #levelOf(stamp: Stamp, estimate: PoseEstimate): number {
    const compared = this.#reckoning.compare(stamp, estimate);
    this.#separated = compared?.contradicts ?? false;
    this.#suspect = compared?.suspect ?? 0;
    // Nothing tells how far fixes are off that are the only source of place.
    const shared = this.#followsFixes(estimate) ? this.#start.fixSigma : 0;
    const faultless = protectionLevel(
      Math.hypot(worstSigma(estimate.covariance, 15), shared),
      this.#start.hasMap ? (this.#residual ?? 0) : undefined,
      [...(compared?.separations ?? []), ...(this.#lidar ? [this.#lidar] : [])],
      this.#config,
    );
    // A scan that was refused for being elsewhere may be right, and one that fits nowhere near may be far away.
    const lost =
      this.#elsewhere ||
      (this.#lift.carried && this.#refusal !== undefined) ||
      this.#misfitSeconds > this.#config.misfitStop;
    const value = Math.max(this.#apart + faultless, this.#start.hasMap && lost ? this.#config.takenAway : 0);
    const last = this.#level;
    const dt = last ? secondsBetween(last.stamp, stamp) : 0;
    if (last && dt > 0.01) this.#growth = (value - last.value) / dt;
    if (last === undefined || dt > 0.01 || dt < 0) this.#level = { stamp, value };
    return value;
  }

  #followsFixes({ lastGnss }: PoseEstimate): boolean {
    const { hasMap, aloneAfter } = this.#start;
    if (this.#goodAt === undefined) return !hasMap;
    return secondsBetween(this.#goodAt, lastGnss) > aloneAfter;
  }

  get #misfitSeconds(): number {
    return this.#misfit ? secondsBetween(this.#misfit.since, this.#misfit.until) : 0;
  }

  get #patience(): number {
    return this.#period.patience(this.#config.registrationTimeout, this.#config.slowestRegistration);
  }

  #situation(
    stamp: Stamp,
    estimate: PoseEstimate | undefined,
    level: number | undefined,
    starting: boolean,
  ): Situation {
    const since = (at: Stamp | undefined, never: number) =>
      at === undefined ? never : Math.max(0, secondsBetween(at, stamp));
    return {
      hasMap: this.#start.hasMap,
      initialized: estimate !== undefined,
      starting,
      sigma: estimate ? worstSigma(estimate.covariance, 15) : Number.POSITIVE_INFINITY,
      protectionLevel: level ?? Number.POSITIVE_INFINITY,
      silence: since(this.#goodAt, Number.POSITIVE_INFINITY),
      patience: this.#patience,
      misfit: this.#misfitSeconds,
      refusal: this.#refusal,
      goodScans: this.#goodScans,
      carried: this.#lift.carried,
      separated: this.#separated,
    };
  }
}

interface Records {
  update(record: UpdateRecord): void;
  refused(reason: string, detail: string): void;
}

/** The records of the small sensors, with the monitor told of each reading that reached the filter. */
export function watchedBy(monitor: IntegrityMonitor, filter: PoseFilter, sink: Records) {
  return {
    watch: {
      imu: (reading: ImuReading) =>
        monitor.imu(reading, filter.stateAt(reading.stamp)?.gyroBias ?? [0, 0, 0]),
      odometry: (stamp: Stamp, linear: Vec3, angular: Vec3) => monitor.odometry(stamp, linear, angular),
    },
    update: (record: UpdateRecord) => sink.update(record),
    refused: (reason: string, detail: string) => sink.refused(reason, detail),
  };
}
