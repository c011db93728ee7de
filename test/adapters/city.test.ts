import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { CityDrive } from '../../src/adapters/sim/city/city-drive.ts';
import type { CityOptions } from '../../src/adapters/sim/city/city-options.ts';
import { CITY_LIDARS, spinning } from '../../src/adapters/sim/city/lidar-models.ts';
import { groundAt } from '../../src/adapters/sim/city/plan.ts';
import { CityGnss } from '../../src/adapters/sim/city/satellites.ts';
import { block, type CitySolid, solidNumbers, toCity, toMap } from '../../src/adapters/sim/city/solid.ts';
import { buildCity } from '../../src/adapters/sim/city/world.ts';
import { ORIGIN } from '../../src/adapters/sim/source.ts';
import { enuFrame } from '../../src/math/geodesy.ts';
import { Random } from '../../src/math/random.ts';
import { loadCore } from '../../src/native.ts';
import type { PointCloud2, SensorMessage, Vec3 } from '../../src/types.ts';

const core = loadCore({ core: 'auto' } as never);
const TINY = spinning('tiny', 8, 15, -15, 0.02, 128);

function drive(options: Partial<CityOptions> = {}): CityDrive {
  return new CityDrive({ core, seed: 4, lidar: TINY, light: () => 'walk', ...options });
}

async function run(city: CityDrive, steps: number, speed = 0, turn = 0): Promise<SensorMessage[]> {
  const messages = city.begin();
  for (let i = 0; i < steps; i++) messages.push(...(await city.step({ speed, turn })));
  return messages;
}

type Value<K> = Extract<SensorMessage, { kind: K }> extends { value: infer V } ? V : never;
function values<K extends SensorMessage['kind']>(messages: readonly SensorMessage[], kind: K): Value<K>[] {
  return messages.flatMap((m) => (m.kind === kind && 'value' in m ? [m.value as Value<K>] : []));
}

function hash(messages: readonly SensorMessage[]): string {
  const sum = createHash('sha256');
  for (const message of messages)
    sum.update(
      JSON.stringify(message, (key, value) => {
        if (typeof value === 'bigint') return String(value);
        return key === 'data' ? createHash('sha256').update(value).digest('hex') : value;
      }),
    );
  return sum.digest('hex');
}

/** Ranges of the points that came back, metres. */
function ranges({ data, pointStep }: PointCloud2): number[] {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const found: number[] = [];
  for (let at = 0; at < data.length; at += pointStep) {
    const range = Math.hypot(...[0, 4, 8].map((o) => view.getFloat32(at + o, true)));
    if (Number.isFinite(range)) found.push(range);
  }
  return found;
}
const spread = (numbers: readonly number[]) => {
  const mean = numbers.reduce((a, b) => a + b, 0) / numbers.length;
  return Math.sqrt(numbers.reduce((sum, x) => sum + (x - mean) ** 2, 0) / numbers.length);
};

describe('the simulated city', () => {
  it('is the same for the same seed, byte by byte, and another for another', async () => {
    const [one, again, other] = await Promise.all([4, 4, 5].map((seed) => run(drive({ seed }), 120, 1, 0.1)));
    expect(hash(one!)).toBe(hash(again!));
    expect(hash(other!)).not.toBe(hash(one!));
    expect(buildCity(1)).toEqual(buildCity(1));
    expect(buildCity(2)).not.toEqual(buildCity(1));
  });

  it('leaves the other sensors alone where one of them is set otherwise', async () => {
    const dry = await run(drive(), 100, 1);
    const wet = await run(drive({ rain: 40 }), 100, 1);
    for (const kind of ['imu', 'odometry', 'gnss'] as const)
      expect(values(wet, kind), kind).toEqual(values(dry, kind));
  });

  it('gives its messages in order of arrival, channel and sequence, with truth at each sweep', async () => {
    const messages = await run(drive(), 60, 1);
    messages.slice(1).forEach((message, i) => {
      const before = messages[i]!;
      expect(message.arrival).toBeGreaterThanOrEqual(before.arrival);
      if (message.arrival === before.arrival) expect(message.channel >= before.channel).toBe(true);
    });
    const times = values(messages, 'pose').map(({ stamp }) => stamp);
    for (const { stamp } of values(messages, 'points')) expect(times).toContain(stamp);
  });

  it('has axes whose turn and way back cancel, kerbs at 0.15 m, and no step on the way over the ramp', () => {
    for (const [u, v] of [
      [0, 0],
      [44, -9.5],
      [-31.2, 70],
    ] as const) {
      const back = toCity(...toMap(u, v));
      expect(Math.hypot(back[0] - u, back[1] - v)).toBeLessThan(1e-9);
    }
    expect(groundAt(0, -8).height - groundAt(0, -6.9).height).toBeCloseTo(0.15, 6);
    for (let v = -9.5; v < 38; v += 0.02)
      expect(Math.abs(groundAt(44, v + 0.02).height - groundAt(44, v).height), `v ${v}`).toBeLessThan(0.02);
  });
});

