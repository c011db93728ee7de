import { describe, expect, it } from 'vitest';
import type { Core, RaySweep } from '../../src/core.ts';
import { Random } from '../../src/math/random.ts';
import { quatFromRpy } from '../../src/math/so3.ts';
import { loadCore } from '../../src/native.ts';

const native = loadCore('auto');
const portable = loadCore('portable');
const cores: [string, Core][] = [
  ['portable', portable],
  ...(native.kind === 'native' ? ([['native', native]] as [string, Core][]) : []),
];

/** kind, x, y, bottom, top, yaw, a, b, velocity x, y */
const solid = (...numbers: number[]) => [...numbers, ...Array(10 - numbers.length).fill(0)];
const scene = (...solids: number[][]) => Float64Array.from(solids.flat());
function from(x: number, y: number, z: number, directions: number[], moving: number[] = []): RaySweep {
  return {
    directions: Float64Array.from(directions),
    poses: Float64Array.of(x, y, z, 0, 0, 0, 1),
    times: Float64Array.of(0),
    moving: Float64Array.from(moving),
    maxRange: 100,
  };
}
const S = Math.SQRT1_2;

function randomScene(random: Random): Float64Array {
  return scene(
    ...Array.from({ length: 60 }, (_, i) => {
      const bottom = random.uniform(-1, 3);
      return solid(
        i % 4,
        random.uniform(-40, 40),
        random.uniform(-40, 40),
        bottom,
        bottom + random.uniform(0.1, 6),
        random.uniform(-3, 3),
        random.uniform(0.1, i === 0 ? 60 : 4),
        random.uniform(0.1, 4),
      );
    }),
  );
}

function randomSweep(random: Random, moving: Float64Array): RaySweep {
  const [shots, each] = [20, 16];
  const directions = Float64Array.from(
    Array.from({ length: shots * each }, () => {
      const [azimuth, z] = [random.uniform(-Math.PI, Math.PI), random.uniform(-1, 1)];
      const flat = Math.sqrt(1 - z * z);
      return [flat * Math.cos(azimuth), flat * Math.sin(azimuth), z];
    }).flat(),
  );
  const poses = Float64Array.from(
    Array.from({ length: shots }, () => [
      random.uniform(-5, 5),
      random.uniform(-5, 5),
      1,
      ...quatFromRpy(random.uniform(-1, 1), random.uniform(-1, 1), random.uniform(-3, 3)),
    ]).flat(),
  );
  const times = Float64Array.from({ length: shots }, (_, i) => i / 10);
  return { directions, poses, times, moving, maxRange: 60 };
}

describe.each(cores)('rays of the %s core', (_, core) => {
  it('meet each solid where geometry says', async () => {
    // From (0, 0, 1): a box's face at x = 4; a cylinder of radius 1 about y = 5; a ball of radius 2 above at z = 6;
    // a wedge behind, whose top rises towards −x: at 45° down it is met where z = bottom + rise · (lx + a).
    const world = core.rayScene(
      scene(
        solid(0, 5, 0, 0, 3, 0, 1, 1),
        solid(1, 0, 5, 0, 3, 0, 1),
        solid(2, 0, 0, 4, 8, 0, 2),
        solid(3, -2, 0, 0, 2, Math.PI, 2, 1),
      ),
    );
    const hits = await world.cast(from(0, 0, 1, [1, 0, 0, 0, 1, 0, 0, 0, 1, -S, 0, -S, 0, -1, 0]));
    // The wedge: z = 1 − t S = (t S) / 2, so t S = 2/3; its normal leans by atan(1/2) from up.
    expect([...hits.ranges]).toEqual([4, 4, 3, Math.fround(2 / 3 / S), Number.POSITIVE_INFINITY]);
    expect([...hits.solids]).toEqual([0, 1, 2, 3, -1]);
    const leaning = (S * (1 + 0.5)) / Math.hypot(1, 0.5);
    for (const [i, cosine] of [1, 1, 1, leaning].entries()) expect(hits.cosines[i]).toBeCloseTo(cosine, 6);
  });

  it('see nothing of a solid that they start in, nor beyond the range', async () => {
    const world = core.rayScene(scene(solid(0, 0, 0, 0, 3, 0, 1, 1), solid(0, 101.5, 0, 0, 3, 0, 1, 1)));
    expect([...(await world.cast(from(0, 0, 1, [1, 0, 0]))).solids]).toEqual([-1]);
  });

  it('meet what moves where it is at the time of the shot', async () => {
    const world = core.rayScene(scene(solid(0, 30, 0, 0, 3, 0, 1, 1)));
    const sweep = {
      ...from(0, 0, 1, [1, 0, 0, 1, 0, 0], solid(1, 10, 0, 0, 2, 0, 1, 0, 2, 0)),
      poses: Float64Array.of(0, 0, 1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1),
      times: Float64Array.of(0, 0.5),
    };
    const hits = await world.cast(sweep);
    expect([...hits.ranges]).toEqual([9, 10]);
    expect([...hits.solids]).toEqual([1, 1]);
  });

  it('are refused where the numbers do not fit', async () => {
    expect(() => core.rayScene(Float64Array.of(0, 1))).toThrow(/10 finite numbers/);
    expect(() => core.rayScene(scene(solid(0, Number.NaN)))).toThrow(/10 finite numbers/);
    const world = core.rayScene(scene());
    await expect(world.cast({ ...from(0, 0, 0, [1, 0]), maxRange: 1 })).rejects.toThrow(/7 numbers/);
  });
});

describe.runIf(native.kind === 'native')('both cores', () => {
  it('see the same in random scenes, on any number of threads', async () => {
    for (let seed = 0; seed < 20; seed++) {
      const random = new Random(seed);
      const solids = randomScene(random);
      const sweep = randomSweep(random, randomScene(random).subarray(0, 100));
      native.setThreads(1);
      const a = await native.rayScene(solids).cast(sweep);
      native.setThreads(2);
      const again = await native.rayScene(solids).cast(sweep);
      const b = await portable.rayScene(solids).cast(sweep);
      expect(again).toEqual(a);
      expect(a.solids.some((hit) => hit >= 0)).toBe(true);
      expect(b.solids).toEqual(a.solids);
      for (const [i, range] of a.ranges.entries())
        if (range < Number.POSITIVE_INFINITY) expect(b.ranges[i]! / range).toBeCloseTo(1, 5);
    }
  });
});
