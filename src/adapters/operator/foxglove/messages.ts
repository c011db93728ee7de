import type { MappedScan, RobotEvent, RobotStatus } from '../../../ports/robot.ts';
import type { FrameResult, Pose, Stamp, StampedPose, Vec3 } from '../../../types.ts';

const FLAT = { x: 0, y: 0, z: 0, w: 1 };
/** sensor_msgs/PointField FLOAT32 */
const FLOAT32 = 7;

export function time(stamp: Stamp) {
  return { sec: Number(stamp / 1_000_000_000n), nanosec: Number(stamp % 1_000_000_000n) };
}

export function header(stamp: Stamp, frameId = 'map') {
  return { stamp: time(stamp), frame_id: frameId };
}

export function xyz([x, y, z]: Vec3) {
  return { x, y, z };
}

function poseFields({ position, orientation: [x, y, z, w] }: Pose) {
  return { position: xyz(position), orientation: { x, y, z, w } };
}

/** geometry_msgs/PoseWithCovarianceStamped */
export function poseMessage({ stamp, pose, covariance }: FrameResult): object {
  return {
    header: header(stamp),
    pose: { pose: poseFields(pose!), covariance: covariance ?? new Float64Array(36) },
  };
}

/** tf2_msgs/TFMessage: map → base_link */
export function transforms({ stamp, pose }: FrameResult): object {
  const { position, orientation } = poseFields(pose!);
  const transform = { translation: position, rotation: orientation };
  return { transforms: [{ header: header(stamp), child_frame_id: 'base_link', transform }] };
}

/** nav_msgs/Path of a line in the plane */
export function pathMessage(stamp: Stamp, line: readonly (readonly [number, number])[]): object {
  const poses = line.map(([x, y]) => ({
    header: header(stamp),
    pose: { position: { x, y, z: 0 }, orientation: FLAT },
  }));
  return { header: header(stamp), poses };
}

/** nav_msgs/Path of where the robot was */
export function posesMessage(stamp: Stamp, trail: readonly StampedPose[]): object {
  const poses = trail.map((one) => ({ header: header(one.stamp), pose: poseFields(one.pose) }));
  return { header: header(stamp), poses };
}

/** sensor_msgs/PointCloud2 in the map frame, of at most `most` points, evenly taken */
export function scanMessage({ stamp, origin, positions, intensity }: MappedScan, most: number): object {
  const step = Math.max(1, Math.ceil(positions.length / 3 / most));
  const n = Math.ceil(positions.length / 3 / step);
  const names = intensity ? ['x', 'y', 'z', 'intensity'] : ['x', 'y', 'z'];
  const values = new Float32Array(names.length * n);
  for (let k = 0; k < n; k++) {
    const i = k * step;
    // float32 near the map's origin is exact to a millimetre within 8 km.
    for (let axis = 0; axis < 3; axis++)
      values[names.length * k + axis] = positions[3 * i + axis]! + origin[axis]!;
    if (intensity) values[names.length * k + 3] = intensity[i]!;
  }
  return {
    header: header(stamp),
    height: 1,
    width: n,
    fields: names.map((name, k) => ({ name, offset: 4 * k, datatype: FLOAT32, count: 1 })),
    is_bigendian: false,
    point_step: 4 * names.length,
    row_step: 4 * names.length * n,
    data: new Uint8Array(values.buffer),
    is_dense: false,
  };
}

/** sensor_msgs/NavSatFix; `sigma` in m, 0: not given */
export function fixMessage(
  stamp: Stamp,
  place: { lat: number; lon: number; ellipsoidalHeight: number },
  sigma: number,
  frameId: string,
): object {
  const v = sigma * sigma;
  return {
    header: header(stamp, frameId),
    status: { status: 0, service: 1 },
    latitude: place.lat,
    longitude: place.lon,
    altitude: place.ellipsoidalHeight,
    position_covariance: [v, 0, 0, 0, v, 0, 0, 0, v],
    position_covariance_type: sigma > 0 ? 1 : 0,
  };
}

/** visualization_msgs/MarkerArray: the squares of the tiles in memory, ids `column_row` */
export function occupiedTiles(stamp: Stamp, tiles: readonly string[], tileSize: number): object {
  const points = tiles.flatMap((id) => {
    const [i, j] = id.split('_').map(Number);
    const [x, y, X, Y] = [i! * tileSize, j! * tileSize, (i! + 1) * tileSize, (j! + 1) * tileSize];
    const corners = [
      { x, y, z: 0 },
      { x: X, y, z: 0 },
      { x: X, y: Y, z: 0 },
      { x, y: Y, z: 0 },
    ];
    return corners.flatMap((corner, k) => [corner, corners[(k + 1) % 4]!]);
  });
  const marker = {
    header: header(stamp),
    ns: 'tiles',
    id: 0,
    type: 5,
    action: 0,
    pose: { position: { x: 0, y: 0, z: 0 }, orientation: FLAT },
    scale: { x: 0.1, y: 0, z: 0 },
    color: { r: 0.4, g: 0.6, b: 0.9, a: 0.6 },
    points,
  };
  return { markers: [marker] };
}

/** diagnostic_msgs/DiagnosticArray: localisation, advice, crossings, doors, and the robot's health */
export function diagnostics(status: RobotStatus): object {
  const { frame, advice, crossings, buildings, health } = status;
  const row = (name: string, level: number, message: string, values: Record<string, unknown> = {}) => ({
    name,
    level,
    message,
    hardware_id: '',
    values: Object.entries(values)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => ({ key, value: String(value) })),
  });
  const levelOf = { TRACKING: 0, DEGRADED: 1, INITIALISING: 1, UNINITIALISED: 1, LOST: 2 }[frame.state];
  const motionLevel = { drive: 0, slow: 1, stop: 1 }[advice.motion];
  return {
    header: header(frame.stamp),
    status: [
      row('localisation', levelOf, frame.stateReason ?? frame.state, {
        state: frame.state,
        protectionLevel: frame.protectionLevel,
        inlierRatio: frame.registration?.inlierRatio,
        residual: frame.registration?.residual,
        ...frame.stages,
      }),
      row('advice', motionLevel, advice.reason, { motion: advice.motion, speedLimit: advice.speedLimit }),
      ...crossings.map((crossing) =>
        row(`crossing ${crossing.signalId}`, 0, crossing.text, {
          phase: crossing.phase,
          signal: crossing.signal?.phase,
          age: crossing.age,
        }),
      ),
      ...buildings.map(({ id, kind, phase, text }) => row(`${kind} ${id}`, 0, text, { phase })),
      ...health.map(({ name, state, text }) => row(name, { ok: 0, degraded: 1, down: 2 }[state], text)),
    ],
  };
}

/** rcl_interfaces/Log */
export function eventLog({ stamp, severity, kind, text }: RobotEvent): object {
  const level = { info: 20, warning: 30, alarm: 40 }[severity];
  return { stamp: time(stamp), level, name: kind, msg: text, file: '', function: '', line: 0 };
}
