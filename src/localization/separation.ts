import { yawOf } from '../math/so3.ts';
import type { Stamp, Vec3 } from '../types.ts';
import { type ImuReading, secondsBetween } from './filter-state.ts';
import type { IntegrityConfig } from './integrity.ts';
import { PlanarTrack } from './planar-track.ts';
import type { PoseEstimate } from './pose-filter.ts';
import type { Separation } from './protection-level.ts';
import { worstSigma } from './protection-level.ts';

/** Share of the distance, and rad/s, that dead reckoning may be off beyond what the filter says of itself. */
const SLIP_SHARE = 0.005;
const TURN_RATE_SIGMA = 0.002;
/** m, rad: the least that an anchor is off, so that a sure filter does not make every step an alarm. */
const ANCHOR_SIGMA = 0.02;
const ANCHOR_YAW_SIGMA = 0.002;
/** Anchors that are kept: the oldest one is between half the window and the window old. */
const ANCHORS = 4;

interface Anchor {
  readonly stamp: Stamp;
  readonly x: number;
  readonly y: number;
  readonly yaw: number;
  readonly sigma: number;
  readonly yawSigma: number;
  readonly wheelScale: { readonly value: number; readonly sigma: number };
  readonly track: { readonly x: number; readonly y: number; readonly yaw: number; readonly length: number };
}

/**
 * The solution by wheels and gyro alone from where the robot was some seconds ago: neither LiDAR nor GNSS can pull it,
 * so it shows where one of them pulls the filter. Inputs in order of stamp.
 */
export class DeadReckoning {
  readonly #config: IntegrityConfig;
  readonly #track: PlanarTrack;
  #anchors: Anchor[] = [];
  #lastOdometry: Stamp | undefined;
  #length = 0;
  #speed = 0;

  constructor(config: IntegrityConfig, gyroGap: number) {
    this.#config = config;
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
  }

  /** Forgets the past: the filter has started anew. */
  restart(): void {
    this.#anchors = [];
  }

  /** How far the filter's estimate is from dead reckoning; undefined without wheels, or too soon after a start. */
  compare(stamp: Stamp, estimate: PoseEstimate): Separation | undefined {
    if (this.#lastOdometry === undefined || secondsBetween(this.#lastOdometry, stamp) > 0.5) return undefined;
    this.#track.advance(stamp);
    const oldest = this.#anchors[0];
    const separation = oldest && this.#separation(oldest, stamp, estimate);
    this.#anchor(stamp, estimate);
    return separation;
  }

  #separation(from: Anchor, stamp: Stamp, { pose }: PoseEstimate): Separation {
    const [x, y] = this.#track.pointAt([0, 0, 0]);
    const turn = from.yaw - from.track.yaw;
    const [c, s] = [Math.cos(turn) * from.wheelScale.value, Math.sin(turn) * from.wheelScale.value];
    const [dx, dy] = [x - from.track.x, y - from.track.y];
    const away = Math.hypot(
      pose.position[0] - (from.x + c * dx - s * dy),
      pose.position[1] - (from.y + s * dx + c * dy),
    );
    const length = this.#length - from.track.length;
    const seconds = secondsBetween(from.stamp, stamp);
    const along = Math.hypot(from.wheelScale.sigma, SLIP_SHARE) * length;
    const across = Math.hypot(from.yawSigma * length, (TURN_RATE_SIGMA * seconds * length) / 2);
    return { distance: away, sigma: Math.hypot(from.sigma, Math.max(along, across)) };
  }

  #anchor(stamp: Stamp, { pose, covariance, wheels }: PoseEstimate): void {
    const { separationWindow } = this.#config;
    const newest = this.#anchors.at(-1);
    if (newest && secondsBetween(newest.stamp, stamp) < separationWindow / ANCHORS) return;
    const [x, y] = this.#track.pointAt([0, 0, 0]);
    this.#anchors = this.#anchors.filter(
      (anchor) => secondsBetween(anchor.stamp, stamp) <= separationWindow - separationWindow / ANCHORS,
    );
    this.#anchors.push({
      stamp,
      x: pose.position[0],
      y: pose.position[1],
      yaw: yawOf(pose.orientation),
      sigma: Math.max(ANCHOR_SIGMA, worstSigma(covariance, 15)),
      yawSigma: Math.max(ANCHOR_YAW_SIGMA, Math.sqrt(covariance[8 * 16]!)),
      wheelScale: { value: wheels.scale, sigma: Math.sqrt(wheels.scaleVariance) },
      track: { x, y, yaw: this.#track.yaw, length: this.#length },
    });
  }
}
