import type { RobotEvent } from '../ports/robot.ts';
import type { FrameResult } from '../types.ts';
import type { Limit } from './advice.ts';
import type { RobotConfig } from './robot-config.ts';

/**
 * What the localisation has to say about how fast the robot may go: by its state, and by how sure its pose is beside
 * what is free. `age`: of the frame, s. `freeWidth`: on the narrower side of the robot, m.
 */
export function localisationLimits(
  frame: FrameResult | undefined,
  age: number,
  freeWidth: number | undefined,
  config: RobotConfig,
): Limit[] {
  if (!frame) return [{ speed: 0, reason: 'no pose yet' }];
  if (!(age <= config.maxPoseAge)) return [{ speed: 0, reason: `the last pose is ${age.toFixed(1)} s old` }];
  const { state, stateReason, motion, protectionLevel } = frame;
  const said = stateReason === undefined ? state : `${state}, ${stateReason}`;
  const byState = state === 'TRACKING' ? 'drive' : state === 'DEGRADED' ? 'slow' : 'stop';
  const limits: Limit[] = [];
  if (byState !== 'drive') limits.push({ speed: speedOf(byState, config), reason: `localisation: ${said}` });
  if (motion !== undefined && motion !== 'drive' && motion !== byState) {
    const level = protectionLevel === undefined ? 'unknown' : `${protectionLevel.toFixed(2)} m`;
    const free = freeWidth === undefined ? 'an unknown width' : `${freeWidth.toFixed(2)} m`;
    const reason = `localisation: ${said}: protection level ${level} with ${free} free beside the robot`;
    limits.push({ speed: speedOf(motion, config), reason });
  }
  return limits;
}

function speedOf(motion: 'slow' | 'stop', { slowSpeed }: RobotConfig): number {
  return motion === 'slow' ? slowSpeed : 0;
}

/** A state that has begun, for the event about it: severity, text, data. */
export function describeState({
  state,
  stateReason,
}: FrameResult): [RobotEvent['severity'], string, { state: string }] {
  const severity = state === 'LOST' ? 'alarm' : state === 'DEGRADED' ? 'warning' : 'info';
  return [severity, stateReason === undefined ? state : `${state}: ${stateReason}`, { state }];
}
