import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { degrade } from '../../src/adapters/replay/degrade.ts';
import { degradeConfig } from '../../src/adapters/replay/degrade-config.ts';
import { enuFrame } from '../../src/math/geodesy.ts';
import { mean, rms } from '../../src/math/statistics.ts';
import { norm } from '../../src/math/vec3.ts';
import type { SensorSource } from '../../src/ports.ts';
import type { GnssFix, PointCloud2, SensorMessage, Vec3 } from '../../src/types.ts';

const START = 1_000_000_000_000n;
const ORIGIN = { lat: 37.49794, lon: 127.02762, ellipsoidalHeight: 45.2 };
const FRAME = enuFrame(ORIGIN);

describe('degrade', () => {
  it('changes nothing by default: the very same messages', async () => {
    const messages = drive(10);
    const spoiled = await run(messages, {});
    expect(spoiled.length).toBe(messages.length);
    expect(spoiled.every((message, i) => message === messages[i])).toBe(true);
  });

  it('spoils alike by seed, and otherwise by another', async () => {
    const config = {
      gnss: 'canyon',
      lidar: { lostRings: 0.3, outliers: 0.1, hiddenSectors: [{ from: 170, to: -170 }] },
      stamps: { late: [{ on: '/points', seconds: 0.25, fraction: 0.5 }], doubled: 0.1, outOfOrder: 0.1 },
    };
    const first = digest(await run(drive(10), { ...config, seed: 4 }));
    expect(digest(await run(drive(10), { ...config, seed: 4 }))).toBe(first);
    expect(digest(await run(drive(10), { ...config, seed: 5 }))).not.toBe(first);
  });

  it('reads twice alike, and never writes to the source’s buffers', async () => {
    const messages = drive(5);
    const before = digest(messages);
    const source = degrade(
      fake(messages),
      degradeConfig.parse({ gnss: 'canyon', lidar: { outliers: 0.5, lostRings: [1] } }),
    );
    const first = digest(await collect(source));
    expect(digest(await collect(source))).toBe(first);
    expect(digest(messages)).toBe(before);
  });

  it('refuses unknown keys, values out of range, and a late channel that is not there', () => {
    expect(degradeConfig.safeParse({ gnss: { whit: 1 } }).error?.issues[0]).toMatchObject({
      code: 'unrecognized_keys',
      path: ['gnss'],
    });
    expect(degradeConfig.safeParse({ lidar: { outliers: 1.5 } }).success).toBe(false);
    expect(degradeConfig.safeParse({ gnss: 'tunnel' }).success).toBe(false);
    const late = degradeConfig.parse({ stamps: { late: [{ on: '/pionts', seconds: 1 }] } });
    expect(() => degrade(fake(drive(1)), late)).toThrow(/expected one of points, .*found \/pionts/);
  });
});

