import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import rclnodejs from 'rclnodejs';
import { toRos2 } from '../../src/adapters/recorder/ros2-messages.ts';
import { steadyMemory } from '../../src/commands/steady-memory.ts';
import { configSchema } from '../../src/config.ts';
import { IDENTITY } from '../../src/math/se3.ts';
import { loadCore } from '../../src/native.ts';
import type { Mount, PointCloud2, Pose, SensorMessage } from '../../src/types.ts';
import { type Drive, type Leg, loadDrive, restamped, stampOf } from './drive.ts';
import { standingCloud } from './standing.ts';

/**
 * The other side of the node, a process of its own: driver, RViz and manager. One JSON object a line: `{id, do, …}` on
 * stdin is answered by `{id, value}` or `{id, error}` on stdout, where `{topic, at, …}` are what the node publishes.
 */
const TOPICS: Partial<Record<SensorMessage['kind'], string>> = {
  points: 'points',
  imu: 'imu',
  gnss: 'fix',
  odometry: 'odom',
};

/** What a plain node of rclnodejs has beside what the product uses. */
interface PlainNode {
  createPublisher(type: string, topic: string, options: object): { publish(message: object): void };
  createSubscription(type: string, topic: string, options: object, take: (message: object) => void): object;
  createClient(
    type: string,
    name: string,
  ): {
    waitForService(ms: number): Promise<boolean>;
    sendRequest(request: object, answer: (value: object) => void): void;
  };
  spin(timeoutMs: number): void;
}
const rcl = rclnodejs as typeof rclnodejs & { createNode(name: string): PlainNode };

const QOS = (depth: number, reliable: boolean, latched = false) =>
  new rcl.QoS(1, depth, reliable ? 1 : 2, latched ? 1 : 2);

interface Play {
  readonly kinds?: readonly SensorMessage['kind'][];
  /** seconds; default: once */
  readonly seconds?: number;
  /** there and back, again and again */
  readonly shuttle?: boolean;
  /** all stamps are moved by so many seconds */
  readonly shift?: number;
  /** messages beginning so many seconds after the start of the recording */
  readonly from?: number;
}

const say = (value: object) =>
  process.stdout.write(
    `${JSON.stringify(value, (_, item) => (typeof item === 'bigint' ? item.toString() : ArrayBuffer.isView(item) ? undefined : item))}\n`,
  );
/** ns since the epoch, as sensors stamp */
const nowNs = () => BigInt(Math.round((performance.timeOrigin + performance.now()) * 1e6));

// A driver in C++ takes no fresh memory for each cloud.
steadyMemory(loadCore(), configSchema.parse({}));
await rcl.init(rcl.Context.defaultContext(), []);
const node = rcl.createNode('dilly_peer');
const advertise = (type: string, topic: string, qos: object) => node.createPublisher(type, topic, { qos });
const publishers = {
  points: advertise('sensor_msgs/msg/PointCloud2', 'points', QOS(1, false)),
  imu: advertise('sensor_msgs/msg/Imu', 'imu', QOS(50, false)),
  gnss: advertise('sensor_msgs/msg/NavSatFix', 'fix', QOS(10, false)),
  odometry: advertise('nav_msgs/msg/Odometry', 'odom', QOS(50, false)),
} as const;
const place = advertise('geometry_msgs/msg/PoseWithCovarianceStamped', '/initialpose', QOS(1, true));
const goTo = advertise('std_msgs/msg/String', 'go_to', QOS(1, true));
const clock = advertise('rosgraph_msgs/msg/Clock', '/clock', QOS(1, false));
const statics = new Map<string, { publish(message: object): void }>();

const listen = (type: string, topic: string, qos: object, use: (message: never) => object | undefined) =>
  node.createSubscription(type, topic, { qos }, (message) => {
    const at = nowNs();
    const value = use(message as never);
    if (value) say({ topic, at, ...value });
  });
