import { type EnuFrame, enuFrame } from '../math/geodesy.ts';
import { quatRotate } from '../math/so3.ts';
import { cross, norm, sub } from '../math/vec3.ts';
import type { GnssFix, ImuSample, Mount, Odometry, Pose, Stamp, UpdateRecord, Vec3 } from '../types.ts';
import { gnssCovariance } from './filter-input.ts';
import type { ImuReading } from './filter-state.ts';
import { fixProblem } from './fuse-gnss.ts';
import type { FusionConfig } from './fusion-config.ts';
import { HeadingAlignment, type HeadingAlignmentConfig } from './heading-alignment.ts';
import { ImuLevelling } from './imu-levelling.ts';
import type { InitializationConfig, Prior } from './initialization.ts';
import { type FramesConfig, Mounts, mountHelp } from './mounts.ts';
import { PoseContinuity } from './pose-continuity.ts';
import type { PoseFilter } from './pose-filter.ts';
import { worstSigma } from './protection-level.ts';
import { StartPlaces } from './start-places.ts';
import { TimeOffsets, type TimeOffsetsConfig } from './time-offsets.ts';

interface Records {
  /** what reached the filter, in base axes */
  readonly watch?: {
    imu(reading: ImuReading): void;
    odometry(stamp: Stamp, linear: Vec3, angular: Vec3): void;
  };
  update(record: UpdateRecord): void;
  refused(reason: string, detail: string): void;
}

/** Why the filter does not look at an input. */
const UNSEEN = new Set(['not-finite', 'duplicate-stamp', 'too-old', 'from-future']);

/** Fixes tell of their receiver's clock while the filter is surer than this of where it is, m. */
const PLACED = 0.3;

const NO_BIASES = { gyro: [0, 0, 0], wheelYaw: 0 } as const;

/** Brings what the small sensors say into the base and the map frame and the IMU's time, and gives it to the filter. */
export class SensorIntake {
  readonly #filter: PoseFilter;
  readonly #base: string;
  readonly #records: Records;
  readonly #mounts: Mounts;
  readonly #alignment: HeadingAlignment | undefined;
  readonly #fusion: FusionConfig;
  /** by frame and child frame: each odometry counts for itself */
  readonly #continuity = new Map<string, PoseContinuity>();
  readonly #levelling = new Map<string, ImuLevelling>();
  readonly #noticed = new Set<string>();
  #enu: EnuFrame | undefined;
  #hasFix = false;

  /** where to look for the first pose */
  readonly start: StartPlaces;
  /** when the other sensors measured what they stamp */
  readonly offsets: TimeOffsets;

  /**
   * @param start `map`: the map's frame, without one the first fix is the origin; `told`: where somebody says that the
   * robot is; `alignHeading`: find the first pose from GNSS and odometry, because nobody else will
   */
  constructor(
    filter: PoseFilter,
    config: {
      frames: FramesConfig;
      headingAlignment: HeadingAlignmentConfig;
      fusion: FusionConfig;
      timeOffsets: TimeOffsetsConfig;
      initialization: InitializationConfig;
    },
    records: Records,
    start: { map: EnuFrame | undefined; told: Prior | undefined; alignHeading: boolean },
  ) {
    this.#filter = filter;
    this.#base = config.frames.base;
    this.#fusion = config.fusion;
    this.start = new StartPlaces(start.told, config.initialization, config.fusion.imu.maxGap);
    this.offsets = new TimeOffsets(config.timeOffsets, config.fusion.imu.maxGap, (sensor, seconds, used) =>
      this.notice(
        'time-offset',
        `expected stamps of the ${sensor} by the clock of the IMU, found that it measures ${Math.round(1000 * seconds)} ms later than it stamps: ${used ? 'used' : 'too much to be used'}; timeOffsets.${sensor} sets it from the start`,
      ),
    );
    this.#records = records;
    this.#mounts = new Mounts(config.frames);
    this.#alignment = start.alignHeading ? new HeadingAlignment(config.headingAlignment) : undefined;
    this.#enu = start.map;
  }

  /** Whether a place in the world is known, if only a fix. */
  get hasFix(): boolean {
    return this.#hasFix;
  }

  mount(mount: Mount): void {
    this.#mounts.add(mount);
  }

  /** T_base_frame, or undefined while no chain of mounts joins the two. */
  find(frame: string): Pose | undefined {
    return this.#mounts.find(frame);
  }

  /** When a message of this kind was measured, by the clock of the IMU. */
  taken(kind: 'points' | 'odometry' | 'imu' | 'gnss', stamp: Stamp): Stamp {
    return kind === 'imu' ? stamp : this.offsets.at(kind === 'points' ? 'lidar' : kind, stamp);
  }

  imu(sample: ImuSample): void {
    const T_base_imu = this.#mounts.find(sample.frameId);
    const measured = T_base_imu ? atBase(sample, T_base_imu) : this.#level(sample);
    if (!measured) return;
    const reading = { stamp: sample.stamp, ...measured };
    const record = this.#filter.imu(reading);
    if (isUnseen(record)) {
      this.#records.refused(`imu-${record.reason}`, `sample of ${sample.stamp} ns`);
      return;
    }
    this.#records.watch?.imu(reading);
    this.offsets.gyro(reading.stamp, reading.angularVelocity[2]);
    if (!this.#filter.initialized) {
      this.#alignment?.imu(reading);
      this.start.imu(reading);
    }
    if (record) this.#records.update(record);
  }