describe('GNSS', () => {
  it('white noise has the sigma asked for, on each axis, and leaves the claim alone', async () => {
    const fixes = await gnss({ white: 2 }, 400);
    for (const axis of [0, 1, 2] as const) {
      const errors = fixes.map(({ error }) => error[axis]);
      // 4000 draws: the sigma of their rms is 2/√8000 = 0.022, of their mean 0.032.
      expect(Math.abs(rms(errors) - 2)).toBeLessThan(0.1);
      expect(Math.abs(mean(errors))).toBeLessThan(0.15);
    }
    expect(fixes.every(({ fix }) => fix.covariance[0] === 0.01)).toBe(true);
  });

  it('the bias keeps its length, is horizontal, and drifts slowly', async () => {
    const fixes = await gnss({ bias: { magnitude: 5, driftRate: 0.1 } }, 200);
    for (const { error } of fixes) {
      expect(norm(error)).toBeCloseTo(5, 4);
      expect(error[2]).toBeCloseTo(0, 4);
    }
    const turns = fixes.slice(10).map(({ error }, i) => {
      const before = fixes[i]!.error;
      return Math.atan2(
        before[0] * error[1] - before[1] * error[0],
        before[0] * error[0] + before[1] * error[1],
      );
    });
    expect(rms(turns)).toBeGreaterThan(0.05);
    expect(rms(turns)).toBeLessThan(0.15);
  });

  it('each option has its own random numbers: an outage or the noise does not move the bias', async () => {
    const bias = { magnitude: 5 };
    const plain = await gnss({ bias }, 30);
    const cut = await gnss({ bias, outages: [{ at: 5, for: 10 }], rate: 5 }, 30);
    const at = new Map(plain.map(({ fix, error }) => [fix.stamp, error]));
    for (const { fix, error } of cut) expect(error).toEqual(at.get(fix.stamp));
  });

  it('jumps by the size, for the time, in one direction', async () => {
    const fixes = await gnss({ jumps: [{ at: 3, for: 2, size: 20 }] }, 10);
    const off = fixes.filter(({ error }) => norm(error) > 1e-3);
    expect(off.map(({ seconds }) => seconds)).toEqual(Array.from({ length: 20 }, (_, i) => (30 + i) / 10));
    for (const { error } of off) {
      expect(norm(error)).toBeCloseTo(20, 3);
      expect(error[0]).toBeCloseTo(off[0]!.error[0], 3);
    }
  });

  it('freezes at the last position with fresh stamps', async () => {
    const fixes = await gnss({ white: 3, freeze: [{ at: 2, for: 1 }] }, 5);
    expect(fixes.length).toBe(50);
    const frozen = fixes.filter(({ seconds }) => seconds >= 2 && seconds < 3);
    const last = fixes.find(({ seconds }) => seconds === 1.9)!.fix;
    for (const { fix, seconds } of frozen) {
      expect(fix).toEqual({ ...last, stamp: stampAt(seconds) });
    }
    expect(fixes.find(({ seconds }) => seconds === 3)!.fix.latitude).not.toBe(last.latitude);
  });

  it('has no fixes in an outage, and no more than `rate`', async () => {
    const fixes = await gnss({ rate: 2, outages: [{ at: 2, for: 3 }] }, 8);
    expect(fixes.map(({ seconds }) => seconds)).toEqual([0, 0.5, 1, 1.5, 5, 5.5, 6, 6.5, 7, 7.5]);
  });

  it('leaves a receiver without a position alone', async () => {
    const fix = { ...fixAt(0), status: -1, latitude: Number.NaN };
    const message: SensorMessage = { channel: '/fix', arrival: START, sequence: 0, kind: 'gnss', value: fix };
    expect(await run([message], { gnss: { white: 1 } })).toEqual([message]);
  });

  it('canyon: 5 m and 1.5 m at 1 Hz, honest and dishonest by turns of 5 s', async () => {
    const fixes = await gnss('canyon', 300);
    expect(fixes.length).toBe(300);
    const horizontal = rms(fixes.map(({ error: [x, y] }) => Math.hypot(x, y)));
    // √(5² + 2 · 1.5²) = 5.43
    expect(Math.abs(horizontal - 5.43)).toBeLessThan(0.3);
    expect(Math.abs(rms(fixes.map(({ error }) => error[2])) - 1.5)).toBeLessThan(0.25);
    for (const { fix, seconds } of fixes) {
      const sigma = Math.sqrt(fix.covariance[0]!);
      expect(sigma).toBeCloseTo(Math.floor(seconds / 5) % 2 === 0 ? Math.sqrt(25 + 2.25 + 0.01) : 0.3, 9);
      expect(fix.covarianceType).toBe(2);
    }
  });
});