describe('its LiDARs', () => {
  it.each(Object.entries(CITY_LIDARS))('%s measures a wall where it stands', async (_, lidar) => {
    const wall = block('wall', 'stone', [-20, -14, 0], [60, -13, 40]);
    const city = drive({ survey: true, lidar, solids: [wall], start: [0, -9.5, -Math.PI / 2] });
    const clouds = values(await run(city, 20), 'points');
    expect(clouds[0]!.height * clouds[0]!.width).toBe(lidar.rows * lidar.columns);
    // The wall is at v = −13, 3.5 m ahead of the base and 3.4 m ahead of the sensor: nothing is nearer than that.
    const found = ranges(clouds[1]!);
    expect(found.length).toBeGreaterThan(1000);
    expect(Math.min(...found)).toBeGreaterThan(3.4 - 6 * lidar.rangeSigma);
    expect(Math.min(...found)).toBeLessThan(3.4 + 2 * lidar.rangeSigma);
  });

  it('have the rays that their data sheets say', () => {
    const rays = Object.fromEntries(Object.entries(CITY_LIDARS).map(([k, l]) => [k, l.rows * l.columns]));
    // 787,500 points/s at 10 Hz of the solid-state one: 78,750.
    expect(rays).toEqual({ 'spin-16': 16_384, 'spin-32': 32_768, 'spin-64': 65_536, 'solid-state': 78_750 });
    const degrees = [0, 624].map((c) => CITY_LIDARS['solid-state']!.direction(0, c)[0] * (180 / Math.PI));
    expect(degrees.map(Math.round)).toEqual([60, -60]);
  });

  it('move during the sweep: each point is seen from where the sensor was at its time', async () => {
    const ahead = block('wall', 'stone', [20, -30, 0], [21, 30, 40]);
    const nearest = async (speed: number) => {
      const city = drive({ survey: true, solids: [ahead], start: [0, -9.5, 0] });
      return Math.min(...ranges(values(await run(city, 200, speed), 'points').at(-1)!));
    };
    // 2 s with 0.9 m/s²: 1.62 m at the start of the last sweep, 1.8 m at its end. The ray ahead is fired at its middle:
    // 0.9/2 · 1.95² = 1.71 m.
    expect((await nearest(0)) - (await nearest(2))).toBeCloseTo(1.71, 1);
  });

  it('see less in rain, and drops near them', async () => {
    const [dry, wet] = await Promise.all([0, 50].map((rain) => run(drive({ rain }), 40)));
    const far = (messages: SensorMessage[]) => values(messages, 'points').flatMap(ranges);
    const [clear, wetRanges] = [far(dry!), far(wet!)];
    const near = (all: number[]) => all.filter((range) => range < 1.5).length;
    expect(wetRanges.filter((r) => r > 10).length).toBeLessThan(clear.filter((r) => r > 10).length);
    expect(near(wetRanges)).toBeGreaterThan(near(clear));
  });
});

