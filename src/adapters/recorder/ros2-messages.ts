import type { GnssFix, PointCloud2, Pose, Quat, SensorMessage, Stamp, Vec3 } from '../../types.ts';
import { type Ros2Type, ros2Type } from './ros2-types.ts';

/** How one message is written. */
export interface Ros2Message {
  readonly type: Ros2Type;
  readonly stamp: Stamp;
  readonly fields: object;
}

const TYPES = {
  points: ros2Type('sensor_msgs/PointCloud2'),
  gnss: ros2Type('sensor_msgs/NavSatFix'),
  imu: ros2Type('sensor_msgs/Imu'),
  odometry: ros2Type('nav_msgs/Odometry'),
  mount: ros2Type('tf2_msgs/TFMessage'),
  pose: ros2Type('geometry_msgs/PoseStamped'),
  refused: ros2Type('std_msgs/String'),
};
const GPS_FIX = ros2Type('gps_msgs/GPSFix');

/** sensor_msgs/Imu: −1 in the first element says that a value is not given. */
const NOT_GIVEN = [-1, 0, 0, 0, 0, 0, 0, 0, 0];

/** A message of our stream as a standard ROS 2 message. Poses are in the frame `map`. */
export function toRos2(message: SensorMessage): Ros2Message {
  return { type: ros2TypeOf(message), ...content(message) };
}

/** The type that a message is written as. */
export function ros2TypeOf(message: SensorMessage): Ros2Type {
  return message.kind === 'gnss' && message.value.geometry ? GPS_FIX : TYPES[message.kind];
}

function content(message: SensorMessage): { stamp: Stamp; fields: object } {
  switch (message.kind) {
    case 'points':
      return { stamp: message.value.stamp, fields: cloudFields(message.value, message.value.data) };
    case 'gnss':
      return { stamp: message.value.stamp, fields: fixFields(message.value) };
    case 'imu': {
      const { stamp, frameId, angularVelocity, linearAcceleration } = message.value;
      return {
        stamp,
        fields: {
          header: header(stamp, frameId),
          orientation_covariance: NOT_GIVEN,
          angular_velocity: xyz(angularVelocity),
          linear_acceleration: xyz(linearAcceleration),
        },
      };
    }
    case 'odometry': {
      const { stamp, frameId, childFrameId, pose, linear, angular } = message.value;
      return {
        stamp,
        fields: {
          header: header(stamp, frameId),
          child_frame_id: childFrameId,
          pose: { pose: poseFields(pose) },
          twist: { twist: { linear: xyz(linear), angular: xyz(angular) } },
        },
      };
    }
    case 'mount': {
      const { parent, child, T_parent_child } = message.value;
      const transform = {
        translation: xyz(T_parent_child.position),
        rotation: xyzw(T_parent_child.orientation),
      };
      const stamped = { header: header(message.arrival, parent), child_frame_id: child, transform };
      return { stamp: message.arrival, fields: { transforms: [stamped] } };
    }
    case 'pose': {
      const { stamp, pose } = message.value;
      return { stamp, fields: { header: header(stamp, 'map'), pose: poseFields(pose) } };
    }
    case 'refused': {
      const { channel, sequence, reason, detail, sender } = message;
      return {
        stamp: message.arrival,
        fields: { data: JSON.stringify({ channel, sequence, reason, detail, ...(sender && { sender }) }) },
      };
    }
  }
}

/** Of a NavSatFix, or a GPSFix where it tells of the satellites. */
function fixFields(fix: GnssFix): object {
  const { stamp, frameId, status, latitude, longitude, altitude, geometry } = fix;
  return {
    header: header(stamp, frameId),
    status: geometry ? { status, satellites_used: geometry.satellites } : { status, service: 1 },
    ...{ latitude, longitude, altitude },
    ...(geometry && { hdop: geometry.hdop }),
    position_covariance: fix.covariance,
    position_covariance_type: fix.covarianceType,
  };
}

/**
 * A cloud in CDR, in parts: its points are not copied. The sequence `data` is the last field but a bool, so that a
 * cloud without points needs only another length.
 */
export function cloudParts(type: Ros2Type, cloud: PointCloud2): Uint8Array[] {
  const bare = type.serialise(cloudFields(cloud, new Uint8Array()));
  const head = bare.slice(0, -1);
  new DataView(head.buffer).setUint32(head.length - 4, cloud.data.length, true);
  return [head, cloud.data, bare.slice(-1)];
}

function cloudFields(cloud: PointCloud2, data: Uint8Array): object {
  const { stamp, frameId, height, width, fields, isBigEndian, pointStep, rowStep } = cloud;
  const layout = {
    height,
    width,
    fields,
    is_bigendian: isBigEndian,
    point_step: pointStep,
    row_step: rowStep,
  };
  return { header: header(stamp, frameId), ...layout, data, is_dense: false };
}

export function header(stamp: Stamp, frameId: string) {
  return {
    stamp: { sec: Number(stamp / 1_000_000_000n), nanosec: Number(stamp % 1_000_000_000n) },
    frame_id: frameId,
  };
}

export function poseFields({ position, orientation }: Pose) {
  return { position: xyz(position), orientation: xyzw(orientation) };
}

function xyz([x, y, z]: Vec3) {
  return { x, y, z };
}

function xyzw([x, y, z, w]: Quat) {
  return { x, y, z, w };
}