describe('LiDAR', () => {
  it('loses the rings named, by row of an organised cloud, by field, by elevation', async () => {
    const [rows] = await clouds({ lostRings: [1, 3] }, organised());
    expect(hidden(rows!)).toEqual(organised().rings.map((ring) => ring === 1 || ring === 3));
    const [field] = await clouds({ lostRings: [2] }, flat(true));
    expect(hidden(field!)).toEqual(flat(true).rings.map((ring) => ring === 2));
    // Rings of `flat` lie at −10, −5, 0, 5 degrees.
    const [elevation] = await clouds({ lostRings: [-5] }, flat(false));
    expect(hidden(elevation!)).toEqual(flat(false).rings.map((ring) => ring === 1));
  });

  it('loses whole rings by part, the same through a drive, and more of them with a larger part', async () => {
    const few = await clouds({ lostRings: 0.3 }, organised(64), 3);
    const more = await clouds({ lostRings: 0.6 }, organised(64), 3);
    const { rings } = organised(64);
    const lost = (cloud: PointCloud2) => {
      const isHidden = hidden(cloud);
      return new Set(rings.filter((_, i) => isHidden[i]));
    };
    expect(lost(few[2]!)).toEqual(lost(few[0]!));
    expect(lost(few[0]!).size).toBeGreaterThan(8);
    expect(lost(few[0]!).size).toBeLessThan(32);
    for (const ring of lost(few[0]!)) expect(lost(more[0]!)).toContain(ring);
  });

  it('hides sectors, also across the back', async () => {
    const [cloud] = await clouds({ hiddenSectors: [{ from: 135, to: -135 }] }, organised());
    const original = organised();
    const expected = original.azimuths.map((azimuth) => Math.abs(azimuth) >= 135);
    expect(hidden(cloud!)).toEqual(expected);
  });

  it('moves the part of points asked for along their rays, and leaves the others’ bytes', async () => {
    const original = organised(64);
    const [cloud] = await clouds({ outliers: 0.2 }, original);
    const [before, after] = [xyz(original.cloud), xyz(cloud!)];
    const moved = before.map((p, i) => norm(p) !== norm(after[i]!));
    // 4608 points: sigma of the part is 0.006.
    expect(Math.abs(mean(moved.map(Number)) - 0.2)).toBeLessThan(0.03);
    for (const [i, p] of before.entries()) {
      const q = after[i]!;
      if (!moved[i]) expect(q).toEqual(p);
      for (const axis of [0, 1, 2] as const) expect(q[axis] / norm(q)).toBeCloseTo(p[axis] / norm(p), 5);
      if (moved[i]) expect(norm(q)).toBeGreaterThan(0.49);
    }
  });

  it('passes a cloud that says more than it holds to whoever refuses it', async () => {
    const short = { ...organised().cloud, data: new Uint8Array(10) };
    const spoiled = await run([cloudMessage(short, 0)], { lidar: { lostRings: 0.5 } });
    expect(spoiled[0]!.kind === 'points' && spoiled[0]!.value).toBe(short);
  });
});

describe('outages', () => {
  it('of LiDAR, IMU and odometry leave nothing in them and everything else', async () => {
    const outages = [{ at: 2, for: 3 }];
    const messages = drive(10);
    for (const [key, kind] of [
      ['lidar', 'points'],
      ['imu', 'imu'],
      ['odometry', 'odometry'],
    ] as const) {
      const spoiled = await run(messages, { [key]: { outages } });
      const isOut = (m: SensorMessage) => m.kind === kind && secondsOf(m) >= 2 && secondsOf(m) < 5;
      expect(spoiled).toEqual(messages.filter((message) => !isOut(message)));
    }
    const source = degrade(fake(messages), degradeConfig.parse({ lidar: { outages } }));
    expect(source.describe().clouds).toBeUndefined();
  });
});

describe('stamps', () => {
  it('late: arrives later with its own stamp, and the order of arrival holds', async () => {
    const messages = drive(10);
    const spoiled = await run(messages, { stamps: { late: [{ on: 'points', seconds: 0.33 }] } });
    expect(spoiled.length).toBe(messages.length);
    expectOrdered(spoiled);
    for (const message of spoiled) {
      if (message.kind === 'points') expect(message.arrival - message.value.stamp).toBe(330_000_000n);
      else expect(messages).toContain(message);
    }
  });

  it('doubled: the part asked for comes twice, the same message next', async () => {
    const messages = drive(60);
    const spoiled = await run(messages, { stamps: { doubled: 0.25 } });
    const twice = spoiled.filter((message, i) => message === spoiled[i + 1]);
    const measured = messages.filter(({ kind }) => kind !== 'mount' && kind !== 'pose');
    expect(Math.abs(twice.length / measured.length - 0.25)).toBeLessThan(0.03);
    expect(spoiled.filter((message, i) => message !== spoiled[i + 1])).toEqual(messages);
    expect(twice.some(({ kind }) => kind === 'mount' || kind === 'pose')).toBe(false);
  });

  it('out of order: the next of its channel overtakes, nothing is lost, the order of arrival holds', async () => {
    const messages = drive(60);
    const spoiled = await run(messages, { stamps: { outOfOrder: 0.2 } });
    expectOrdered(spoiled);
    for (const channel of ['/points', '/fix', '/imu', '/odom', '/tf_static', '/truth']) {
      const sequences = spoiled.filter((m) => m.channel === channel).map((m) => m.sequence);
      const all = messages.filter((m) => m.channel === channel).map((m) => m.sequence);
      expect([...sequences].sort((a, b) => a - b)).toEqual(all);
      expect(sequences.every((sequence, i) => Math.abs(sequence - i) <= 1)).toBe(true);
      const swapped = sequences.filter((sequence, i) => sequence > i).length;
      const share = swapped / all.length;
      // A held message takes the next one with it: p / (1 + p) of all.
      if (channel === '/imu') expect(Math.abs(share - 0.2 / 1.2)).toBeLessThan(0.03);
      if (channel === '/tf_static' || channel === '/truth') expect(swapped).toBe(0);
    }
  });
});

