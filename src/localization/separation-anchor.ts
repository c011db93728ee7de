import { yawOf } from '../math/so3.ts';
import type { Stamp } from '../types.ts';
import { secondsBetween } from './filter-state.ts';
import type { IntegrityConfig } from './integrity.ts';
import type { PoseEstimate } from './pose-filter.ts';
import { type Separation, worstSigma } from './protection-level.ts';

/** Share of the distance, and rad/s, that dead reckoning may be off beyond what the filter says of itself. */
const SLIP_SHARE = 0.005;
const TURN_RATE_SIGMA = 0.002;
/** m, rad: the least that an anchor is off, so that a sure filter does not make every step an alarm. */
const ANCHOR_SIGMA = 0.02;
const ANCHOR_YAW_SIGMA = 0.002;

/** Dead reckoning's own place and heading, m and rad in its own frame, and how far it has gone, m. */
interface Track {
  readonly x: number;
  readonly y: number;
  readonly yaw: number;
  readonly length: number;
}

export type Moment = Track & { readonly stamp: Stamp };

/** A place that the robot was at, and what dead reckoning said there. */
export interface Anchor {
  readonly stamp: Stamp;
  readonly x: number;
  readonly y: number;
  readonly yaw: number;
  readonly sigma: number;
  readonly yawSigma: number;
  readonly wheelScale: { readonly value: number; readonly sigma: number };
  readonly track: Track;
  /** since when dead reckoning from here contradicts the filter, how sure it was then, and whether beyond the alarm */
  readonly held?: { readonly stamp: Stamp; readonly sigma: number; readonly alarm: boolean } | undefined;
}

/** Of the filter over the plane, m. */
export function ownSigma({ covariance }: PoseEstimate): number {
  return Math.max(ANCHOR_SIGMA, worstSigma(covariance, 15));
}

export function anchorAt(stamp: Stamp, estimate: PoseEstimate, { x, y, yaw, length }: Track): Anchor {
  const { pose, covariance, wheels } = estimate;
  return {
    stamp,
    x: pose.position[0],
    y: pose.position[1],
    yaw: yawOf(pose.orientation),
    sigma: ownSigma(estimate),
    yawSigma: Math.max(ANCHOR_YAW_SIGMA, Math.sqrt(covariance[8 * 16]!)),
    wheelScale: { value: wheels.scale, sigma: Math.sqrt(wheels.scaleVariance) },
    track: { x, y, yaw, length },
  };
}

/** Where dead reckoning from the anchor says that the robot is: m and rad, map axes. */
export function placeBy(from: Anchor, now: Moment): { x: number; y: number; yaw: number } {
  const turn = from.yaw - from.track.yaw;
  const [c, s] = [Math.cos(turn) * from.wheelScale.value, Math.sin(turn) * from.wheelScale.value];
  const [dx, dy] = [now.x - from.track.x, now.y - from.track.y];
  return { x: from.x + c * dx - s * dy, y: from.y + s * dx + c * dy, yaw: turn + now.yaw };
}

/** How far the filter is from there, and how far it may be by the errors of dead reckoning alone. */
export function separationFrom(from: Anchor, now: Moment, { pose }: PoseEstimate): Separation {
  const { x, y } = placeBy(from, now);
  const length = now.length - from.track.length;
  const seconds = secondsBetween(from.stamp, now.stamp);
  const along = Math.hypot(from.wheelScale.sigma, SLIP_SHARE) * length;
  const across = Math.hypot(from.yawSigma * length, (TURN_RATE_SIGMA * seconds * length) / 2);
  return {
    distance: Math.hypot(pose.position[0] - x, pose.position[1] - y),
    sigma: Math.hypot(from.sigma, Math.max(along, across)),
  };
}

/** The anchors that are worth keeping: all of the window, some of the time before it, and, where asked for, those held. */
export function thinOut(
  anchors: readonly Anchor[],
  stamp: Stamp,
  config: IntegrityConfig,
  keepHeld: boolean,
): Anchor[] {
  const { separationWindow, separationMemory } = config;
  let last: Stamp | undefined;
  return anchors.filter((anchor) => {
    const age = secondsBetween(anchor.stamp, stamp);
    const near = age <= separationWindow;
    const far = last === undefined || secondsBetween(last, anchor.stamp) >= separationWindow - 1e-3;
    const kept = (keepHeld && anchor.held !== undefined) || near || (age <= separationMemory && far);
    if (kept) last = anchor.stamp;
    return kept;
  });
}
