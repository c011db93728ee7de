import type { RobotEvent, RobotStatus, RobotWatcher } from '../../ports/robot.ts';
import type { Stamp } from '../../types.ts';
import type { Recorder } from './recorder.ts';
import { header, poseFields } from './ros2-messages.ts';
import { type Ros2Type, ros2Type } from './ros2-types.ts';

const POSE = ros2Type('geometry_msgs/PoseWithCovarianceStamped');
const TEXT = ros2Type('std_msgs/String');
const LOG = ros2Type('rcl_interfaces/Log');
/** rcl_interfaces/Log: INFO, WARN, ERROR */
const LEVELS = { info: 20, warning: 30, alarm: 40 } as const;

export const DERIVED_TOPICS = {
  pose: '/dilly/pose',
  status: '/dilly/status',
  events: '/dilly/events',
} as const;

/**
 * Records what the robot says of itself: `/dilly/pose` (PoseWithCovarianceStamped), `/dilly/status` (String: the status
 * as JSON, times in ns as text) and `/dilly/events` (Log). Clouds in the map frame are not recorded: they follow from
 * the raw clouds and the poses.
 */
export function recordWatcher(recorder: Pick<Recorder, 'write'>): RobotWatcher {
  const counts = new Map<string, number>();
  const write = (topic: string, type: Ros2Type, stamp: Stamp, fields: object) => {
    const sequence = counts.get(topic) ?? 0;
    counts.set(topic, sequence + 1);
    recorder.write(topic, type, sequence, stamp, stamp, [type.serialise(fields)]);
  };
  return {
    status(status: RobotStatus) {
      const { stamp, pose, covariance } = status.frame;
      if (pose)
        write(DERIVED_TOPICS.pose, POSE, stamp, {
          header: header(stamp, 'map'),
          pose: { pose: poseFields(pose), ...(covariance && { covariance: [...covariance] }) },
        });
      write(DERIVED_TOPICS.status, TEXT, stamp, { data: json(status) });
    },
    scan() {},
    event({ stamp, kind, severity, text, data }: RobotEvent) {
      write(DERIVED_TOPICS.events, LOG, stamp, {
        stamp: header(stamp, '').stamp,
        level: LEVELS[severity],
        name: kind,
        msg: text,
        file: data ? json(data) : '',
      });
    },
  };
}

/** Integers beyond 2⁵³ and typed arrays are no JSON. */
function json(value: unknown): string {
  return JSON.stringify(value, (_, item) => {
    if (typeof item === 'bigint') return item.toString();
    return ArrayBuffer.isView(item) ? [...(item as Float64Array)] : item;
  });
}