/** 10 Hz of each kind, 4 × 72 points a cloud; every fix at the origin with sigma 0.1 m. */
function drive(seconds: number): SensorMessage[] {
  const messages: SensorMessage[] = [
    {
      channel: '/tf_static',
      arrival: START,
      sequence: 0,
      kind: 'mount',
      value: { parent: 'base_link', child: 'lidar', T_parent_child: pose },
    },
  ];
  for (let sequence = 0; sequence < seconds * 10; sequence++) {
    const stamp = stampAt(sequence / 10);
    const item = { arrival: stamp, sequence };
    messages.push(
      { ...item, channel: '/fix', kind: 'gnss', value: fixAt(sequence / 10) },
      {
        ...item,
        channel: '/imu',
        kind: 'imu',
        value: { stamp, frameId: 'imu', angularVelocity: [0, 0, 0], linearAcceleration: [0, 0, 9.8] },
      },
      {
        ...item,
        channel: '/odom',
        kind: 'odometry',
        value: {
          stamp,
          frameId: 'odom',
          childFrameId: 'base_link',
          pose,
          linear: [1, 0, 0],
          angular: [0, 0, 0],
        },
      },
      cloudMessage({ ...organised().cloud, stamp }, sequence),
      { ...item, channel: '/truth', kind: 'pose', value: { stamp, pose } },
    );
  }
  return messages.sort((a, b) => Number(a.arrival - b.arrival) || (a.channel < b.channel ? -1 : 1));
}

const pose = { position: [0, 0, 0], orientation: [0, 0, 0, 1] } as const;

function cloudMessage(cloud: PointCloud2, sequence: number): SensorMessage {
  return { channel: '/points', arrival: stampAt(sequence / 10), sequence, kind: 'points', value: cloud };
}

function fixAt(seconds: number): GnssFix {
  return {
    stamp: stampAt(seconds),
    frameId: 'gnss',
    status: 0,
    latitude: ORIGIN.lat,
    longitude: ORIGIN.lon,
    altitude: ORIGIN.ellipsoidalHeight,
    covariance: [0.01, 0, 0, 0, 0.01, 0, 0, 0, 0.01],
    covarianceType: 2,
  };
}

interface Rings {
  readonly cloud: PointCloud2;
  readonly rings: number[];
  readonly azimuths: number[];
}

/** Rows are rings, 5° apart from −10°; columns lie every 5° of azimuth from −177.5°; 10 m away. */
function organised(rows = 4): Rings {
  return ringCloud(rows, rows, false);
}

/** The same points in one row, with a field `ring` (uint16) or without. */
function flat(withRing: boolean): Rings {
  return ringCloud(4, 1, withRing);
}

