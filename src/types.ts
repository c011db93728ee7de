/** The words of the product: what the sensors say, and what the runtime answers. Frames follow REP-103/105. */

/** The sensor's own time, nanoseconds since the Unix epoch. */
export type Stamp = bigint;
export type Vec3 = readonly [x: number, y: number, z: number];
/** Unit quaternion in ROS order. */
export type Quat = readonly [x: number, y: number, z: number, w: number];

/** A rigid transform. The variable's name says the direction: `T_map_base` takes points of base to map. */
export interface Pose {
  /** metres */
  readonly position: Vec3;
  readonly orientation: Quat;
}

/** sensor_msgs/PointField. `datatype`: 1 int8, 2 uint8, 3 int16, 4 uint16, 5 int32, 6 uint32, 7 float32, 8 float64. */
export interface PointField {
  readonly name: string;
  readonly offset: number;
  readonly datatype: number;
  readonly count: number;
}

/** sensor_msgs/PointCloud2. `data` is borrowed from whoever received it and is never written to. */
export interface PointCloud2 {
  readonly stamp: Stamp;
  readonly frameId: string;
  readonly height: number;
  readonly width: number;
  readonly fields: readonly PointField[];
  readonly isBigEndian: boolean;
  readonly pointStep: number;
  readonly rowStep: number;
  readonly data: Uint8Array;
}

/** sensor_msgs/NavSatFix or gps_msgs/GPSFix: WGS84 degrees, ellipsoidal height in metres. */
export interface GnssFix {
  readonly stamp: Stamp;
  readonly frameId: string;
  /** NavSatStatus: -1 no fix, 0 fix, 1 SBAS, 2 GBAS */
  readonly status: number;
  readonly latitude: number;
  readonly longitude: number;
  readonly altitude: number;
  /** 3 × 3 row-major, ENU, m² */
  readonly covariance: readonly number[];
  /** NavSatFix: 0 unknown, 1 approximated, 2 diagonal known, 3 known */
  readonly covarianceType: number;
  /** of messages that can carry it (GPSFix): horizontal dilution of precision, satellites used; 0: not said */
  readonly geometry?: { readonly hdop: number; readonly satellites: number };
}

/** sensor_msgs/Imu: rad/s and m/s² (specific force: +9.8 upwards at rest) in the sensor's frame. */
export interface ImuSample {
  readonly stamp: Stamp;
  readonly frameId: string;
  readonly angularVelocity: Vec3;
  readonly linearAcceleration: Vec3;
}

/** nav_msgs/Odometry: `pose` is T_frameId_childFrameId; the twist is in the child frame. */
export interface Odometry {
  readonly stamp: Stamp;
  readonly frameId: string;
  readonly childFrameId: string;
  readonly pose: Pose;
  /** m/s */
  readonly linear: Vec3;
  /** rad/s */
  readonly angular: Vec3;
}

/** One static transform of /tf_static: where a sensor is mounted. */
export interface Mount {
  readonly parent: string;
  readonly child: string;
  readonly T_parent_child: Pose;
}

/** A pose with its time; T_frameId_childFrameId. */
export interface StampedPose {
  readonly stamp: Stamp;
  readonly pose: Pose;
}

/** One item of a sensor stream. `arrival` is when it reached us; the value's own stamp says when it was measured. */
export type SensorMessage = {
  readonly channel: string;
  readonly arrival: Stamp;
  readonly sequence: number;
} & (
  | { readonly kind: 'points'; readonly value: PointCloud2 }
  | { readonly kind: 'gnss'; readonly value: GnssFix }
  | { readonly kind: 'imu'; readonly value: ImuSample }
  | { readonly kind: 'odometry'; readonly value: Odometry }
  | { readonly kind: 'mount'; readonly value: Mount }
  /** A pose that somebody outside measured (truth of a simulator, a reference): never seen by the filter. */
  | { readonly kind: 'pose'; readonly value: StampedPose }
  /** A message that could not be used; counted and reported, never dropped in silence. */
  | {
      readonly kind: 'refused';
      readonly reason: string;
      readonly detail: string;
      /** who sent it, where that is known: a node of ROS 2; else the channel stands for it */
      readonly sender?: string;
    }
);

/** A file of a map. Where its hash is known, no other bytes are ever used for it. */
export interface MapFile {
  /** relative to the map: `tiles/sha256/….pcd` */
  readonly path: string;
  readonly sha256?: string;
  /** its size; without a hash, the most that it may have */
  readonly bytes: number;
}

/** A reasoned no: bad input, or a result that must not be trusted. `reason` is a stable kebab-case word to count by. */
export class Refusal extends Error {
  readonly reason: string;
  constructor(reason: string, message: string) {
    super(message);
    this.name = 'Refusal';
    this.reason = reason;
  }
}

