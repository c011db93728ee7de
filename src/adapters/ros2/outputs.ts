import { compose, inverse, relative } from '../../math/se3.ts';
import { logSo3 } from '../../math/so3.ts';
import { scale } from '../../math/vec3.ts';
import type { MappedScan, RobotEvent, RobotMotion, RobotStatus } from '../../ports/robot.ts';
import type { FrameResult, Pose, Stamp, Vec3 } from '../../types.ts';
import { cloudMessage } from './clouds.ts';
import { type DiagnosticRow, diagnosticArray } from './diagnostics.ts';
import type { DrivenRobot, RobotPictures } from './driven-robot.ts';
import { DueTimes } from './due-times.ts';
import { header, poseOf, transform, vector, whole } from './header.ts';
import { signalMarkers, wallMarkers } from './markers.ts';
import type { OdomTrack } from './odom-track.ts';
import { openTraffic } from './optional-messages.ts';
import { LATCHED_QOS, OUTPUT_QOS, type RosPort, type RosPublisher, TF_QOS } from './ros-port.ts';
import type { Ros2Config } from './ros2-config.ts';

const STATES_WITH_POSE: ReadonlySet<string> = new Set(['TRACKING', 'DEGRADED']);

/** After so long without a sample of the IMU each cloud gives `odometry` instead. */
const IMU_SILENT_NS = 100_000_000n;
/** Stamps that are so far behind are those of a clock that leapt, and what is given begins anew. */
const LEAP_NS = 1_000_000_000n;

/** Everything that the node publishes. A message that cannot be sent is told to `onFault`; nothing is thrown. */
export class Outputs {
  readonly #port: RosPort;
  readonly #config: Ros2Config;
  readonly #base: string;
  readonly #publishers: Publishers;
  readonly #traffic: ReturnType<typeof openTraffic>;
  readonly #onFault: (text: string) => void;
  #lastPose: { stamp: Stamp; pose: Pose } | undefined;
  readonly #odometryDue: DueTimes;
  #lastOdometry: Stamp | undefined;
  /** the last of them by prediction */
  #imuSpoke: Stamp | undefined;
  #routeId: string | undefined;
  /** why map→odom was not given with the last pose */
  tfProblem: string | undefined;
  /** who else gives base_link a parent; then map→base_link is not ours to give */
  otherParent: string | undefined;

