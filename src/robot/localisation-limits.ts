import type { RobotEvent } from '../ports/robot.ts';
import type { FrameResult } from '../types.ts';
import type { Limit } from './advice.ts';
import type { RobotConfig } from './robot-config.ts';

/** What the localisation has to say about how fast the robot may go. `age`: of the frame, s. */
export function localisationLimits(
  frame: FrameResult | undefined,
  age: number,
  config: RobotConfig,
): Limit[] {
  if (!frame) return [{ speed: 0, reason: 'no pose yet' }];
  const { state, stateReason } = frame;
  const said = stateReason === undefined ? state : `${state}, ${stateReason}`;
  if (!(age <= config.maxPoseAge)) return [{ speed: 0, reason: `the last pose is ${age.toFixed(1)} s old` }];
  if (state === 'TRACKING') return [];
  return [{ speed: state === 'DEGRADED' ? config.slowSpeed : 0, reason: `localisation: ${said}` }];
}

/** A state that has begun, for the event about it: severity, text, data. */
export function describeState({
  state,
  stateReason,
}: FrameResult): [RobotEvent['severity'], string, { state: string }] {
  const severity = state === 'LOST' ? 'alarm' : state === 'DEGRADED' ? 'warning' : 'info';
  return [severity, stateReason === undefined ? state : `${state}: ${stateReason}`, { state }];
}
