import type { Cloud, Core } from './core.ts';
import { type Diagnosis, Diagnostics } from './localization/diagnostics.ts';
import type { Prior } from './localization/initialization.ts';
import { IntegrityMonitor, type Judgement, watchedBy } from './localization/integrity-monitor.ts';
import { LidarGroup } from './localization/lidar-group.ts';
import type { LocalizerConfig } from './localization/localizer-config.ts';
import { type PoseEstimate, PoseFilter } from './localization/pose-filter.ts';
import { scanSeparation } from './localization/protection-level.ts';
import type { Registration } from './localization/registration.ts';
import { newestOf, prepareScan } from './localization/scan-intake.ts';
import { type Placed, ScanPlacing, tilesOf } from './localization/scan-placing.ts';
import { SensorIntake } from './localization/sensor-intake.ts';
import { poseCovariance, StageTimes } from './localization/stage-times.ts';
import type { TileSupply } from './map/tile-supply.ts';
import { enuFrame, normalGravity } from './math/geodesy.ts';
import type { Clock, PoseSink } from './ports.ts';
import { type PointCloud2, refusalReason, type ScanPoints, type SensorMessage, type Stamp } from './types.ts';

export { type LocalizerConfig, localizerConfig } from './localization/localizer-config.ts';

export interface LocalizerParts {
  readonly core: Core;
  readonly config: LocalizerConfig;
  readonly sink: PoseSink;
  readonly clock: Clock;
  /** without a map there is no registration, and the first fix is the origin of the map frame */
  readonly map?: TileSupply | undefined;
  /** where to look for the first pose; without it the heading is found from GNSS and odometry */
  readonly prior?: Prior | undefined;
  /** give a result after each message of this kind */
  readonly outputOn: 'points' | 'odometry' | 'imu' | 'gnss';
  /** each scan that was registered, in the base frame, and where it lies */
  readonly onScan?: ((scan: Cloud, stamp: Stamp, T_map_base: Prior['T_map_base']) => void) | undefined;
}

const FOREVER: Stamp = 2n ** 63n;

/** What a scan showed, for the record. */
interface Seen {
  readonly registration?: Registration['evidence'] | undefined;
  readonly points?: ScanPoints | undefined;
}

/** From sensor messages to poses with evidence. Messages are handled one at a time, each awaited before the next. */
export class Localizer {
  readonly #parts: LocalizerParts;
  readonly #filter: PoseFilter;
  readonly #intake: SensorIntake;
  readonly #integrity: IntegrityMonitor;
  readonly #group: LidarGroup;
  readonly #placing: ScanPlacing;
  readonly #diagnostics = new Diagnostics();
  #lastReport: Stamp | undefined;
  #freeWidth: number | undefined;
  #frame = 0;