function ringCloud(count: number, height: number, withRing: boolean): Rings {
  const step = 16;
  const view = new DataView(new ArrayBuffer(count * 72 * step));
  const rings = Array.from({ length: count * 72 }, (_, i) => Math.floor(i / 72));
  const azimuths = rings.map((_, i) => -177.5 + (i % 72) * 5);
  for (const [i, ring] of rings.entries()) {
    const elevation = ((-10 + ((ring * 5) % 40)) * Math.PI) / 180;
    const azimuth = (azimuths[i]! * Math.PI) / 180;
    view.setFloat32(i * step, 10 * Math.cos(elevation) * Math.cos(azimuth), true);
    view.setFloat32(i * step + 4, 10 * Math.cos(elevation) * Math.sin(azimuth), true);
    view.setFloat32(i * step + 8, 10 * Math.sin(elevation), true);
    view.setUint16(i * step + 12, ring, true);
  }
  const fields = ['x', 'y', 'z'].map((name, i) => ({ name, offset: 4 * i, datatype: 7, count: 1 }));
  if (withRing) fields.push({ name: 'ring', offset: 12, datatype: 4, count: 1 });
  const width = (count * 72) / height;
  const cloud: PointCloud2 = {
    stamp: START,
    frameId: 'lidar',
    height,
    width,
    fields,
    isBigEndian: false,
    pointStep: step,
    rowStep: width * step,
    data: new Uint8Array(view.buffer),
  };
  return { cloud, rings, azimuths };
}

function xyz(cloud: PointCloud2): Vec3[] {
  const view = new DataView(cloud.data.buffer, cloud.data.byteOffset);
  return Array.from({ length: cloud.data.length / 16 }, (_, i): Vec3 => {
    return [
      view.getFloat32(16 * i, true),
      view.getFloat32(16 * i + 4, true),
      view.getFloat32(16 * i + 8, true),
    ];
  });
}

function hidden(cloud: PointCloud2): boolean[] {
  return xyz(cloud).map(([x]) => Number.isNaN(x));
}

function fake(messages: readonly SensorMessage[]): SensorSource {
  const channels = Object.fromEntries(messages.map(({ channel, kind }) => [channel, kind]));
  return {
    describe: () => ({
      name: 'fake',
      start: START,
      end: messages.at(-1)!.arrival,
      channels,
      clouds: messages.filter(({ kind }) => kind === 'points').length,
    }),
    async *messages() {
      yield* messages;
    },
    close: async () => {},
  };
}

async function collect(source: SensorSource): Promise<SensorMessage[]> {
  const messages: SensorMessage[] = [];
  for await (const message of source.messages()) messages.push(message);
  return messages;
}

function run(messages: readonly SensorMessage[], config: unknown): Promise<SensorMessage[]> {
  return collect(degrade(fake(messages), degradeConfig.parse(config)));
}

async function gnss(config: unknown, seconds: number) {
  const fixes = Array.from({ length: seconds * 10 }, (_, sequence): SensorMessage => {
    const value = fixAt(sequence / 10);
    return { channel: '/fix', arrival: value.stamp, sequence, kind: 'gnss', value };
  });
  return (await run(fixes, { gnss: config })).flatMap((message) => {
    if (message.kind !== 'gnss') return [];
    const { latitude, longitude, altitude } = message.value;
    const error = FRAME.toEnu(latitude, longitude, altitude);
    return [{ fix: message.value, error, seconds: secondsOf(message) }];
  });
}

async function clouds(config: unknown, { cloud }: Rings, count = 1): Promise<PointCloud2[]> {
  const messages = Array.from({ length: count }, (_, sequence) => cloudMessage(cloud, sequence));
  return (await run(messages, { lidar: config })).flatMap((m) => (m.kind === 'points' ? [m.value] : []));
}

function stampAt(seconds: number): bigint {
  return START + BigInt(Math.round(seconds * 1e9));
}

function secondsOf(message: SensorMessage): number {
  return Number(message.arrival - START) / 1e9;
}

function expectOrdered(messages: readonly SensorMessage[]): void {
  for (const [i, message] of messages.entries()) {
    const before = messages[i - 1];
    if (!before) continue;
    const inOrder =
      before.arrival < message.arrival ||
      (before.arrival === message.arrival &&
        (before.channel < message.channel ||
          (before.channel === message.channel && before.sequence <= message.sequence)));
    expect(inOrder).toBe(true);
  }
}

function digest(messages: readonly SensorMessage[]): string {
  const hash = createHash('sha256');
  for (const message of messages) {
    if (message.kind === 'points') hash.update(message.value.data);
    hash.update(
      JSON.stringify(message, (key, value) =>
        key === 'data' ? undefined : typeof value === 'bigint' ? String(value) : value,
      ),
    );
  }
  return hash.digest('hex');
}