  constructor(port: RosPort, config: Ros2Config, base: string, onFault: (text: string) => void) {
    this.#port = port;
    this.#config = config;
    this.#base = base;
    this.#onFault = onFault;
    this.#odometryDue = new DueTimes(config.odometryRate);
    const open = ([topic, type, qos]: (typeof TOPICS)[keyof typeof TOPICS]) =>
      port.topics.advertise(topic, type, qos);
    this.#publishers = Object.fromEntries(
      Object.entries(TOPICS).map(([key, row]) => [key, open(row)]),
    ) as Publishers;
    this.#traffic = openTraffic(port);
  }

  status(status: RobotStatus, odom: OdomTrack, pictures: RobotPictures): void {
    this.#pose(status.frame, odom);
    this.#route(status);
    if (this.#heard('signals'))
      this.#send('signals', () =>
        signalMarkers(status.frame.stamp, this.#config.mapFrame, pictures.signals(), status.crossings),
      );
    this.#send('signalsJson', () => ({
      data: json({ crossings: status.crossings, buildings: status.buildings }),
    }));
    this.#guard(() => this.#traffic.status(status));
  }

  /** An IMU sample of this stamp has come: where the robot is then, where that is due. */
  motion(stamp: Stamp, robot: Pick<DrivenRobot, 'motionAt'> | undefined): void {
    if (!this.#heard('odometry') || !this.#odometryDue.isDue(stamp)) return;
    const motion = robot?.motionAt(stamp);
    if (!motion) return;
    this.#imuSpoke = stamp;
    this.#odometry(motion);
  }

  scan({ stamp, origin, positions, intensity }: MappedScan): void {
    if (this.#heard('alignedPoints'))
      this.#send('alignedPoints', () =>
        cloudMessage(stamp, this.#config.mapFrame, positions, origin, intensity),
      );
  }

  event(event: RobotEvent): void {
    this.#send('events', () => ({ data: json(event) }));
  }

  map(points: Float32Array, pictures: RobotPictures): void {
    const now = this.#port.time.now();
    this.#send('mapTiles', () => cloudMessage(now, this.#config.mapFrame, points));
    this.#send('virtualWalls', () => wallMarkers(now, this.#config.mapFrame, pictures.walls()));
  }

  diagnostics(rows: readonly DiagnosticRow[]): void {
    this.#send('diagnostics', () => diagnosticArray(this.#port.time.now(), rows));
  }

  close(): void {
    for (const publisher of Object.values(this.#publishers)) publisher?.close();
    this.#traffic.close();
  }

  #pose({ stamp, state, pose, covariance }: FrameResult, odom: OdomTrack): void {
    if (!pose || !STATES_WITH_POSE.has(state)) {
      this.tfProblem = undefined;
      return;
    }
    // A status is given at times also while there is no new result.
    if (this.#lastPose?.stamp === stamp) return;
    this.#transform(stamp, pose, odom);
    const spread = covariance ?? new Float64Array(36);
    this.#send('pose', () => ({
      header: header(stamp, this.#config.mapFrame),
      pose: { pose: poseOf(pose), covariance: whole(spread) },
    }));
    if (!this.#imuSpeaks(stamp)) {
      const { linear, angular } = this.#twist(stamp, pose, odom);
      const twistCovariance = new Float64Array(36);
      this.#odometry({ stamp, pose, covariance: spread, linear, angular, twistCovariance });
    }
    this.#lastPose = { stamp, pose };
  }

  /** Rises in time: where the IMU speaks it is ahead of the clouds. */
  #odometry({ stamp, pose, covariance, linear, angular, twistCovariance }: RobotMotion): void {
    const last = this.#lastOdometry;
    if (last !== undefined && stamp <= last && last - stamp < LEAP_NS) return;
    this.#lastOdometry = stamp;
    this.#send('odometry', () => ({
      header: header(stamp, this.#config.mapFrame),
      child_frame_id: this.#base,
      pose: { pose: poseOf(pose), covariance: whole(covariance) },
      twist: {
        twist: { linear: vector(linear), angular: vector(angular) },
        covariance: whole(twistCovariance),
      },
    }));
  }

  #transform(stamp: Stamp, T_map_base: Pose, odom: OdomTrack): void {
    const { tf, mapFrame, odomFrame } = this.#config;
    this.tfProblem = undefined;
    if (tf === 'none') return;
    const ahead = stamp + BigInt(Math.round(this.#config.tfAhead * 1e9));
    if (tf === 'base') {
      if (this.otherParent !== undefined)
        this.tfProblem = `expected that nobody else places ${this.#base}, found ${this.otherParent}→${this.#base} on /tf: set ros2.tf to odom`;
      else this.#send('tf', () => ({ transforms: [transform(ahead, mapFrame, this.#base, T_map_base)] }));
      return;
    }
    const T_odom_base = odom.at(stamp);
    if (!T_odom_base) {
      const found = odom.latest ? `the last one ${this.#lag(stamp, odom)}` : 'none';
      this.tfProblem = `expected odometry on ${this.#config.odom} within ${this.#config.odomTimeout} s of the cloud, found ${found}; without an odometry set ros2.tf to base`;
      return;
    }
    const T_map_odom = compose(T_map_base, inverse(T_odom_base));
    this.#send('tf', () => ({ transforms: [transform(ahead, mapFrame, odomFrame, T_map_odom)] }));
  }

  #imuSpeaks(stamp: Stamp): boolean {
    const since = this.#imuSpoke === undefined ? IMU_SILENT_NS : stamp - this.#imuSpoke;
    return since < IMU_SILENT_NS && since > -LEAP_NS;
  }

  #lag(stamp: Stamp, odom: OdomTrack): string {
    return `${(Number(stamp - odom.latest!.stamp) * 1e-9).toFixed(2)} s before`;
  }

  /** In the base frame: of the odometry, or of the last two poses. */
  #twist(stamp: Stamp, pose: Pose, odom: OdomTrack): { linear: Vec3; angular: Vec3 } {
    if (odom.latest) return odom.latest;
    const dt = this.#lastPose ? Number(stamp - this.#lastPose.stamp) * 1e-9 : 0;
    if (!(dt > 0 && dt < 1)) return { linear: [0, 0, 0], angular: [0, 0, 0] };
    const moved = relative(this.#lastPose!.pose, pose);
    return { linear: scale(moved.position, 1 / dt), angular: scale(logSo3(moved.orientation), 1 / dt) };
  }

  #route({ frame, route }: RobotStatus): void {
    if (route?.routeId === this.#routeId) return;
    this.#routeId = route?.routeId;
    const at = header(frame.stamp, this.#config.mapFrame);
    const level = { x: 0, y: 0, z: 0, w: 1 };
    const poses = (route?.line ?? []).map(([x, y]) => ({
      header: at,
      pose: { position: { x, y, z: 0 }, orientation: level },
    }));
    this.#send('path', () => ({ header: at, poses }));
  }

  #heard(key: keyof typeof TOPICS): boolean {
    return this.#publishers[key]?.isHeard ?? false;
  }

  #send(key: keyof typeof TOPICS, make: () => object): void {
    const publisher = this.#publishers[key];
    if (publisher) this.#guard(() => publisher.publish(make()));
  }

  #guard(task: () => void): void {
    try {
      task();
    } catch (error) {
      this.#onFault(error instanceof Error ? error.message : String(error));
    }
  }
}

type Publishers = Readonly<Record<keyof typeof TOPICS, RosPublisher | undefined>>;

const TOPICS = {
  pose: ['pose', 'geometry_msgs/msg/PoseWithCovarianceStamped', OUTPUT_QOS],
  odometry: ['odometry', 'nav_msgs/msg/Odometry', OUTPUT_QOS],
  tf: ['/tf', 'tf2_msgs/msg/TFMessage', TF_QOS],
  path: ['path', 'nav_msgs/msg/Path', LATCHED_QOS],
  mapTiles: ['map_tiles', 'sensor_msgs/msg/PointCloud2', LATCHED_QOS],
  alignedPoints: ['aligned_points', 'sensor_msgs/msg/PointCloud2', OUTPUT_QOS],
  virtualWalls: ['virtual_walls', 'visualization_msgs/msg/MarkerArray', LATCHED_QOS],
  signals: ['signals', 'visualization_msgs/msg/MarkerArray', OUTPUT_QOS],
  signalsJson: ['signals_json', 'std_msgs/msg/String', OUTPUT_QOS],
  events: ['events', 'std_msgs/msg/String', OUTPUT_QOS],
  diagnostics: ['/diagnostics', 'diagnostic_msgs/msg/DiagnosticArray', OUTPUT_QOS],
} as const;

function json(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? item.toString() : item));
}
