import { type EnuFrame, enuFrame } from '../math/geodesy.ts';
import { quatRotate } from '../math/so3.ts';
import { norm } from '../math/vec3.ts';
import type { GnssFix, ImuSample, Mount, Odometry, Pose, Stamp, UpdateRecord, Vec3 } from '../types.ts';
import { gnssCovariance } from './filter-input.ts';
import type { ImuReading } from './filter-state.ts';
import type { FusionConfig } from './fusion-config.ts';
import { HeadingAlignment, type HeadingAlignmentConfig } from './heading-alignment.ts';
import { ImuLevelling } from './imu-levelling.ts';
import type { InitializationConfig, Prior } from './initialization.ts';
import { type FramesConfig, Mounts, mountHelp } from './mounts.ts';
import { PoseContinuity } from './pose-continuity.ts';
import type { PoseFilter } from './pose-filter.ts';
import { StartPlaces } from './start-places.ts';

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

/** Brings what the small sensors say into the base and the map frame, and gives it to the filter. */
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
      initialization: InitializationConfig;
    },
    records: Records,
    start: { map: EnuFrame | undefined; told: Prior | undefined; alignHeading: boolean },
  ) {
    this.#filter = filter;
    this.#base = config.frames.base;
    this.#fusion = config.fusion;
    this.start = new StartPlaces(start.told, config.initialization, config.fusion.imu.maxGap);
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

  imu(sample: ImuSample): void {
    const T_base_imu = this.#mounts.find(sample.frameId);
    const measured = T_base_imu
      ? {
          angularVelocity: quatRotate(T_base_imu.orientation, sample.angularVelocity),
          linearAcceleration: quatRotate(T_base_imu.orientation, sample.linearAcceleration),
        }
      : this.#level(sample);
    if (!measured) return;
    const reading = { stamp: sample.stamp, ...measured };
    const record = this.#filter.imu(reading);
    if (isUnseen(record)) {
      this.#records.refused(`imu-${record.reason}`, `sample of ${sample.stamp} ns`);
      return;
    }
    this.#records.watch?.imu(reading);
    if (!this.#filter.initialized) {
      this.#alignment?.imu(reading);
      this.start.imu(reading);
    }
    if (record) this.#records.update(record);
  }

  odometry(message: Odometry): void {
    const { stamp, linear, angular, frameId, childFrameId } = message;
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
    if (!this.#filter.initialized && fix.status >= 0) {
      this.start.gnss(antenna, Math.sqrt(Math.max(covariance?.[0] ?? 0, covariance?.[4] ?? 0)));
    }
    const record = this.#filter.gnss(fix.stamp, antenna, covariance, leverArm, fix.status);
    if (this.#alignment && !this.#filter.initialized && !isUnseen(record)) {
      const aligned = this.#alignment.gnss(fix.stamp, antenna, covariance, leverArm, fix.status);
      if (aligned.ok)
        this.#filter.initialize(aligned.stamp, aligned.pose, aligned.covariance, aligned.velocity);
    }
    this.#records.update({ ...record, fix: antenna });
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

/** Whether the filter refused an input by its stamp or its numbers alone: it must not reach the first heading either. */
function isUnseen(record: UpdateRecord | null): record is UpdateRecord & { reason: string } {
  return record !== null && UNSEEN.has(record.reason ?? '');
}