interface Stamped {
  header: { stamp: { sec: number; nanosec: number } };
}
const ns = ({ header: { stamp } }: Stamped) => BigInt(stamp.sec) * 1_000_000_000n + BigInt(stamp.nanosec);
listen('tf2_msgs/msg/TFMessage', '/tf', QOS(100, true), ({ transforms }: { transforms: Stamped[] }) => ({
  stamp: ns(transforms[0]!),
  transforms,
}));
listen(
  'geometry_msgs/msg/PoseWithCovarianceStamped',
  'pose',
  QOS(10, true),
  (message: Stamped & { pose: object }) => ({
    stamp: ns(message),
    pose: message.pose,
  }),
);
listen(
  'diagnostic_msgs/msg/DiagnosticArray',
  '/diagnostics',
  QOS(10, true),
  ({ status }: { status: object[] }) => ({
    status,
  }),
);
listen('std_msgs/msg/String', 'events', QOS(50, true), ({ data }: { data: string }) => ({
  event: JSON.parse(data),
}));
listen('std_msgs/msg/String', 'signals_json', QOS(10, true), ({ data }: { data: string }) =>
  JSON.parse(data),
);
listen('sensor_msgs/msg/PointCloud2', 'map_tiles', QOS(1, true, true), (message: { width: number }) => ({
  width: message.width,
}));
listen('sensor_msgs/msg/PointCloud2', 'aligned_points', QOS(1, true), (message: { width: number }) => ({
  width: message.width,
}));
for (const topic of ['virtual_walls', 'signals'])
  listen(
    'visualization_msgs/msg/MarkerArray',
    topic,
    QOS(1, true, topic === 'virtual_walls'),
    (message: { markers: object[] }) => ({
      markers: message.markers.length,
    }),
  );
listen('nav_msgs/msg/Path', 'path', QOS(1, true, true), ({ poses }: { poses: object[] }) => ({
  poses: poses.length,
}));

interface Standing {
  readonly map: string;
  readonly T_map_base: Pose;
  readonly shift?: number;
  readonly count?: number;
}

let drive: Drive | undefined;
let playing: AbortController | undefined;

function send(message: SensorMessage): void {
  if (!(message.kind in TOPICS)) return;
  publishers[message.kind as keyof typeof publishers].publish(toRos2(message).fields);
}

async function play(
  { kinds, seconds, shuttle, shift = 0, from = 0 }: Play,
  signal: AbortSignal,
): Promise<number> {
  if (!drive) throw new Error('expected a drive to be loaded first');
  const legs: Leg[] = shuttle ? [drive.there, drive.back()] : [drive.there];
  const endMs = performance.now() + 1000 * (seconds ?? Number.POSITIVE_INFINITY);
  let clouds = 0;
  for (let n = 0; shuttle || n < 1; n++) {
    const { start, messages } = legs[n % legs.length]!;
    const beganMs = performance.now() - 1000 * from;
    for (const message of messages) {
      if (kinds && !kinds.includes(message.kind)) continue;
      const dueMs = beganMs + Number(stampOf(message) - start) * 1e-6;
      if (dueMs < beganMs + 1000 * from) continue;
      const wait = dueMs - performance.now();
      if (wait > 0.5) await pause(wait);
      if (signal.aborted || performance.now() > endMs) return clouds;
      const at = nowNs();
      send(restamped(message, at + BigInt(Math.round(shift * 1e9)) - stampOf(message)));
      if (message.kind !== 'points') continue;
      clouds++;
      say({
        topic: 'points',
        at,
        stamp: at + BigInt(Math.round(shift * 1e9)),
        sentMs: Number(nowNs() - at) * 1e-6,
      });
    }
  }
  return clouds;
}

async function stand(cloud: PointCloud2, shift: bigint, signal: AbortSignal): Promise<void> {
  const still: readonly [number, number, number] = [0, 0, 0];
  const beganMs = performance.now();
  for (let sequence = 0; !signal.aborted; sequence++) {
    const stamp = nowNs() + shift;
    const place = { arrival: stamp, sequence };
    const body = {
      frameId: 'odom',
      childFrameId: 'base_link',
      pose: IDENTITY,
      linear: still,
      angular: still,
    };
    send({ kind: 'odometry', channel: 'odom', ...place, value: { stamp, ...body } });
    if (sequence % 2 === 0) {
      send({ kind: 'points', channel: 'points', ...place, value: { ...cloud, stamp } });
      say({ topic: 'points', at: nowNs(), stamp });
    }
    await pause(Math.max(0, beganMs + 50 * (sequence + 1) - performance.now()));
  }
}

