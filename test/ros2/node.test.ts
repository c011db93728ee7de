import { afterEach, describe, expect, it } from 'vitest';
import { ClockWatch } from '../../src/adapters/ros2/clock-watch.ts';
import type { DrivenRobot } from '../../src/adapters/ros2/driven-robot.ts';
import { Mailbox } from '../../src/adapters/ros2/mailbox.ts';
import { Ros2Node } from '../../src/adapters/ros2/node.ts';
import { configFromParameters } from '../../src/adapters/ros2/parameters.ts';
import { openRclnodejs } from '../../src/adapters/ros2/rclnodejs-port.ts';
import { ros2Config } from '../../src/adapters/ros2/ros2-config.ts';
import type { RobotWatcher } from '../../src/ports/robot.ts';
import { Refusal, type SensorMessage } from '../../src/types.ts';
import { FakePort } from './fake-port.ts';

const settle = () => new Promise((resolve) => setImmediate(resolve));
const stampOf = (fake: FakePort) => ({
  sec: Number(fake.stamp / 1_000_000_000n),
  nanosec: Number(fake.stamp % 1_000_000_000n),
});
const quiet = { x: 0, y: 0, z: 0 };
const level = { x: 0, y: 0, z: 0, w: 1 };

function cloud(fake: FakePort, frame = 'lidar') {
  return {
    header: { stamp: stampOf(fake), frame_id: frame },
    height: 1,
    width: 1,
    fields: [0, 4, 8].map((offset, k) => ({ name: 'xyz'[k], offset, datatype: 7, count: 1 })),
    is_bigendian: false,
    point_step: 12,
    row_step: 12,
    data: new Uint8Array(12),
    is_dense: true,
  };
}

function odometry(fake: FakePort, x: number) {
  return {
    header: { stamp: stampOf(fake), frame_id: 'odom' },
    child_frame_id: 'base_link',
    pose: { pose: { position: { x, y: 0, z: 0 }, orientation: level } },
    twist: { twist: { linear: quiet, angular: quiet } },
  };
}

function imu(fake: FakePort) {
  const given = { x: 0, y: 0, z: 9.8 };
  return {
    header: { stamp: stampOf(fake), frame_id: 'base_link' },
    orientation: level,
    orientation_covariance: Array(9).fill(0),
    angular_velocity: quiet,
    angular_velocity_covariance: Array(9).fill(0),
    linear_acceleration: given,
    linear_acceleration_covariance: Array(9).fill(0),
  };
}

/** A node with a robot that says it stands at x = 5 m after each cloud. */
function start(over: Record<string, unknown> = {}, open?: () => Promise<DrivenRobot>) {
  const fake = new FakePort();
  const handled: SensorMessage[] = [];
  const jumps: number[] = [];
  let closed = 0;
  const robot = (watcher: RobotWatcher): DrivenRobot => ({
    command: async ({ kind }) => ({ ok: true, text: kind }),
    handle: async (message) => {
      handled.push(message);
      if (message.kind !== 'points') return;
      watcher.status({
        frame: {
          stamp: message.value.stamp,
          frame: 0,
          state: 'TRACKING',
          pose: { position: [5, 0, 0], orientation: [0, 0, 0, 1] },
          covariance: new Float64Array(40).subarray(2, 38),
          stages: {},
        },
        advice: { motion: 'drive', speedLimit: 1, reason: '' },
        crossings: [],
        buildings: [],
        tiles: ['0_0'],
        health: [],
      });
    },
    motionAt: (stamp) => ({
      stamp,
      pose: { position: [5, 0, 0], orientation: [0, 0, 0, 1] },
      covariance: new Float64Array(36),
      linear: [1, 0, 0],
      angular: [0, 0, 0.1],
      twistCovariance: new Float64Array(36),
    }),
    clockJumped: (seconds) => void jumps.push(seconds),
    pictures: {
      mapPoints: async () => new Float32Array(3),
      walls: () => [],
      signals: () => [],
      toLonLat: () => [127, 37],
    },
    recording: {
      start: async () => 'a',
      stop: async () => Promise.reject(new Refusal('not-recording', 'none')),
    },
    close: async () => void closed++,
  });
  const node = new Ros2Node({
    port: fake.port,
    config: ros2Config.parse(over),
    frames: { base: 'base_link', mounts: [] },
    open: async (watcher) => (open ? open() : robot(watcher)),
  });
  return { fake, node, handled, jumps, closedTimes: () => closed };
}