  odometry(message: Odometry): void {
    const { linear, angular, frameId, childFrameId } = message;
    const stamp = this.offsets.at('odometry', message.stamp);
    const key = `${frameId} ${childFrameId}`;
    const continuity = this.#continuity.get(key) ?? new PoseContinuity(this.#fusion.odometry);
    this.#continuity.set(key, continuity);
    const jump = continuity.jump(message);
    if (jump !== undefined) {
      this.#records.refused(
        'odometry-pose-jump',
        `expected a pose that follows from the last at ${norm(linear).toFixed(2)} m/s, found one ${jump.toFixed(1)} m away at ${stamp} ns`,
      );
      return;
    }
    const record = this.#filter.odometry(stamp, linear, angular);
    if (!isUnseen(record)) {
      this.#records.watch?.odometry(stamp, linear, angular);
      if (!this.#filter.initialized) {
        this.#alignment?.odometry(stamp, linear, angular);
        this.start.odometry(stamp, linear, angular);
      }
      if (record.accepted && record.sensor === 'odometry') this.#timeOdometry(message);
    }
    this.#records.update(record);
  }

  gnss(fix: GnssFix): void {
    this.#hasFix = true;
    this.#enu ??= enuFrame({ lat: fix.latitude, lon: fix.longitude, ellipsoidalHeight: fix.altitude });
    const antenna = this.#enu.toEnu(fix.latitude, fix.longitude, fix.altitude);
    const T_base_antenna = this.#mounts.find(fix.frameId);
    if (!T_base_antenna)
      this.notice(
        'gnss-mount-unknown',
        `${mountHelp(fix.frameId, this.#base)}; until then the antenna is taken to be at the base`,
      );
    const leverArm = T_base_antenna?.position ?? [0, 0, 0];
    const covariance = gnssCovariance(fix);
    const stamp = this.offsets.at('gnss', fix.stamp);
    const usable = fixProblem(fix, this.#fusion.gnss) === undefined;
    if (!this.#filter.initialized && usable) {
      this.start.gnss(antenna, Math.sqrt(Math.max(covariance?.[0] ?? 0, covariance?.[4] ?? 0)));
    }
    const { status, geometry } = fix;
    const record = this.#filter.gnss(stamp, antenna, covariance, leverArm, status, geometry);
    if (record.accepted) this.#timeFix(fix, antenna, leverArm, covariance);
    if (this.#alignment && !this.#filter.initialized && !isUnseen(record) && usable) {
      const aligned = this.#alignment.gnss(stamp, antenna, covariance, leverArm, status);
      if (aligned.ok)
        this.#filter.initialize(aligned.stamp, aligned.pose, aligned.covariance, aligned.velocity);
    }
    this.#records.update({ ...record, fix: antenna });
  }

  #timeOdometry({ stamp, angular }: Odometry): void {
    const { yawRateSigma, yawRateScale } = this.#fusion.odometry;
    const { gyro, wheelYaw } = this.#filter.biases ?? NO_BIASES;
    const variance = yawRateSigma ** 2 + (yawRateScale * angular[2]) ** 2;
    this.offsets.odometry(stamp, angular[2] - wheelYaw, variance, gyro[2]);
  }

  #timeFix(fix: GnssFix, antenna: Vec3, leverArm: Vec3, covariance: readonly number[] | undefined): void {
    const estimate = this.#filter.stateAt(this.offsets.believed('gnss', fix.stamp));
    if (!estimate || !covariance || worstSigma(estimate.covariance, 15) > PLACED) return;
    const { position, orientation } = estimate.pose;
    const off = sub(sub(antenna, position), quatRotate(orientation, leverArm));
    this.offsets.gnss(fix.stamp, off, estimate.velocity, Math.max(covariance[0]!, covariance[4]!));
  }

  #level(sample: ImuSample): ReturnType<ImuLevelling['level']> {
    this.notice(
      'imu-mount-unknown',
      `${mountHelp(sample.frameId, this.#base)}; until then only its turn about the vertical is used`,
    );
    const levelling = this.#levelling.get(sample.frameId) ?? new ImuLevelling();
    this.#levelling.set(sample.frameId, levelling);
    return levelling.level(sample);
  }

  /** Says once what is not as it should be, though the run goes on. */
  notice(reason: string, detail: string): void {
    if (this.#noticed.has(`${reason} ${detail}`)) return;
    this.#noticed.add(`${reason} ${detail}`);
    this.#records.refused(reason, detail);
  }
}

/** A sample as the base would have felt it, but for the angular acceleration: that is noise, and its mean is zero. */
function atBase(sample: ImuSample, { position, orientation }: Pose): Omit<ImuReading, 'stamp'> {
  const angularVelocity = quatRotate(orientation, sample.angularVelocity);
  const outwards = cross(angularVelocity, cross(angularVelocity, position));
  const linearAcceleration = sub(quatRotate(orientation, sample.linearAcceleration), outwards);
  return { angularVelocity, linearAcceleration };
}

/** Whether the filter refused an input by its stamp or its numbers alone: it must not reach the first heading either. */
function isUnseen(record: UpdateRecord | null): record is UpdateRecord & { reason: string } {
  return record !== null && UNSEEN.has(record.reason ?? '');
}