function mountsAt(mounts: readonly Mount[]): void {
  const publisher =
    statics.get('/tf_static') ?? advertise('tf2_msgs/msg/TFMessage', '/tf_static', QOS(1, true, true));
  statics.set('/tf_static', publisher);
  const messages = mounts.map((value) =>
    toRos2({ kind: 'mount', channel: '/tf_static', arrival: nowNs(), sequence: 0, value }),
  );
  publisher.publish({
    transforms: messages.flatMap(({ fields }) => (fields as { transforms: object[] }).transforms),
  });
}

const call = (type: string, name: string, request: object) =>
  new Promise<object>((resolve, reject) => {
    const client = node.createClient(type, name);
    const timer = setTimeout(() => reject(new Error(`${name}: no answer for 60 s`)), 60_000);
    void client.waitForService(50_000).then((there) => {
      if (there) client.sendRequest(request, resolve);
      else reject(new Error(`${name}: no such service`));
    });
    void Promise.resolve().then(() => timer.unref());
  });

const TASKS: Record<string, (asked: never) => unknown> = {
  load: async ({ path, reference, origin }: { path: string; reference: string; origin?: never }) => {
    drive = await loadDrive(path, reference, origin);
    const clouds = drive.there.messages.filter(({ kind }) => kind === 'points');
    const first = clouds[0]!;
    return {
      clouds: clouds.length,
      points: first.kind === 'points' && first.value.width,
      reference: drive.reference,
      start: drive.there.start,
    };
  },
  /** Stands there, at 10 Hz with odometry at 20 Hz, until `pause`; stamps moved by `shift` seconds. */
  stand: async ({ map, T_map_base, shift = 0, count }: Standing) => {
    playing?.abort();
    playing = new AbortController();
    const { signal } = playing;
    const cloud = await standingCloud(map, T_map_base, count);
    void stand(cloud, BigInt(Math.round(shift * 1e9)), signal);
    return { points: cloud.width };
  },
  lidarMount: () => mountsAt([{ parent: 'base_link', child: 'lidar', T_parent_child: IDENTITY }]),
  mounts: () => {
    mountsAt(drive!.mounts.flatMap((one) => (one.kind === 'mount' ? [one.value] : [])));
  },
  play: async (asked: Play) => {
    playing?.abort();
    playing = new AbortController();
    return { clouds: await play(asked, playing.signal) };
  },
  pause: () => playing?.abort(),
  place: ({ x, y, yaw, sigma = 0.5 }: { x: number; y: number; yaw: number; sigma?: number }) => {
    const covariance = new Float64Array(36);
    covariance[0] = covariance[7] = sigma ** 2;
    place.publish({
      header: { frame_id: 'map' },
      pose: {
        pose: {
          position: { x, y, z: 0 },
          orientation: { x: 0, y: 0, z: Math.sin(yaw / 2), w: Math.cos(yaw / 2) },
        },
        covariance,
      },
    });
  },
  goTo: ({ poi }: { poi: string }) => goTo.publish({ data: poi }),
  clock: ({ seconds }: { seconds: number }) =>
    clock.publish({ clock: { sec: Math.floor(seconds), nanosec: Math.round((seconds % 1) * 1e9) } }),
  /** what no sender should send */
  raw: ({ topic, type, message }: { topic: string; type: string; message: object }) => {
    advertise(type, topic, QOS(1, true)).publish(message);
  },
  state: () => call('lifecycle_msgs/srv/GetState', 'dilly_nav/get_state', {}),
  change: ({ to }: { to: number }) =>
    call('lifecycle_msgs/srv/ChangeState', 'dilly_nav/change_state', { transition: { id: to, label: '' } }),
  call: ({ service }: { service: string }) => call('std_srvs/srv/Trigger', `dilly_nav/${service}`, {}),
};

node.spin(2);
say({ topic: 'ready' });
for await (const line of createInterface({ input: process.stdin })) {
  const { id, do: name, ...asked } = JSON.parse(line) as { id: number; do: string };
  void Promise.resolve()
    .then(() => TASKS[name]!(asked as never))
    .then((value) => say({ id, value: value ?? null }))
    .catch((error: Error) => say({ id, error: error.stack ?? error.message }));
}
rcl.shutdown();
process.exit(0);
