import type { DriveAdvice } from '../ports/robot.ts';
import type { RobotConfig } from './robot-config.ts';

/** What one thing has to say about how fast the robot may go; 0: not at all. */
export interface Limit {
  /** m/s */
  readonly speed: number;
  readonly reason: string;
}

/** The strictest of all, the first among equals. Nobody says anything: the robot may drive at `maxSpeed`. */
export function strictest(limits: readonly Limit[], { maxSpeed }: RobotConfig): DriveAdvice {
  let least: Limit = { speed: maxSpeed, reason: 'the way is free' };
  // Written so that NaN stops.
  for (const limit of limits) if (!(limit.speed >= least.speed)) least = limit;
  if (!(least.speed > 0)) return { motion: 'stop', speedLimit: 0, reason: least.reason };
  const motion = least.speed < maxSpeed ? 'slow' : 'drive';
  return { motion, speedLimit: least.speed, reason: least.reason };
}

/** A robot that is so near to its place is there, m: it would come nearer for ever. */
const THERE_M = 0.05;

/** To stand before something that is `distance` m ahead of the robot's front: v² = 2 a s. */
export function stopBefore(distance: number, reason: string, config: RobotConfig): Limit {
  const way = distance - config.stopGap;
  return { speed: way > THERE_M ? Math.sqrt(2 * config.deceleration * way) : 0, reason };
}
