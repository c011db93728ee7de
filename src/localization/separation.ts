import { yawOf } from '../math/so3.ts';
import type { Pose, Stamp, Vec3 } from '../types.ts';
import { type ImuReading, secondsBetween } from './filter-state.ts';
import type { IntegrityConfig } from './integrity.ts';
import { PlanarTrack } from './planar-track.ts';
import type { PoseEstimate } from './pose-filter.ts';
import type { Separation } from './protection-level.ts';
import {
  type Anchor,
  anchorAt,
  type Moment,
  ownSigma,
  placeBy,
  separationFrom,
  thinOut,
} from './separation-anchor.ts';

/** Seconds between anchors, and for how many of the windows some of them are kept. */
const ANCHORS_PER_WINDOW = 4;
/** s: how late a scan may come */
const REMEMBERED_S = 3;

/** The solution that is used beside that of dead reckoning. */
export interface Compared {
  /** from each place and time that still counts */
  readonly separations: readonly Separation[];
  /** seconds for which the two have contradicted each other; 0 while they do not */
  readonly suspect: number;
  /** and by more than either may be off */
  readonly contradicts: boolean;
}

/**
 * The solution by wheels and gyro alone from where the robot was some seconds ago: neither LiDAR nor GNSS can pull it,
 * so it shows where one of them pulls the filter. An anchor from which the two contradict each other is held: what
 * began to be wrong after it stays wrong until they agree again, or somebody has shown who is right (`restart`).
 * Inputs in order of stamp.
 */
export class DeadReckoning {
  readonly #config: IntegrityConfig;
  readonly #track: PlanarTrack;
  readonly #hasScans: boolean;
  #anchors: Anchor[] = [];
  #past: Moment[] = [];
  #lastOdometry: Stamp | undefined;
  #length = 0;
  #speed = 0;

  /** @param hasScans that can show who is right: without them what contradicts each other is forgotten with its window */
  constructor(config: IntegrityConfig, gyroGap: number, hasScans = true) {
    this.#hasScans = hasScans;
    this.#config = hasScans ? config : { ...config, separationMemory: config.separationWindow };
    this.#track = new PlanarTrack(gyroGap);
  }

  /** In base axes, its bias already taken off. */
  imu(reading: ImuReading): void {
    this.#track.imu(reading);
  }

  odometry(stamp: Stamp, linear: Vec3, angular: Vec3): void {
    const dt = this.#lastOdometry === undefined ? 0 : secondsBetween(this.#lastOdometry, stamp);
    if (dt < 0) return;
    // Wheels that were silent tell nothing of the way between.
    if (dt > 0.5) this.#anchors = [];
    this.#length += Math.max(0, dt) * this.#speed;
    this.#speed = Math.hypot(linear[0], linear[1]);
    this.#lastOdometry = stamp;
    this.#track.odometry(stamp, linear, angular);
    this.#past.push({ stamp, ...this.#newest });
    const first = this.#past.findIndex((one) => secondsBetween(one.stamp, stamp) <= REMEMBERED_S);
    if (first > 0) this.#past.splice(0, first);
  }

  /** Forgets the past: it is known where the robot is. */
  restart(): void {
    this.#anchors = [];
  }

  /** Forgets what it was compared with after a stamp: nothing had held the filter since. */
  forgetSince(stamp: Stamp): void {
    this.#anchors = this.#anchors.filter((anchor) => anchor.held || anchor.stamp <= stamp);
  }

  /** How far the filter's estimate is from dead reckoning; undefined without wheels, or too soon after a start. */
  compare(stamp: Stamp, estimate: PoseEstimate): Compared | undefined {
    if (this.#lastOdometry === undefined || secondsBetween(this.#lastOdometry, stamp) > 0.5) return undefined;
    const now = this.#at(stamp);
    if (!now) return undefined;
    const { separationSuspect, separationAgree, separationAlarm, separationWindow } = this.#config;
    const fresh: Separation[] = [];
    const held: Separation[] = [];
    let [suspect, contradicts] = [0, false];
    const own = ownSigma(estimate);
    this.#anchors = this.#anchors.map((anchor) => {
      const { distance, sigma } = separationFrom(anchor, now, estimate);
      // Neither is exact: what they differ by without a fault.
      const apart = Math.hypot(sigma, own);
      const begins = distance > separationSuspect * apart;
      const goesOn = anchor.held !== undefined && distance > separationAgree * anchor.held.sigma;
      if (!begins && !goesOn) {
        const inWindow = secondsBetween(anchor.stamp, stamp) <= separationWindow;
        if (inWindow && fresh.length === 0) fresh.push({ distance, sigma });
        return { ...anchor, held: undefined };
      }
      const since = anchor.held ?? { stamp, sigma: apart, alarm: false };
      const alarm = since.alarm || distance > separationAlarm * apart;
      held.push({ distance, sigma, shown: true });
      suspect = Math.max(suspect, secondsBetween(since.stamp, stamp));
      contradicts ||= alarm;
      return { ...anchor, held: { ...since, alarm } };
    });
    const compared = { separations: [...fresh, ...held], suspect, contradicts };
    const any = this.#anchors.length > 0;
    if (held.length === 0 || !this.#hasScans) this.#anchor(now, estimate);
    return any ? compared : undefined;
  }

  /** Where dead reckoning says that the robot is, T_map_base; undefined while nothing contradicts it. */
  reckoned(stamp: Stamp, { pose }: PoseEstimate): Pose | undefined {
    const from = this.#anchors.find(({ held }) => held);
    const now = from && this.#at(stamp);
    if (!from || !now) return undefined;
    const { x, y, yaw } = placeBy(from, now);
    return atPlace(pose, x, y, yaw);
  }

  get #newest(): Anchor['track'] {
    const [x, y] = this.#track.pointAt([0, 0, 0]);
    return { x, y, yaw: this.#track.yaw, length: this.#length };
  }

  /** The track at a time of the last seconds: a scan's stamp lies before what the wheels have told since. */
  #at(stamp: Stamp): Moment | undefined {
    const after = this.#past.findIndex((one) => one.stamp >= stamp);
    if (after < 0) {
      this.#track.advance(stamp);
      return { stamp, ...this.#newest };
    }
    const [a, b] = [this.#past[after - 1], this.#past[after]!];
    if (!a) return b.stamp === stamp ? b : undefined;
    const t = secondsBetween(a.stamp, stamp) / secondsBetween(a.stamp, b.stamp);
    const between = (from: number, to: number) => from + t * (to - from);
    return {
      stamp,
      x: between(a.x, b.x),
      y: between(a.y, b.y),
      yaw: between(a.yaw, b.yaw),
      length: between(a.length, b.length),
    };
  }

  #anchor(now: Moment, estimate: PoseEstimate): void {
    const step = this.#config.separationWindow / ANCHORS_PER_WINDOW;
    const newest = this.#anchors.at(-1);
    if (newest && secondsBetween(newest.stamp, now.stamp) < step) return;
    const kept = thinOut(this.#anchors, now.stamp, this.#config, this.#hasScans);
    this.#anchors = [...kept, anchorAt(now.stamp, estimate, now)];
  }
}

/** The pose moved over the plane and turned about the vertical. */
function atPlace({ position, orientation }: Pose, x: number, y: number, yaw: number): Pose {
  const half = (yaw - yawOf(orientation)) / 2;
  const [s, c] = [Math.sin(half), Math.cos(half)];
  const [qx, qy, qz, qw] = orientation;
  return {
    position: [x, y, position[2]],
    orientation: [c * qx - s * qy, c * qy + s * qx, c * qz + s * qw, c * qw - s * qz],
  };
}
