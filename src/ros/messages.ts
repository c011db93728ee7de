import { type PointCloud2, type PointField, type Pose, Refusal, type SensorMessage } from '../types.ts';
import type { Fields } from './fields.ts';
import { gpsFix, navSatFix } from './gnss-messages.ts';
import { frameName, header } from './header.ts';

type Content<T> = T extends unknown ? Omit<T, 'channel' | 'arrival' | 'sequence'> : never;
/** What a message says, without its place in the stream. */
export type Payload = Content<SensorMessage>;
export type SensorKind = Exclude<SensorMessage['kind'], 'refused'>;

/** Bytes of one value, by sensor_msgs/PointField datatype 1 … 8. */
const DATATYPE_BYTES = [0, 1, 1, 2, 2, 4, 4, 4, 8];

interface MessageType {
  readonly kind: SensorKind;
  /** Checks a decoded message. Throws a Refusal that says which field is wrong. */
  readonly values: (message: Fields) => Payload[];
}

/** The message types that we read, by `package/Name`. The same fields serve ROS 1 and ROS 2. */
export const MESSAGE_TYPES: Readonly<Record<string, MessageType>> = {
  'sensor_msgs/PointCloud2': { kind: 'points', values: (m) => [{ kind: 'points', value: pointCloud(m) }] },
  'sensor_msgs/NavSatFix': { kind: 'gnss', values: (m) => [navSatFix(m)] },
  'gps_msgs/GPSFix': { kind: 'gnss', values: (m) => [gpsFix(m)] },
  // Its package in ROS 1.
  'gps_common/GPSFix': { kind: 'gnss', values: (m) => [gpsFix(m)] },
  'sensor_msgs/Imu': { kind: 'imu', values: (m) => [imu(m)] },
  'nav_msgs/Odometry': { kind: 'odometry', values: (m) => [odometry(m)] },
  'tf2_msgs/TFMessage': { kind: 'mount', values: (m) => m.children('transforms').map(mount) },
  'geometry_msgs/PoseStamped': { kind: 'pose', values: (m) => [stampedPose(m, m.child('pose'))] },
  'geometry_msgs/PoseWithCovarianceStamped': {
    kind: 'pose',
    values: (m) => [stampedPose(m, m.child('pose').child('pose'))],
  },
};

function pointCloud(message: Fields): PointCloud2 {
  const cloud: PointCloud2 = {
    ...header(message),
    height: message.number('height'),
    width: message.number('width'),
    fields: message.children('fields').map(pointField),
    isBigEndian: message.flag('is_bigendian'),
    pointStep: message.number('point_step'),
    rowStep: message.number('row_step'),
    data: message.bytes('data'),
  };
  for (const { name, offset, datatype, count } of cloud.fields) {
    const end = offset + DATATYPE_BYTES[datatype]! * Math.max(1, count);
    if (end > cloud.pointStep) {
      refuseLength(`field ${name} to end within point_step ${cloud.pointStep}`, end);
    }
  }
  if (cloud.width * cloud.pointStep > cloud.rowStep) {
    refuseLength(`row_step of at least width · point_step = ${cloud.width * cloud.pointStep}`, cloud.rowStep);
  }
  if (cloud.height * cloud.rowStep > cloud.data.length) {
    refuseLength(
      `data of at least height · row_step = ${cloud.height * cloud.rowStep} bytes`,
      cloud.data.length,
    );
  }
  return cloud;
}

function pointField(field: Fields): PointField {
  const datatype = field.number('datatype');
  if (!DATATYPE_BYTES[datatype]) {
    throw new Refusal('wrong-field-type', `expected ${field.path('datatype')} 1 … 8, found ${datatype}`);
  }
  return { name: field.text('name'), offset: field.number('offset'), datatype, count: field.number('count') };
}

function imu(message: Fields): Payload {
  // sensor_msgs/Imu: covariance[0] = −1 says that the sensor does not give this value at all.
  for (const name of ['angular_velocity', 'linear_acceleration']) {
    if (message.numbers(`${name}_covariance`, 9)[0] === -1) {
      throw new Refusal(
        'missing-value',
        `expected ${name}, found that the sensor gives none (covariance[0] is -1)`,
      );
    }
  }
  if (message.numbers('orientation_covariance', 9)[0] !== -1) message.quaternionOrUnknown('orientation');
  return {
    kind: 'imu',
    value: {
      ...header(message),
      angularVelocity: message.vector('angular_velocity'),
      linearAcceleration: message.vector('linear_acceleration'),
    },
  };
}

function odometry(message: Fields): Payload {
  const twist = message.child('twist').child('twist');
  return {
    kind: 'odometry',
    value: {
      ...header(message),
      childFrameId: frameName(message.text('child_frame_id')),
      pose: pose(message.child('pose').child('pose'), 'position', 'orientation'),
      linear: twist.vector('linear'),
      angular: twist.vector('angular'),
    },
  };
}

function mount(transform: Fields): Payload {
  return {
    kind: 'mount',
    value: {
      parent: frameName(transform.child('header').text('frame_id')),
      child: frameName(transform.text('child_frame_id')),
      T_parent_child: pose(transform.child('transform'), 'translation', 'rotation'),
    },
  };
}

function stampedPose(message: Fields, value: Fields): Payload {
  const stamp = message.child('header').stamp('stamp');
  return { kind: 'pose', value: { stamp, pose: pose(value, 'position', 'orientation') } };
}

function pose(value: Fields, position: string, orientation: string): Pose {
  return { position: value.vector(position), orientation: value.quaternion(orientation) };
}

function refuseLength(expected: string, found: number): never {
  throw new Refusal('bad-length', `expected ${expected}, found ${found}`);
}
