import { randomUUID } from 'node:crypto';
import type { MappedScan, RobotEvent, RobotStatus } from '../../../ports/robot.ts';
import type { StampedPose } from '../../../types.ts';
import type { GatewayParts } from '../gateway-parts.ts';
import { Throttle } from '../throttle.ts';
import { mapMarkers, statusMarkers } from './markers.ts';
import { type MessageType, messageType } from './message-types.ts';
import {
  diagnostics,
  eventLog,
  fixMessage,
  occupiedTiles,
  pathMessage,
  poseMessage,
  posesMessage,
  scanMessage,
  transforms,
} from './messages.ts';

export interface Channel {
  readonly id: number;
  readonly topic: string;
  readonly type: MessageType;
}

/** The newest message of a channel; `version` tells it from those before. */
export interface Latest {
  readonly version: number;
  /** ns */
  readonly stamp: bigint;
  readonly data: Uint8Array;
}

const CHANNELS = {
  pose: ['/dilly/pose', 'geometry_msgs/PoseWithCovarianceStamped'],
  trail: ['/dilly/trail', 'nav_msgs/Path'],
  path: ['/dilly/path', 'nav_msgs/Path'],
  tf: ['/tf', 'tf2_msgs/TFMessage'],
  scan: ['/dilly/scan', 'sensor_msgs/PointCloud2'],
  tiles: ['/dilly/tiles', 'visualization_msgs/MarkerArray'],
  fix: ['/dilly/fix', 'sensor_msgs/NavSatFix'],
  place: ['/dilly/place', 'sensor_msgs/NavSatFix'],
  diagnostics: ['/diagnostics', 'diagnostic_msgs/DiagnosticArray'],
  map: ['/dilly/map_features', 'visualization_msgs/MarkerArray'],
  markers: ['/dilly/markers', 'visualization_msgs/MarkerArray'],
  log: ['/rosout', 'rcl_interfaces/Log'],
} as const;
type Name = keyof typeof CHANNELS;

/** One message a second is enough for what changes slowly, ms. */
const SLOW_MS = 1000;
/** Poses of the trail at most, and the least way between two, m. */
const TRAIL = { poses: 2000, step: 0.1 };

/** The robot in messages of ROS 2, made only for channels that somebody looks at. */
export class FoxgloveFeed {
  /** the run of the gateway */
  readonly session = randomUUID();
  readonly channels: readonly Channel[];
  readonly #parts: GatewayParts;
  readonly #changed: () => void;
  readonly #latest = new Map<number, Latest>();
  readonly #watched = new Map<number, number>();
  readonly #trail: StampedPose[] = [];
  readonly #status: Throttle<RobotStatus>;
  readonly #slow: Throttle<RobotStatus>;
  readonly #scan: Throttle<MappedScan>;
  #version = 0;
  #time: bigint | undefined;

  constructor(parts: GatewayParts, changed: () => void) {
    this.#parts = parts;
    this.#changed = changed;
    this.channels = Object.values(CHANNELS).map(([topic, type], k) => ({
      id: k + 1,
      topic,
      type: messageType(type),
    }));
    const { rates } = parts.config;
    this.#status = new Throttle(1000 / rates.poseHz, parts.clock, (status) => this.#fast(status));
    this.#slow = new Throttle(SLOW_MS, parts.clock, (status) => this.#seldom(status));
    this.#scan = new Throttle(1000 / rates.cloudHz, parts.clock, (scan) =>
      this.#put('scan', scan.stamp, () => scanMessage(scan, rates.cloudPoints)),
    );
  }

  status(status: RobotStatus): void {
    this.#keepTrail(status.frame);
    if (this.#watched.size === 0) return;
    this.#status.offer(status);
    this.#slow.offer(status);
  }

  scan(scan: MappedScan): void {
    if (this.#watched.size > 0) this.#scan.offer(scan);
  }

  event(event: RobotEvent): void {
    this.#put('log', event.stamp, () => eventLog(event));
  }

  /** Of the last status, ns. */
  get time(): bigint | undefined {
    return this.#time;
  }

  latest(channel: number): Latest | undefined {
    return this.#latest.get(channel);
  }

  /** One more, or one fewer, looks at a channel. */
  watch(channel: number, by: 1 | -1): void {
    const count = (this.#watched.get(channel) ?? 0) + by;
    if (count > 0) this.#watched.set(channel, count);
    else {
      this.#watched.delete(channel);
      this.#latest.delete(channel);
    }
  }

  #fast(status: RobotStatus): void {
    const { frame, fix, route } = status;
    const { stamp } = frame;
    const { map } = this.#parts;
    this.#time = stamp;
    if (frame.pose) {
      this.#put('pose', stamp, () => poseMessage(frame));
      this.#put('tf', stamp, () => transforms(frame));
      if (map)
        this.#put('place', stamp, () =>
          fixMessage(stamp, map.frame.toGeodetic(frame.pose!.position), 0, 'base_link'),
        );
    }
    if (fix && map)
      this.#put('fix', fix.stamp, () =>
        fixMessage(fix.stamp, map.frame.toGeodetic(fix.position), fix.sigma, 'gnss'),
      );
    if (route) this.#put('path', stamp, () => pathMessage(stamp, route.line));
    this.#put('markers', stamp, () => statusMarkers(status, map?.head.features ?? []));
    this.#put('diagnostics', stamp, () => diagnostics(status));
    this.#changed();
  }

  #seldom(status: RobotStatus): void {
    const { stamp } = status.frame;
    const { map } = this.#parts;
    this.#put('trail', stamp, () => posesMessage(stamp, this.#trail));
    if (!map) return;
    this.#put('tiles', stamp, () => occupiedTiles(stamp, status.tiles, map.head.tileSize));
    this.#put('map', stamp, () => mapMarkers(stamp, map.head.features));
    this.#changed();
  }

  #keepTrail(frame: RobotStatus['frame']): void {
    if (!frame.pose) return;
    const last = this.#trail.at(-1)?.pose;
    const [x, y] = frame.pose.position;
    if (last && Math.hypot(x - last.position[0], y - last.position[1]) < TRAIL.step) return;
    this.#trail.push({ stamp: frame.stamp, pose: frame.pose });
    if (this.#trail.length > TRAIL.poses) this.#trail.shift();
  }

  #put(name: Name, stamp: bigint, message: () => object): void {
    const id = Object.keys(CHANNELS).indexOf(name) + 1;
    if (!this.#watched.has(id)) return;
    const data = this.channels[id - 1]!.type.encode(message());
    this.#latest.set(id, { version: ++this.#version, stamp, data });
    if (name === 'scan' || name === 'log') this.#changed();
  }
}