async function active(over: Record<string, unknown> = {}, open?: () => Promise<DrivenRobot>) {
  const started = start(over, open);
  started.fake.request('configure');
  await settle();
  started.fake.request('activate');
  await settle();
  return started;
}

describe('the ROS 2 node on a hostile port', () => {
  it('gives map→odom such that map→odom→base_link is the pose', async () => {
    const { fake, handled } = await active({ tfAhead: 0 });
    fake.arrive('odom', odometry(fake, 2));
    fake.arrive('points', cloud(fake));
    await settle();
    expect(handled.map(({ kind }) => kind)).toEqual(['odometry', 'points']);
    // base is 5 m along map and 2 m along odom: odom is 3 m along map.
    const { transforms } = fake.last('/tf') as {
      transforms: { child_frame_id: string; transform: unknown }[];
    };
    expect(transforms).toMatchObject([
      {
        header: { frame_id: 'map' },
        child_frame_id: 'odom',
        transform: { translation: { x: 3, y: 0, z: 0 } },
      },
    ]);
    expect(fake.last('map_tiles')).toMatchObject({ width: 1 });
    expect(fake.aborted).toBeUndefined();
  });

  it.each([
    [100, 100],
    [40, 40],
    [0, 10],
  ])('gives odometry at stamps of the IMU, asked for %s Hz: %s Hz and rising', async (odometryRate, hz) => {
    const { fake } = await active({ odometryRate });
    for (let k = 0; k < 400; k++) {
      fake.pass(5);
      fake.arrive('imu', imu(fake));
      if (k % 20 === 19) fake.arrive('points', cloud(fake));
      await settle();
    }
    const stamps = fake.sent
      .filter(({ topic }) => topic === 'odometry')
      .map(({ message }) => (message.header as { stamp: { sec: number; nanosec: number } }).stamp)
      .map(({ sec, nanosec }) => BigInt(sec) * 1_000_000_000n + BigInt(nanosec));
    expect(Math.abs(stamps.length / 2 - hz)).toBeLessThanOrEqual(1);
    stamps.forEach((stamp, k) => {
      if (k > 0) expect(stamp).toBeGreaterThan(stamps[k - 1]!);
    });
    expect(fake.aborted).toBeUndefined();
  });

  it('says so where there is no odometry, and where somebody else places base_link', async () => {
    const first = await active();
    first.fake.arrive('points', cloud(first.fake));
    await settle();
    first.fake.pass(1000);
    expect(first.fake.last('/tf')).toBeUndefined();
    expect(first.fake.row('tf')).toMatch(/expected odometry on odom.*found none.*ros2.tf to base/);
    const second = await active({ tf: 'base' });
    second.fake.arrive('/tf', {
      transforms: [{ header: { frame_id: 'odom' }, child_frame_id: 'base_link' }],
    });
    second.fake.arrive('points', cloud(second.fake));
    await settle();
    second.fake.pass(1000);
    expect(second.fake.last('/tf')).toBeUndefined();
    expect(second.fake.row('tf')).toMatch(/found odom→base_link/);
  });

  it.each([
    ['points', {}],
    ['points', null],
    ['imu', { header: 7 }],
    ['/tf', { transforms: [1] }],
    ['/tf_static', 'x'],
    ['/initialpose', {}],
    ['goal_pose', { header: { frame_id: 'odom' } }],
    ['go_to', { data: 3 }],
  ])('survives nonsense on %s', async (topic, message) => {
    const { fake, handled } = await active();
    fake.arrive(topic, message);
    await settle();
    expect(fake.aborted).toBeUndefined();
    expect(handled).toEqual([]);
  });

  it('survives a publisher that throws', async () => {
    const { fake } = await active();
    fake.publishThrows = true;
    fake.arrive('points', cloud(fake));
    await settle();
    fake.pass(5000);
    expect(fake.aborted).toBeUndefined();
  });

  it('names a missing mount, a silent LiDAR and a clock that jumped', async () => {
    const { fake, jumps } = await active();
    fake.arrive('points', cloud(fake, 'velodyne'));
    await settle();
    fake.pass(1000);
    expect(fake.row('mounts')).toMatch(/from base_link to velodyne on \/tf_static/);
    fake.arrive('/tf_static', {
      transforms: [
        {
          header: { stamp: stampOf(fake), frame_id: 'base_link' },
          child_frame_id: 'velodyne',
          transform: { translation: quiet, rotation: level },
        },
      ],
    });
    fake.pass(10_000);
    expect(fake.row('mounts')).toBe('ok');
    expect(fake.row('lidar points')).toMatch(/silent for 11\.0 s/);
    expect(fake.row('localization')).toMatch(/no result for 11\.0 s, the last was TRACKING/);
    fake.stamp -= 3_600_000_000_000n;
    for (let n = 0; n < 6; n++) {
      fake.arrive('points', cloud(fake, 'velodyne'));
      fake.pass(100);
    }
    expect(jumps).toHaveLength(1);
    expect(jumps[0]).toBeCloseTo(-3600, 0);
    fake.pass(1000);
    expect(fake.row('clock')).toMatch(/jumped by -3600/);
  });

  it('tries a map again that is away, and processes the error of one that will never do', async () => {
    let tries = 0;
    const away = await active({}, async () =>
      Promise.reject(new Refusal('no-map', `no service, try ${++tries}`)),
    );
    away.fake.pass(1000);
    expect(away.fake.state).toBe('active');
    expect(away.fake.row('map')).toMatch(/no service, try 1; tried again every 5 s/);
    away.fake.pass(5000);
    await settle();
    expect(tries).toBe(2);
    const bad = await active({}, async () =>
      Promise.reject(new Refusal('bad-signature', 'nobody signed it')),
    );
    expect(bad.fake.errorsProcessed).toBe(1);
    expect(bad.fake.state).toBe('unconfigured');
    bad.fake.pass(1000);
    expect(bad.fake.row('map')).toBe('nobody signed it');
  });

  it('closes the robot once, goes through its states again, and answers services in each', async () => {
    const { fake, node, closedTimes, handled } = await active();
    expect(await fake.services.get('~/save_state')!()).toEqual({ success: true, message: 'save-state' });
    expect(await fake.services.get('~/stop_recording')!()).toEqual({ success: false, message: 'none' });
    expect(await fake.services.get('~/load_route')!()).toMatchObject({ success: false });
    fake.request('deactivate');
    fake.arrive('points', cloud(fake));
    await settle();
    expect(handled).toEqual([]);
    fake.request('cleanup');
    await settle();
    expect(closedTimes()).toBe(1);
    expect(await fake.services.get('~/save_state')!()).toMatchObject({ success: false });
    fake.request('configure');
    await settle();
    await node.close();
    expect(closedTimes()).toBe(2);
    expect(fake.state).toBe('finalized');
  });
});

