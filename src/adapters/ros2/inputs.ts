import { yawOf } from '../../math/so3.ts';
import type { RobotCommand } from '../../ports/robot.ts';
import { Fields } from '../../ros/fields.ts';
import { MESSAGE_TYPES } from '../../ros/messages.ts';
import { refusalReason, type SensorMessage } from '../../types.ts';
import {
  CLOUD_QOS,
  OUTPUT_QOS,
  type RosPort,
  type RosQos,
  SENSOR_QOS,
  STATIC_QOS,
  TF_QOS,
} from './ros-port.ts';
import type { Ros2Config } from './ros2-config.ts';

export interface InputListener {
  message(message: SensorMessage): void;
  /** /tf: somebody gives `child` the parent `parent` */
  parentOf(child: string, parent: string): void;
  command(command: RobotCommand): void;
  /** map frame, m */
  goTo(x: number, y: number): void;
  refused(topic: string, reason: string, detail: string): void;
}

/** The topics that are listened to, and what each is for people. */
export function sensorTopics(config: Ros2Config): Map<string, string> {
  const rows: [string, string][] = config.points.map((topic) => [topic, 'lidar']);
  return new Map([...rows, [config.imu, 'imu'], [config.odom, 'odometry'], [config.fix, 'gnss']]);
}

/** Subscribes to everything; what comes is checked and handed on at once. No callback throws. */
export function subscribeAll(port: RosPort, config: Ros2Config, listener: InputListener): { close(): void } {
  let sequence = 0;
  const on = (topic: string, type: string, qos: RosQos, use: (message: unknown) => void) =>
    port.topics.subscribe(topic, type, qos, (message) => {
      try {
        use(message);
      } catch (error) {
        // An error that leaves a callback ends the process under rclnodejs.
        listener.refused(
          topic,
          refusalReason(error) ?? 'fault',
          error instanceof Error ? error.message : String(error),
        );
      }
    });
  const sensor = (topic: string, name: string, qos: RosQos) => {
    const type = MESSAGE_TYPES[name]!;
    return on(topic, name.replace('/', '/msg/'), qos, (message) => {
      for (const payload of type.values(new Fields(message)))
        listener.message({ channel: topic, arrival: port.time.now(), sequence: sequence++, ...payload });
    });
  };
  const subscriptions = [
    ...config.points.map((topic) => sensor(topic, 'sensor_msgs/PointCloud2', CLOUD_QOS)),
    sensor(config.imu, 'sensor_msgs/Imu', SENSOR_QOS),
    sensor(config.odom, 'nav_msgs/Odometry', SENSOR_QOS),
    sensor(config.fix, config.fixType, SENSOR_QOS),
    sensor('/tf_static', 'tf2_msgs/TFMessage', STATIC_QOS),
    on('/tf', 'tf2_msgs/msg/TFMessage', TF_QOS, (message) => {
      for (const one of new Fields(message).children('transforms'))
        listener.parentOf(one.text('child_frame_id'), one.child('header').text('frame_id'));
    }),
    on('/initialpose', 'geometry_msgs/msg/PoseWithCovarianceStamped', OUTPUT_QOS, (message) => {
      const fields = new Fields(message);
      requireFrame(fields, config.mapFrame);
      const pose = fields.child('pose');
      const [x, y] = pose.child('pose').vector('position');
      const covariance = pose.numbers('covariance', 36);
      const sigma = Math.sqrt(Math.max(covariance[0]!, covariance[7]!));
      listener.command({
        kind: 'relocalise',
        x,
        y,
        yaw: yawOf(pose.child('pose').quaternion('orientation')),
        ...(sigma > 0 && Number.isFinite(sigma) && { radius: Math.min(2 * sigma, 50) }),
      });
    }),
    on('goal_pose', 'geometry_msgs/msg/PoseStamped', OUTPUT_QOS, (message) => {
      const fields = new Fields(message);
      requireFrame(fields, config.mapFrame);
      const [x, y] = fields.child('pose').vector('position');
      listener.goTo(x, y);
    }),
    // Volatile: `ros2 topic pub` is so, and a latched subscription would not match it.
    on('go_to', 'std_msgs/msg/String', OUTPUT_QOS, (message) => {
      listener.command({ kind: 'go-to', poi: new Fields(message).text('data') });
    }),
  ];
  return {
    close: () => {
      for (const subscription of subscriptions) subscription.close();
    },
  };
}

function requireFrame(fields: Fields, mapFrame: string): void {
  const frame = fields.child('header').text('frame_id').replace(/^\//, '');
  if (frame !== mapFrame)
    throw new Error(
      `expected a pose in the frame ${mapFrame}, found ${frame || '(none)'}; choose it as fixed frame`,
    );
}
