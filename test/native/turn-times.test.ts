import { describe, expect, it } from 'vitest';
import type { Core, Turn } from '../../src/core.ts';
import { Random } from '../../src/math/random.ts';
import { IDENTITY } from '../../src/math/se3.ts';
import { quatFromRpy } from '../../src/math/so3.ts';
import { loadCore } from '../../src/native.ts';
import { createPortableCore } from '../../src/portable/core.ts';
import type { Pose } from '../../src/types.ts';
import { reasonOf } from './core-contract.ts';
import { COLUMNS, type Kept, offWalls, PERIOD, TWIST, turnInRoom } from './turning-room.ts';

const LIMITS = { minRange: 0.5, maxRange: 100 };
const ORDER: Turn = { told: 'order', period: PERIOD, stampAt: 0, direction: 'clockwise', start: 0 };
const T_base_lidar: Pose = { position: [0.3, -0.1, 0.4], orientation: quatFromRpy(0, 0, 2) };
const KEPT: readonly Kept[] = ['column by firing', 'row by firing', 'one by one'];
const MOUNTED = { T_base_lidar, stampAt: 0 };

const cores: [string, Core][] = [['portable', createPortableCore()]];
try {
  cores.push(['native', loadCore('native')]);
} catch {
  console.warn('skipped: the native addon is not built; run: make -C native addon');
}

describe.each(cores)('times by the turn of the sensor, %s core', (_name, core) => {
  const deskewed = async (message: Parameters<Core['decodePointCloud2']>[0], turn?: Turn) => {
    const { cloud, times } = await core.decodePointCloud2(message, { ...LIMITS, ...(turn && { turn }) });
    const level = await core.deskew(cloud, T_base_lidar, TWIST);
    return { times, cloud, ...offWalls(level.arrays().positions) };
  };

  it.each(KEPT.flatMap((kept) => [true, false].map((clockwise) => ({ kept, clockwise }))))(
    'undoes the motion of a turn whose points lie $kept, clockwise: $clockwise',
    async ({ kept, clockwise }) => {
      for (const [start, stampAt] of [
        [Math.PI, 0],
        [-1.1, 0.5],
        [0.4, 1],
      ] as const) {
        const random = new Random(3);
        const message = turnInRoom({ kept, clockwise, start, stampAt, T_base_lidar, random });
        const without = await deskewed(message);
        const by = await deskewed(message, { ...ORDER, stampAt });
        expect([without.times, by.times]).toEqual(['none', 'turn']);
        // In a turn the base drives 15 cm and turns by 0.1 rad.
        expect(without.max).toBeGreaterThan(0.1);
        // Rings look 4° aside: a hundredth of a turn, 1 ms, 1 mm along and 2 cm at 14 m by the turn of the base.
        expect(by.max).toBeLessThan(0.03);
        expect(by.mean).toBeLessThan(0.15 * without.mean);
      }
    },
  );

  it('undoes it for points that are sorted ring by ring where it is told how the sensor turns, and else says so', async () => {
    const start = 2.2;
    const message = turnInRoom({ ...MOUNTED, kept: 'ring by ring', clockwise: true, start });
    const untold = await deskewed(message, ORDER);
    expect([untold.times, untold.cloud.hasTimes]).toEqual(['none', false]);
    const told = await deskewed(message, { ...ORDER, told: 'azimuth', start });
    expect(told.times).toBe('turn');
    expect(told.mean).toBeLessThan(0.15 * untold.mean);
  });

  it('keeps the times that the driver gives, and takes those of the turn where they do not advance', async () => {
    const options = { ...MOUNTED, kept: 'column by firing', clockwise: true, start: 1 } as const;
    const timed = await core.decodePointCloud2(turnInRoom({ ...options, timed: true }), {
      ...LIMITS,
      turn: ORDER,
    });
    expect(timed.times).toBe('driver');
    const message = turnInRoom({ ...options, timed: true });
    const stuck = { ...message, data: message.data.slice() };
    const view = new DataView(stuck.data.buffer);
    for (let at = 12; at + 4 <= stuck.data.length; at += 16) view.setFloat32(at, 0, true);
    const found = await core.decodePointCloud2(stuck, { ...LIMITS, turn: ORDER });
    expect(found.times).toBe('turn');
    const [a, b] = [timed.cloud.arrays().times!, found.cloud.arrays().times!];
    // Rings that look aside are told apart from the column by up to a hundredth of a turn.
    const apart = Math.max(...a.map((time, i) => Math.abs(time - b[i]!)));
    expect(apart).toBeLessThan(0.012 * PERIOD + PERIOD / COLUMNS);
  });

  it('says nothing of points in no order, of none, and where nothing is to be told', async () => {
    const message = turnInRoom({ ...MOUNTED, kept: 'one by one', clockwise: true, start: 0 });
    const mixed = { ...message, data: message.data.slice() };
    const random = new Random(4);
    for (let i = message.width - 1; i > 0; i--) {
      const j = Math.floor(random.uniform(0, i + 1));
      const [one, other] = [i, j].map((k) => mixed.data.slice(16 * k, 16 * k + 16));
      mixed.data.set(other!, 16 * i);
      mixed.data.set(one!, 16 * j);
    }
    expect((await deskewed(mixed, ORDER)).times).toBe('none');
    expect((await deskewed(message, { ...ORDER, told: 'none' })).times).toBe('none');
    const empty = { ...message, width: 0, data: new Uint8Array() };
    expect((await core.decodePointCloud2(empty, { ...LIMITS, turn: ORDER })).times).toBe('none');
  });

  it('refuses a turn that is none', async () => {
    const message = turnInRoom({ ...MOUNTED, kept: 'one by one', clockwise: true, start: 0 });
    const wrong = [
      { ...ORDER, told: 'guess' },
      { ...ORDER, direction: 'left' },
      { ...ORDER, period: 0 },
      { ...ORDER, period: 2 },
      { ...ORDER, stampAt: Number.NaN },
      { ...ORDER, start: 7 },
    ];
    for (const turn of wrong)
      expect(await reasonOf(() => core.decodePointCloud2(message, { ...LIMITS, turn: turn as Turn }))).toBe(
        'bad-argument',
      );
  });
});

it.runIf(cores.length > 1)('both cores tell the same times', async () => {
  const random = new Random(5);
  for (const kept of [...KEPT, 'ring by ring' as const])
    for (let n = 0; n < 4; n++) {
      const clockwise = n % 2 === 0;
      const start = random.uniform(-3, 3);
      const message = turnInRoom({ kept, clockwise, start, stampAt: 0, T_base_lidar: IDENTITY, random });
      const told = kept === 'ring by ring' ? 'azimuth' : 'order';
      const turn: Turn = { ...ORDER, told, start, direction: clockwise ? 'clockwise' : 'counter-clockwise' };
      const [a, b] = await Promise.all(
        cores.map(
          async ([, core]) =>
            (await core.decodePointCloud2(message, { ...LIMITS, turn })).cloud.arrays().times!,
        ),
      );
      expect(a!.length).toBe(b!.length);
      let worst = 0;
      a!.forEach((time, i) => {
        const apart = Math.abs(time - b![i]!);
        // A point where the turn begins may count as its first or its last.
        worst = Math.max(worst, told === 'azimuth' ? Math.min(apart, Math.abs(apart - PERIOD)) : apart);
      });
      expect(worst).toBeLessThan(2e-7);
    }
});