  constructor(parts: LocalizerParts) {
    const sink = this.#diagnostics.over(parts.sink);
    this.#parts = { ...parts, sink };
    const { config, map } = parts;
    this.#group = new LidarGroup(config.lidar.together);
    const origin = map?.index.origin;
    const gravity = origin ? normalGravity(origin.lat, origin.ellipsoidalHeight) : config.fusion.imu.gravity;
    this.#filter = new PoseFilter({ ...config.fusion, imu: { ...config.fusion.imu, gravity } });
    this.#placing = new ScanPlacing(config.registration, config.initialization);
    this.#integrity = new IntegrityMonitor(config.integrity, config.advice, {
      hasMap: map !== undefined,
      gravity,
      gyroGap: config.fusion.imu.maxGap,
      aloneAfter: config.fusion.gnss.aloneAfter,
      fixSigma: config.initialization.fixSigma,
    });
    this.#intake = new SensorIntake(this.#filter, config, watchedBy(this.#integrity, this.#filter, sink), {
      map: origin && enuFrame(origin),
      told: parts.prior,
      // With a map scans find the heading.
      alignHeading: parts.prior === undefined && !(map && parts.outputOn === 'points'),
    });
  }

  /** Metres free on the narrower side of the robot where it is now: a pose less sure than this stops it. */
  set freeWidth(metres: number | undefined) {
    this.#freeWidth = metres;
  }

  /** How the sensors speak, what becomes of it, and how long it takes. */
  get diagnosis(): Diagnosis {
    return { ...this.#diagnostics.diagnosis(), timeOffsets: this.#intake.offsets.figures };
  }

  /** The estimate at a stamp of the IMU, by prediction where it is newer than what was handled; undefined while unknown. */
  stateAt(stamp: Stamp): PoseEstimate | undefined {
    return this.#filter.stateAt(stamp);
  }

  /** Takes one message of a source. Bad input is refused with its reason to the sink; nothing is thrown for it. */
  async handle(message: SensorMessage): Promise<void> {
    this.#diagnostics.message(message);
    for (const group of this.#group.due(message.arrival)) await this.#onPoints(group);
    switch (message.kind) {
      case 'mount':
        return this.#intake.mount(message.value);
      case 'imu':
        this.#intake.imu(message.value);
        break;
      case 'odometry':
        this.#intake.odometry(message.value);
        break;
      case 'gnss':
        this.#intake.gnss(message.value);
        break;
      case 'points':
        for (const group of this.#group.add(message.value, message.arrival)) await this.#onPoints(group);
        return;
      case 'refused':
        return this.#parts.sink.refused(message.reason, `${message.channel}: ${message.detail}`);
      case 'pose': // somebody's truth: not ours to use
        return;
    }
    const { kind, value } = message;
    if (kind === this.#parts.outputOn && !this.#filter.isAhead(value.stamp))
      this.#report(value.stamp, {}, {});
  }

  /** No more comes: takes what still waits for other LiDARs. */
  async finish(): Promise<void> {
    for (const group of this.#group.due(FOREVER)) await this.#onPoints(group);
  }

  /** The clouds of one interval, from raw bytes to a pose: the way of the data through the product. */
  async #onPoints(group: readonly PointCloud2[]): Promise<void> {
    const { core, config, map, sink } = this.#parts;
    const time = new StageTimes(this.#parts.clock);
    let found: Registration | undefined;
    let points: ScanPoints | undefined;
    const { offsets } = this.#intake;
    const clouds = group.filter(({ stamp }) => {
      // No result is given for a time that is not believed.
      const untimely = this.#filter.refusesStamp(offsets.at('lidar', stamp));
      if (untimely) sink.refused(`points-${untimely}`, `scan of ${stamp} ns`);
      return !untimely;
    });
    if (clouds.length === 0) return;
    const stamp = newestOf(clouds);
    try {
      if (map && (this.#filter.initialized || this.#intake.start.any)) {
        const parts = {
          core,
          lidar: config.lidar,
          minPoints: config.registration.minPoints,
          base: config.frames.base,
          mount: (frame: string) => this.#intake.find(frame),
          motion: (at: Stamp, times: readonly number[]) =>
            this.#filter.motionBetween(offsets.at('lidar', at), times),
          notice: (reason: string, detail: string) => this.#intake.notice(reason, detail),
        };
        const prepared = await prepareScan(clouds, this.#group.missingFrom(clouds), stamp, parts, time);
        points = prepared.points;
        if (!prepared.ok) return this.#refuse(stamp, prepared.reason, prepared.detail, points);
        const { scan } = prepared;
        const placed = await time.stage('register', () =>
          this.#register(offsets.at('lidar', stamp), scan, map),
        );
        found = placed.found;
        await time.stage('fuse', () => this.#fuse(stamp, placed));
        if (found.ok) this.#parts.onScan?.(scan, stamp, found.T_map_base);
      }
    } catch (error) {
      const reason = refusalReason(error);
      if (!reason) throw error;
      return this.#refuse(stamp, reason, (error as Error).message, points);
    }
    if (this.#parts.outputOn === 'points')
      this.#report(stamp, { registration: found?.evidence, points }, time.milliseconds);
  }

  async #register(stamp: Stamp, scan: Cloud, map: TileSupply): Promise<Placed> {
    const predicted = this.#filter.stateAt(stamp);
    const lost = predicted !== undefined && this.#judge(stamp).verdict.state === 'LOST';
    const contested = predicted && this.#integrity.contested(stamp, predicted);
    return this.#placing.place(
      stamp,
      scan,
      {
        predicted,
        priors: predicted ? [] : this.#intake.start.at(stamp),
        lost,
        contested,
        elsewhere: this.#integrity.elsewhere,
      },
      tilesOf(map, lost),
    );
  }

  async #fuse(stamp: Stamp, { found, anew, confirmed }: Placed): Promise<void> {
    const { sink, config } = this.#parts;
    const { offsets } = this.#intake;
    const taken = offsets.at('lidar', stamp);
    const now = this.#now(taken);
    if (!found.ok) {
      const { probability, eigenvalues } = found.evidence;
      this.#integrity.bad(now, found.reason, 0, eigenvalues.length > 0 ? probability : undefined);
      sink.refused(`registration-${found.reason}`, `scan at ${stamp} ns`);
      return;
    }
    const { T_map_base, covariance, degenerate, evidence } = found;
    if (anew) {
      this.#filter.initialize(taken, T_map_base, covariance);
      this.#integrity.good(now, evidence.residual, true);
      return;
    }
    if (confirmed) this.#integrity.confirmed();
    const record = this.#filter.registration(taken, T_map_base, covariance, degenerate);
    sink.update(record);
    if (!record.accepted) return this.#integrity.bad(now, record.reason ?? 'unspecified', record.innovation);
    this.#integrity.good(now, evidence.residual, false, scanSeparation(record, covariance, degenerate));
    const variance = covariance[35]! + config.fusion.registration.rotationFloor ** 2;
    offsets.registration(stamp, T_map_base.orientation, variance, this.#filter.biases?.gyro[2] ?? 0);
  }

  #refuse(stamp: Stamp, reason: string, detail: string, points?: ScanPoints): void {
    this.#integrity.bad(this.#now(this.#intake.offsets.at('lidar', stamp)), reason);
    this.#parts.sink.refused(reason, detail);
    if (this.#parts.outputOn === 'points') this.#report(stamp, { points }, {});
  }

  #judge(taken: Stamp): Judgement {
    const starting = this.#intake.start.any || this.#intake.hasFix;
    return this.#integrity.judge(taken, this.#filter.stateAt(taken), starting, this.#freeWidth);
  }

  /** The newest time that any sensor has told. */
  #now(stamp: Stamp): Stamp {
    const newest = this.#filter.newestStamp;
    return newest !== undefined && newest > stamp ? newest : stamp;
  }

  /** Gives a result, unless it is older than the last one: a trajectory rises in time. */
  #report(stamp: Stamp, seen: Seen, stages: Readonly<Record<string, number>>): void {
    if (this.#lastReport !== undefined && stamp <= this.#lastReport) return;
    this.#lastReport = stamp;
    const taken = this.#intake.taken(this.#parts.outputOn, stamp);
    const estimate = this.#filter.stateAt(taken);
    const { verdict, protectionLevel, advice } = this.#judge(taken);
    this.#parts.sink.frame({
      stamp,
      frame: this.#frame++,
      state: verdict.state,
      ...(verdict.reason && { stateReason: verdict.reason }),
      ...(estimate && { pose: estimate.pose, covariance: poseCovariance(estimate.covariance) }),
      ...(protectionLevel !== undefined && { protectionLevel }),
      motion: advice.motion,
      ...(seen.registration && { registration: seen.registration }),
      ...(seen.points && { points: seen.points }),
      stages,
    });
  }
}
