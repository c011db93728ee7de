import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPermitted, wayTo } from '../../src/adapters/recorder/upload/network.ts';
import { Pace } from '../../src/adapters/recorder/upload/pace.ts';
import { ParkedWatch } from '../../src/adapters/recorder/upload/parked-watch.ts';
import type { RobotStatus } from '../../src/ports/robot.ts';
import type { SensorMessage } from '../../src/types.ts';

const at = (seconds: number) => 1_700_000_000_000_000_000n + BigInt(Math.round(seconds * 1e9));

describe('parked', () => {
  const wheels = (seconds: number, speed: number, turn = 0): SensorMessage => ({
    channel: '/odom',
    arrival: at(seconds),
    sequence: 0,
    kind: 'odometry',
    value: {
      stamp: at(seconds),
      frameId: 'odom',
      childFrameId: 'base_link',
      pose: { position: [0, 0, 0], orientation: [0, 0, 0, 1] },
      linear: [speed, 0, 0],
      angular: [0, 0, turn],
    },
  });
  const status = (seconds: number, x: number, remaining?: number) =>
    ({
      frame: { stamp: at(seconds), pose: { position: [x, 0, 0], orientation: [0, 0, 0, 1] } },
      ...(remaining !== undefined && { route: { remaining } }),
    }) as unknown as RobotStatus;

  it('is a robot that has stood for a while and has nowhere to go', () => {
    const watch = new ParkedWatch(10);
    expect(watch.fault).toContain('nobody knows');
    for (let t = 0; t <= 9; t++) watch.message(wheels(t, 0));
    expect(watch.fault).toContain('9 of 10 s');
    watch.message(wheels(10, 0.01));
    expect(watch.fault).toBeUndefined();
    for (const moving of [wheels(11, 0.2), wheels(11, 0, 0.3)]) {
      const other = new ParkedWatch(10);
      for (let t = 0; t <= 10; t++) other.message(wheels(t, 0));
      other.message(moving);
      other.message(wheels(12, 0));
      expect(other.fault).toContain('0 of 10 s');
    }
    // It waits at a light: a route is left. Arrived, it is parked.
    watch.status(status(11, 5, 40));
    for (let t = 11; t <= 22; t++) {
      watch.message(wheels(t, 0));
      watch.status(status(t, 5, t < 22 ? 40 : 0.3));
      expect(watch.fault === undefined, `${t}`).toBe(t === 22);
    }
    // Carried away, or without news.
    watch.status(status(23, 9));
    expect(watch.fault).toContain('of 10 s');
    const silent = new ParkedWatch(10);
    for (let t = 0; t <= 10; t++) silent.message(wheels(t, 0));
    silent.pass(at(16));
    expect(silent.fault).toContain('nobody knows');
  });

  it('needs no wheels where there is a pose', () => {
    const watch = new ParkedWatch(10);
    for (let t = 0; t <= 10; t++) watch.status(status(t, 0.01 * t));
    expect(watch.fault).toBeUndefined();
    // Creeping is driving.
    const creeping = new ParkedWatch(10);
    for (let t = 0; t <= 30; t++) {
      creeping.status(status(t, 0.05 * t));
      expect(creeping.fault).toBeDefined();
    }
  });
});

it('a pace lets no more through than its rate, whatever is asked for, and no less', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 2, maxLength: 60 }),
      async (sizes) => {
        let now = 0;
        const pace = new Pace(
          50_000,
          () => now,
          async (ms) => {
            now += ms;
          },
        );
        let passed = 0;
        for (const size of sizes) {
          await pace.take(size);
          // The first goes at once; then what went before has had its time.
          expect(passed).toBeLessThanOrEqual(50 * now + 1e-6);
          expect(passed).toBeGreaterThanOrEqual(50 * now - 1e-6);
          passed += size;
        }
      },
    ),
    { seed: 2, numRuns: 50 },
  );
});

describe('the way out', () => {
  it('is the one that the routing table gives', async () => {
    expect(await wayTo('127.0.0.1', 9)).toEqual({ address: '127.0.0.1', interface: 'lo' });
    expect(await wayTo('no-such-host.invalid', 9)).toBeUndefined();
  });

  it.each([
    ['10.20.3.4', 'wlan0', ['10.20.0.0/16'], true],
    ['10.21.3.4', 'wlan0', ['10.20.0.0/16', '192.168.0.0/24'], false],
    ['10.21.3.4', 'wwan0', ['eth0', 'wlan0'], false],
    ['10.21.3.4', 'eth0', ['eth0'], true],
    ['10.21.3.4', undefined, ['eth0', 'undefined'], false],
    ['10.21.3.4', 'eth0', [], false],
    ['fd00::5', 'eth1', ['fd00::/8'], true],
    ['10.1.1.1', 'eth1', ['::/0'], false],
    ['fd00::5', 'eth1', ['0.0.0.0/0'], false],
  ] as const)('%s of %s by %j: %s', (address, name, networks, permitted) => {
    expect(isPermitted({ address, interface: name }, networks)).toBe(permitted);
  });

  it.each(['10.0.0/8', '10.0.0.0/33', '10.0.0.0/', 'eth0/1', '::/129'])('refuses the range %s', (range) => {
    expect(() => isPermitted({ address: '10.0.0.1', interface: 'eth0' }, [range])).toThrow(
      /expected an interface/,
    );
  });
});
