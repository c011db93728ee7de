import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { quatFromRpy } from '../../src/math/so3.ts';
import { type News, NodeProcess, Peer, until } from './harness.ts';
import { rosIsMissing } from './here.ts';

const missing = rosIsMissing();
if (missing) console.warn(`skipped: the node on a real ROS 2: ${missing}`);

const MAP = resolve(import.meta.dirname, '../../maps/gangnam-demo');
const YAW = 0.21;
/** At the hub of the demo map, on its pavement. */
const T_map_base = { position: [-21.3, -24.5, 0], orientation: quatFromRpy(0, 0, YAW) } as const;
/** A loaded machine may take so long for anything, s. */
const LONG = 120;
/** lifecycle_msgs/Transition */
const CONFIGURE = 1;
const CLEANUP = 2;
const ACTIVATE = 3;
const DEACTIVATE = 4;

describe.skipIf(missing)('the node on a real ROS 2', () => {
  let folder: string;
  let peer: Peer;
  let node: NodeProcess;
  const settings = (over: readonly string[] = []) => [
    `ros2.map=${MAP}`,
    `ros2.stateFile=${join(folder, 'state.json')}`,
    `ros2.records=${join(folder, 'drives')}`,
    `ros2.profile=${resolve(MAP, '../profiles/wheeled-robot.yaml')}`,
    'ros2.tfAhead=0',
    ...over,
  ];
  const log = () => `${node.log.slice(-2000)}\n${JSON.stringify(peer.last('/diagnostics')?.status)}`;
  const eventually = <T>(what: string, find: () => T | undefined | false | Promise<T | undefined | false>) =>
    until(what, LONG, find, log);
  const state = async () =>
    (await peer.ask<{ current_state: { label: string } }>('state')).current_state.label;
  const change = async (to: number) => (await peer.ask<{ success: boolean }>('change', { to })).success;
  const row = (name: string, pattern: RegExp) =>
    eventually(`${name}: ${pattern}`, () => pattern.test(peer.row(name) ?? ''));
  const call = (service: string) => peer.ask<{ success: boolean; message: string }>('call', { service });
  const placed = async () => {
    peer.forget();
    const news = await eventually('a pose', () => peer.last('pose'));
    const { position } = (news.pose as { pose: { position: { x: number; y: number } } }).pose;
    return Math.hypot(position.x - T_map_base.position[0], position.y - T_map_base.position[1]);
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dilly-ros2-'));
    peer = new Peer();
    await peer.ready();
  }, 1000 * LONG);
  afterAll(async () => {
    await node?.end('SIGKILL');
    await peer?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it(
    'goes through its states, survives what is impossible, and names a mount that is missing',
    async () => {
      node = new NodeProcess(settings());
      await eventually('unconfigured', async () => (await state()) === 'unconfigured');
      await row('map', /not configured/);
      expect(await change(ACTIVATE)).toBe(false);
      expect(await change(99)).toBe(false);
      expect(await change(CONFIGURE)).toBe(true);
      await row('map', /^open/);
      expect(await change(ACTIVATE)).toBe(true);
      await peer.ask('stand', { map: MAP, T_map_base });
      await row('mounts', /from base_link to lidar on \/tf_static/);
      await peer.ask('raw', {
        topic: '/initialpose',
        type: 'geometry_msgs/msg/PoseWithCovarianceStamped',
        message: {},
      });
      await peer.ask('raw', { topic: 'go_to', type: 'std_msgs/msg/String', message: { data: 'nowhere' } });
      expect(await state()).toBe('active');
    },
    3000 * LONG,
  );

  it(
    'finds the place shown in RViz, and gives pose, /tf, tiles, walls, a way with its crossing, and recordings',
    async () => {
      await peer.ask('lidarMount');
      await row('mounts', /^ok/);
      await peer.ask('place', { x: T_map_base.position[0] + 0.3, y: T_map_base.position[1], yaw: YAW });
      expect(await placed()).toBeLessThan(0.05);
      const tf = await eventually('/tf', () => peer.last('/tf'));
      expect(tf.transforms).toMatchObject([{ header: { frame_id: 'map' }, child_frame_id: 'odom' }]);
      for (const topic of ['aligned_points', 'signals']) await eventually(topic, () => peer.last(topic));
      await peer.ask('goTo', { poi: 'lobby' });
      const path = await eventually('path', () =>
        peer.all('path').find(({ poses }) => (poses as number) > 1),
      );
      expect(path.poses).toBeGreaterThan(3);
      expect(await call('start_recording')).toMatchObject({ success: true });
      expect(await call('start_recording')).toMatchObject({ success: false });
      expect(await call('stop_recording')).toMatchObject({ success: true });
      expect(await call('save_state')).toMatchObject({ success: true });
      expect(await call('load_route')).toMatchObject({ success: false });
    },
    3000 * LONG,
  );

  it(
    'says that the LiDAR is silent and gives no old pose as a new one; goes on when it speaks',
    async () => {
      await peer.ask('pause');
      await row('lidar points', /silent for \d\d/);
      await row('localization', /no result for .* the last was/);
      peer.forget();
      await peer.ask('stand', { map: MAP, T_map_base });
      expect(await placed()).toBeLessThan(0.05);
      await row('localization', /TRACKING/);
    },
    3000 * LONG,
  );

  it.each([3600, -3600])(
    'begins anew from the last pose when the clock leaps by %d s, and says so',
    async (shift) => {
      await peer.ask('stand', { map: MAP, T_map_base, shift: Math.max(shift, 0) });
      await row('clock', shift > 0 ? /jumped by 3[56]\d\d/ : /jumped by -3[56]\d\d/);
      peer.forget();
      const near = (news: News) => news.stamp !== undefined;
      await eventually('a pose by the new clock', () => peer.all('pose').some(near));
      expect(await placed()).toBeLessThan(0.05);
    },
    3000 * LONG,
  );

  it(
    'stops publishing when deactivated, and frees the map when cleaned up',
    async () => {
      expect(await change(DEACTIVATE)).toBe(true);
      await row('map', /^open/);
      peer.forget();
      await eventually('diagnostics', () => peer.all('/diagnostics').length > 1);
      expect(peer.all('pose')).toEqual([]);
      expect(await change(CLEANUP)).toBe(true);
      await row('map', /not configured/);
      expect(await call('save_state')).toMatchObject({ success: false });
    },
    3000 * LONG,
  );

  it(
    'keeps its pose at SIGTERM; after SIGKILL it is back by registration at the kept place',
    async () => {
      expect(await change(CONFIGURE)).toBe(true);
      await row('map', /^open/);
      expect(await change(ACTIVATE)).toBe(true);
      expect(await placed()).toBeLessThan(0.05);
      expect(await node.end('SIGTERM')).toBe(0);
      const kept = JSON.parse(await readFile(join(folder, 'state.json'), 'utf8'));
      expect(kept.position[0]).toBeCloseTo(T_map_base.position[0], 1);
      node = new NodeProcess(settings(['ros2.autostart=true']));
      expect(await placed()).toBeLessThan(0.05);
      expect(await node.end('SIGKILL')).toBe('SIGKILL');
      peer.forget();
      node = new NodeProcess(settings(['ros2.autostart=true']));
      const open = await eventually('open', () =>
        peer.row('map') === 'open' ? peer.last('/diagnostics') : undefined,
      );
      expect(await placed()).toBeLessThan(0.05);
      const first = peer.all('pose')[0]!;
      const ms = Number(BigInt(first.at) - BigInt(open.at)) * 1e-6;
      console.info(`pose back ${ms.toFixed(0)} ms after the map was told to be open`);
    },
    5000 * LONG,
  );

  it(
    'waits for a map service that is away, and says so',
    async () => {
      await node.end('SIGTERM');
      peer.forget();
      node = new NodeProcess(
        settings(['ros2.map=http://127.0.0.1:9/v1/maps/x', 'ros2.autostart=true', 'ros2.retry=1']),
      );
      await row('map', /127\.0\.0\.1.*tried again every 1 s/);
      expect(await state()).toBe('active');
      expect(await node.end('SIGTERM')).toBe(0);
    },
    3000 * LONG,
  );
});