/** The reason of a refusal made by us or by the native addon (which cannot share the class), else undefined. */
export function refusalReason(error: unknown): string | undefined {
  return error instanceof Error && 'reason' in error && typeof error.reason === 'string'
    ? error.reason
    : undefined;
}

export type LocalizationState = 'UNINITIALISED' | 'INITIALISING' | 'TRACKING' | 'DEGRADED' | 'LOST';

/** How far a robot may be let: at all speeds, slowly, or not at all. */
export type MotionLimit = 'drive' | 'slow' | 'stop';

/** What a registration found, for the record. */
export interface RegistrationEvidence {
  readonly ok: boolean;
  readonly reason?: string;
  readonly points: number;
  readonly inliers: number;
  readonly inlierRatio: number;
  /** how likely it is that this is the right place, 0 … 1 */
  readonly probability: number;
  /** share of the points that lie where the map has something, above or below them too */
  readonly overlap: number;
  /** of those, the share that lies near no map point: what moved, or is new */
  readonly moved: number;
  /** root mean square of the inliers' point-to-plane distances, metres */
  readonly residual: number;
  readonly iterations: number;
  /** of the 6 × 6 Hessian, ascending */
  readonly eigenvalues: readonly number[];
}

/** What became of the points of one scan. */
export interface ScanPoints {
  readonly total: number;
  /** left out: not finite, or nearer or further than is configured */
  readonly notFinite: number;
  readonly outOfRange: number;
  /**
   * where the times of the points come from: the driver, or how the sensor turns; `unhandled`: from nowhere, they count as
   * taken at once. Of several LiDARs the worst.
   */
  readonly times?: 'driver' | 'turn' | 'unhandled';
  /** where several LiDARs are registered as one: of each, and which gave nothing */
  readonly lidars?: readonly LidarPoints[];
  readonly missing?: readonly string[];
}

export interface LidarPoints extends ScanPoints {
  /** of the sensor */
  readonly frame: string;
}

/** What the runtime says at one output time. */
export interface FrameResult {
  readonly stamp: Stamp;
  /** index among the output frames of the run */
  readonly frame: number;
  readonly state: LocalizationState;
  readonly stateReason?: string;
  /** T_map_base; absent while it is unknown */
  readonly pose?: Pose;
  /** 6 × 6 row-major, order x y z rotX rotY rotZ about map axes at base_link, as geometry_msgs/PoseWithCovariance */
  readonly covariance?: Float64Array;
  /** the true horizontal error is below this, m, but for the configured probability; absent while unknown */
  readonly protectionLevel?: number;
  /** what the robot may do as far as the localisation is concerned */
  readonly motion?: MotionLimit;
  readonly registration?: RegistrationEvidence;
  /** of the scan, where one was decoded */
  readonly points?: ScanPoints;
  /** milliseconds spent, by stage */
  readonly stages: Readonly<Record<string, number>>;
}

export type FilterSensor = 'registration' | 'gnss' | 'odometry' | 'stationary';

/** One measurement offered to the filter, for the record. */
export interface UpdateRecord {
  readonly stamp: Stamp;
  readonly sensor: FilterSensor;
  readonly accepted: boolean;
  /** why it was not used */
  readonly reason?: string;
  /** normalised innovation squared, and its degrees of freedom */
  readonly nis: number;
  readonly dof: number;
  /** length of the innovation's translation, metres (or m/s for odometry) */
  readonly innovation: number;
  /** how far the update moved the position, metres */
  readonly correction: number;
  /** where a fix says that the antenna is, map frame */
  readonly fix?: Vec3;
}

/** What a signal head shows to people on foot, the same words for every vendor. */
export type SignalPhase = 'stop' | 'walk' | 'clearance' | 'dark' | 'fault' | 'unknown';

/** One vendor's word on one signal head. */
export interface SignalState {
  /** the id that the map gives */
  readonly signalId: string;
  readonly phase: SignalPhase;
  /** seconds from `timingSourceTime` until the phase ends; absent where nobody says, or says what cannot be trusted */
  readonly remaining?: { readonly min: number; readonly likely?: number; readonly max?: number };
  /** of the phase and of the remaining time, by the source's clock: ms since the Unix epoch */
  readonly sourceTime: number;
  readonly timingSourceTime?: number;
  /** when it reached us, ms on the monotonic clock */
  readonly receivedAtMs: number;
  readonly provider: string;
  /** what came, for the record */
  readonly raw: unknown;
}

/** A signal of the route, as the map gives it (graph.geojson, kind `signal`). */
export interface RouteSignal {
  readonly signalId: string;
  readonly provider: string;
  /** the vendor's id of the intersection */
  readonly externalId: string;
  /** `nt` `et` `st` `wt` `ne` `se` `sw` `nw`, or a signal group number as text */
  readonly head: string;
  /** ISO 8601: when somebody last checked on the street that this head is this crossing's; absent: never */
  readonly verifiedAt?: string;
  /** metres */
  readonly crossingLength: number;
}