describe('parts', () => {
  it('works on the newest cloud of each LiDAR, on all small messages in order, and goes on after a fault', async () => {
    const seen: number[] = [];
    let faults = 0;
    const box = new Mailbox(
      async ({ sequence }) => {
        seen.push(sequence);
        if (sequence === 2) throw new Error('fault');
      },
      { steadyMs: () => 0 },
      () => faults++,
    );
    const put = (sequence: number, kind: string, channel: string) =>
      box.put({ sequence, kind, channel } as unknown as SensorMessage);
    put(0, 'points', 'a');
    put(1, 'points', 'b');
    put(2, 'imu', 'i');
    put(3, 'imu', 'i');
    put(4, 'points', 'a');
    await settle();
    expect(seen).toEqual([2, 3, 1, 4]);
    expect([box.lateClouds, faults]).toEqual([1, 1]);
  });

  it('takes neither a wild stamp nor a silence for a jump', () => {
    const watch = new ClockWatch(5);
    const at = (seconds: number) => BigInt(Math.round(seconds * 1e9));
    expect(watch.jump('a', at(0), 0)).toBeUndefined();
    expect(watch.jump('a', at(9999), 100)).toBeUndefined();
    for (let n = 0; n < 9; n++) expect(watch.jump('a', at(60 + n), 60_000 + 1000 * n)).toBeUndefined();
  });

  it('reads parameters as they come', () => {
    const given = {
      use_sim_time: true,
      'map.loadRadius': 110n,
      'ros2.points': ['a', 'b'],
      'frames.mounts': '[{child: x}]',
    };
    expect(configFromParameters(given)).toEqual({
      map: { loadRadius: 110 },
      ros2: { points: ['a', 'b'] },
      frames: { mounts: [{ child: 'x' }] },
    });
  });
});

describe('without ROS 2', () => {
  const { ROS_DISTRO } = process.env;
  afterEach(() => {
    if (ROS_DISTRO !== undefined) process.env.ROS_DISTRO = ROS_DISTRO;
  });
  it('says what to source before anything is imported', async () => {
    delete process.env.ROS_DISTRO;
    await expect(openRclnodejs('x', [])).rejects.toThrow(/source \/opt\/ros/);
  });
});
