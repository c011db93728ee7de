import { parse as foxgloveParse } from '@foxglove/rosmsg';
import { MessageReader as FoxgloveReader } from '@foxglove/rosmsg2-serialization';
import { type Channel, FoxgloveClient, type IWebSocket } from '@foxglove/ws-protocol';
import { parse as lichtblickParse } from '@lichtblick/rosmsg';
import { MessageReader as LichtblickReader } from '@lichtblick/rosmsg2-serialization';
import { afterEach, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import type { RobotStatus } from '../../src/ports/robot.ts';
import { type Rig, startRig, status, token, until } from './fake-robot.ts';
import { expectUnharmed } from './rough-client.ts';

let rig: Rig;
afterEach(() => rig.close());

/**
 * What Foxglove's and Lichtblick's panels look for, by the name of the schema (Lichtblick 1.x: ThreeDeeRender/ros.ts,
 * Map/support.ts, DiagnosticSummary/constants.ts, Log/conversion.tsx).
 */
const PANELS: Readonly<Record<string, string>> = {
  '/dilly/pose': 'geometry_msgs/msg/PoseWithCovarianceStamped',
  '/dilly/trail': 'nav_msgs/msg/Path',
  '/dilly/path': 'nav_msgs/msg/Path',
  '/tf': 'tf2_msgs/msg/TFMessage',
  '/dilly/scan': 'sensor_msgs/msg/PointCloud2',
  '/dilly/tiles': 'visualization_msgs/msg/MarkerArray',
  '/dilly/fix': 'sensor_msgs/msg/NavSatFix',
  '/dilly/place': 'sensor_msgs/msg/NavSatFix',
  '/diagnostics': 'diagnostic_msgs/msg/DiagnosticArray',
  '/dilly/map_features': 'visualization_msgs/msg/MarkerArray',
  '/dilly/markers': 'visualization_msgs/msg/MarkerArray',
  '/rosout': 'rcl_interfaces/msg/Log',
};

/** A robot at x = 12 m that waits at signal s1 and asks for door d1. */
const seen: Partial<RobotStatus> = {
  route: {
    routeId: 'r',
    line: [
      [0, 0],
      [20, 0],
      [35, 6],
    ],
    along: 12,
    remaining: 20,
    offset: 0,
  },
  crossings: [
    {
      signalId: 's1',
      phase: 'WAITING',
      text: 'waits for walk',
      signal: {
        signalId: 's1',
        phase: 'stop',
        remaining: { min: 9 },
        sourceTime: 0,
        receivedAtMs: 0,
        provider: 'seoul',
        raw: null,
      },
    },
  ],
  buildings: [{ id: 'd1', kind: 'door', phase: 'REQUESTED', text: 'waits for the door' }],
  health: [{ name: 'vendor:seoul', state: 'down', text: 'no answer for 9 s' }],
};

// biome-ignore lint/suspicious/noExplicitAny: messages are looked at field by field
type Message = any;

const READERS = {
  foxglove: (schema: string) =>
    new FoxgloveReader(foxgloveParse(schema, { ros2: true }), { timeType: 'sec,nsec' }),
  lichtblick: (schema: string) => new LichtblickReader(lichtblickParse(schema, { ros2: true })),
};

/** As Lichtblick's player does: subscribe to all that can be parsed, and read each message by its channel's schema. */
class Watcher {
  readonly client: FoxgloveClient;
  readonly messages = new Map<string, Message>();
  readonly problems: unknown[] = [];
  readonly statuses: string[] = [];
  info: Message;
  channels: Channel[] = [];
  time = 0n;

  constructor(protocols: string[], library: keyof typeof READERS, tokenText: string) {
    const ws = new WebSocket(`${rig.url.replace('http', 'ws')}/?token=${tokenText}`, protocols);
    this.client = new FoxgloveClient({ ws: ws as unknown as IWebSocket });
    const readers = new Map<number, (data: ArrayBufferView) => void>();
    this.client.on('error', (error) => this.problems.push(error));
    this.client.on('serverInfo', (info) => (this.info = info));
    this.client.on('status', ({ message }) => this.statuses.push(message));
    this.client.on('time', ({ timestamp }) => (this.time = timestamp));
    this.client.on('advertise', (channels) => {
      this.channels = channels;
      for (const { id, topic, schema, encoding, schemaEncoding } of channels) {
        if (encoding !== 'cdr' || schemaEncoding !== 'ros2msg') this.problems.push(`${topic}: ${encoding}`);
        const reader = READERS[library](schema);
        readers.set(this.client.subscribe(id), (data) => this.messages.set(topic, reader.readMessage(data)));
      }
    });
    this.client.on('message', ({ subscriptionId, data }) => {
      try {
        readers.get(subscriptionId)!(data);
      } catch (error) {
        this.problems.push(error);
      }
    });
  }
}

async function watch(protocols: string[], library: keyof typeof READERS): Promise<Watcher> {
  const watcher = new Watcher(protocols, library, await token('viewer', 'engineer'));
  await until(() => watcher.channels.length > 0);
  // Told again and again until all is there: what nobody watches yet is not kept.
  await until(() => {
    rig.gateway.status(status(12, seen));
    rig.gateway.scan({
      stamp: 7n,
      origin: [100, 50, 0],
      positions: Float32Array.of(1, 2, 3, 4, 5, 6),
      intensity: Float32Array.of(10, 20),
    });
    rig.gateway.event({ stamp: 5_000_000_007n, kind: 'lost', severity: 'alarm', text: 'where am I' });
    return watcher.messages.size === Object.keys(PANELS).length || watcher.problems.length > 0;
  });
  return watcher;
}

describe.each<[string, string[], keyof typeof READERS]>([
  ['foxglove.sdk.v1', ['foxglove.sdk.v1'], 'foxglove'],
  ['foxglove.websocket.v1', ['foxglove.websocket.v1'], 'foxglove'],
  ['both, as Lichtblick offers them', ['foxglove.websocket.v1', 'foxglove.sdk.v1'], 'lichtblick'],
])('a client of %s', (_name, protocols, library) => {
  it('sees the robot in messages that its panels know', async () => {
    rig = await startRig();
    const watcher = await watch(protocols, library);
    expect(watcher.problems).toEqual([]);
    expect(watcher.statuses).toEqual([]);
    expect(watcher.info).toMatchObject({ capabilities: ['time'], metadata: { ROS_DISTRO: 'humble' } });
    expect(watcher.info.sessionId).toMatch(/^[0-9a-f-]{36}$/);
    expect(Object.fromEntries(watcher.channels.map(({ topic, schemaName }) => [topic, schemaName]))).toEqual(
      PANELS,
    );
    const of = (topic: string): Message => watcher.messages.get(topic);
    expect(of('/dilly/pose')).toMatchObject({
      header: { frame_id: 'map', stamp: { sec: 1_767_571_212, nsec: 0 } },
      pose: { pose: { position: { x: 12, y: 0, z: 0 }, orientation: { w: 1 } } },
    });
    expect(of('/dilly/pose').pose.covariance[7]).toBe(0.04);
    expect(watcher.time).toBe(1_767_571_212_000_000_000n);
    expect(of('/tf').transforms[0]).toMatchObject({
      header: { frame_id: 'map' },
      child_frame_id: 'base_link',
      transform: { translation: { x: 12 } },
    });
    expect(of('/dilly/path').poses.map(({ pose }: Message) => pose.position.x)).toEqual([0, 20, 35]);
    expect(of('/dilly/trail').poses.at(-1).pose.position.x).toBe(12);
    const cloud = of('/dilly/scan');
    expect([cloud.width, cloud.height, cloud.point_step, cloud.data.length]).toEqual([2, 1, 16, 32]);
    const data = cloud.data as Uint8Array;
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    expect([0, 4, 8, 12].map((at) => view.getFloat32(16 + at, true))).toEqual([104, 55, 6, 20]);
    expect(cloud.fields.map(({ name, offset, datatype }: Message) => [name, offset, datatype])).toEqual([
      ['x', 0, 7],
      ['y', 4, 7],
      ['z', 8, 7],
      ['intensity', 12, 7],
    ]);
    // 1 m and 12 m east of 127.02762°: 1 / (111,320 · cos 37.5°) degrees each.
    const degree = 111_320 * Math.cos((37.49794 * Math.PI) / 180);
    expect(of('/dilly/fix').longitude).toBeCloseTo(127.02762 + 13 / degree, 6);
    expect(of('/dilly/fix')).toMatchObject({ status: { status: 0 }, position_covariance_type: 1 });
    expect(of('/dilly/place').longitude).toBeCloseTo(127.02762 + 12 / degree, 6);
    expect(of('/diagnostics').status.map(({ name, level }: Message) => [name, level])).toEqual([
      ['localisation', 0],
      ['advice', 0],
      ['crossing s1', 0],
      ['door d1', 0],
      ['vendor:seoul', 2],
    ]);
    expect(of('/dilly/map_features').markers).toMatchObject([
      { ns: 'virtual_wall', type: 4, action: 0, points: [{ x: 5 }, { x: 25 }] },
    ]);
    const texts = of('/dilly/markers').markers.filter(({ type }: Message) => type === 9);
    expect(texts.map(({ text }: Message) => text)).toEqual(['s1: stop, WAITING', 'd1: REQUESTED']);
    // The squares of tiles 0_0 and 1_0: four edges each, two points an edge.
    expect(of('/dilly/tiles').markers[0].points).toHaveLength(16);
    expect(of('/rosout')).toMatchObject({ level: 40, msg: 'where am I', stamp: { sec: 5, nsec: 7 } });
    watcher.client.close();
    await expectUnharmed(rig);
  });
});

describe('a client of Foxglove that wants more', () => {
  it('is told that the robot only shows, and what it unsubscribes from ends', async () => {
    rig = await startRig();
    const watcher = await watch(['foxglove.sdk.v1'], 'foxglove');
    watcher.client.advertise({ topic: '/cmd_vel', encoding: 'cdr', schemaName: 'geometry_msgs/msg/Twist' });
    watcher.client.setParameters([{ name: 'a', value: 1 }], 'x');
    watcher.client.sendMessage(1, new Uint8Array(8));
    watcher.client.subscribe(99);
    await until(() => watcher.statuses.length === 4);
    for (let id = 0; id < watcher.channels.length; id++) watcher.client.unsubscribe(id);
    watcher.client.subscribe(1);
    watcher.messages.clear();
    await until(() => {
      rig.gateway.status(status(13, seen));
      return rig.commands.length > 0 || watcher.time === 1_767_571_213_000_000_000n;
    });
    expect(rig.commands).toEqual([]);
    watcher.client.close();
    await expectUnharmed(rig);
  });

  it('comes from its own page, and no other page may', async () => {
    rig = await startRig();
    const connect = async (origin: string) => {
      const socket = new WebSocket(rig.url.replace('http', 'ws'), ['foxglove.sdk.v1'], {
        origin,
        headers: { authorization: `Bearer ${await token('viewer')}` },
      });
      const found = await new Promise<number>((resolve) => {
        socket.on('open', () => resolve(101));
        socket.on('unexpected-response', (_request, { statusCode }) => resolve(statusCode!));
      });
      socket.on('error', () => {});
      socket.terminate();
      return found;
    };
    expect(await connect('https://app.foxglove.dev')).toBe(101);
    expect(await connect('https://evil.example')).toBe(403);
  });
});