describe('its IMU and wheels', () => {
  const shaken = async (start: readonly [number, number, number]) => {
    const messages = await run(drive({ start }), 300, 1.2);
    return spread(
      values(messages, 'imu')
        .slice(150)
        .map(({ linearAcceleration: [x] }) => x),
    );
  };

  it('are shaken by the ground: brick more than paving, paving more than asphalt', async () => {
    const [brick, paving, asphalt] = [
      await shaken([42, 45, Math.PI / 2]),
      await shaken([-30, -9.5, 0]),
      await shaken([-30, 0, 0]),
    ];
    expect(brick).toBeGreaterThan(2 * paving);
    expect(paving).toBeGreaterThan(1.5 * asphalt);
  });

  it('say gravity and nothing else while the robot stands, and wheels then do not turn', async () => {
    const messages = await run(drive(), 100);
    const mean = values(messages, 'imu').reduce((sum, m) => sum + m.linearAcceleration[2], 0) / 100;
    // Bias of at most a few times 0.04 m/s².
    expect(Math.abs(mean - 9.8)).toBeLessThan(0.2);
    expect(values(messages, 'odometry').every(({ linear }) => linear[0] === 0)).toBe(true);
  });

  it('slip: the way by the wheels is another than the true one, more on brick', async () => {
    const slip = async (start: readonly [number, number, number]) => {
      const speeds = values(await run(drive({ start }), 400, 1), 'odometry').slice(40);
      return spread(speeds.map(({ linear }) => linear[0]));
    };
    expect(await slip([42, 45, Math.PI / 2])).toBeGreaterThan(1.3 * (await slip([-30, 0, 0])));
  });

  it('feel it when somebody carries the robot, though the wheels stand', async () => {
    const city = drive();
    await run(city, 50);
    const from = city.body.pose.position;
    city.lift(5, 0, 0, 4);
    const messages: SensorMessage[] = [];
    for (let i = 0; i < 420; i++) messages.push(...(await city.step({ speed: 1, turn: 0 })));
    const [x, y] = city.body.pose.position;
    expect(Math.hypot(x - from[0], y - from[1])).toBeGreaterThan(4.9);
    expect(
      values(messages, 'odometry')
        .slice(0, 79)
        .every(({ linear }) => linear[0] === 0),
    ).toBe(true);
    expect(city.body.lift).toBeCloseTo(0, 6);
  });
});

describe('its satellites', () => {
  const frame = enuFrame(ORIGIN);
  /** Horizontal errors, m, and the squares of them over what the receiver says, along each street of the block. */
  const fixes = async (solids: readonly CitySolid[], place: readonly [number, number]) => {
    const scene = core.rayScene(solidNumbers(solids));
    const found: { error: Vec3; ratio: number }[] = [];
    for (let seed = 1; seed <= 30; seed++) {
      const at: Vec3 = [...toMap(...place), 1.2];
      const fix = await new CityGnss(frame, new Random(seed)).read(0n, scene, at, 1);
      if (!fix || fix.status < 0) continue;
      const [x, y, z] = frame.toEnu(fix.latitude, fix.longitude, fix.altitude);
      const error: Vec3 = [x - at[0], y - at[1], z - at[2]];
      const ratio = error[0] ** 2 / fix.covariance[0]! + error[1] ** 2 / fix.covariance[4]!;
      found.push({ error, ratio });
    }
    return found;
  };
  const median = (numbers: number[]) => numbers.sort((a, b) => a - b)[numbers.length >> 1]!;
  const flat = (all: { error: Vec3 }[]) => all.map(({ error }) => Math.hypot(error[0], error[1]));

  it('are exact to a metre under an open sky, and the receiver says so', async () => {
    const open = await fixes([], [0, -9.5]);
    expect(open.length).toBe(30);
    expect(median(flat(open))).toBeLessThan(1);
    // 13.8: one in a thousand of a circular normal.
    expect(open.every(({ ratio }) => ratio < 13.8)).toBe(true);
  });

  it('are wrong by metres between towers, or too few', async () => {
    const canyon = await fixes(buildCity(1), [0, -9.5]);
    expect(canyon.length).toBeLessThan(30);
    expect(median(flat(canyon))).toBeGreaterThan(3);
    // Most errors are within what it claims: else every fix of a street would have to be refused.
    expect(canyon.filter(({ ratio }) => ratio < 13.8).length).toBeGreaterThan(0.6 * canyon.length);
  });

  it('none is received in a lobby, and a receiver that never had a fix says nothing', async () => {
    expect(await fixes(buildCity(1), [56.5, 38])).toEqual([]);
  });
});

describe('its camera', () => {
  const before = [44, -9.5, Math.PI / 2] as const;

  it('sees the light ahead, but not one behind it or far away', async () => {
    expect(await drive({ start: before }).camera()).toEqual({ kind: 'sees', phase: 'walk' });
    expect(await drive({ start: [44, -9.5, -Math.PI / 2] }).camera()).toEqual({ kind: 'none' });
    expect(await drive({ start: [-30, -9.5, 0] }).camera()).toEqual({ kind: 'none' });
  });

  it('says what hides it', async () => {
    const truck = block('truck', 'metal', [40, -2, 0], [50, 2, 4]);
    expect(await drive({ start: before, extras: [truck] }).camera()).toEqual({
      kind: 'occluded',
      by: 'truck',
    });
  });
});
