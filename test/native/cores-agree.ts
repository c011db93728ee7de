import { describe, expect, it } from 'vitest';
import type { AlignOptions, CloudArrays, Core } from '../../src/core.ts';
import { Random } from '../../src/math/random.ts';
import { relative } from '../../src/math/se3.ts';
import { logSo3, quatFromRpy } from '../../src/math/so3.ts';
import { norm } from '../../src/math/vec3.ts';
import { encodePcd } from '../../src/pointcloud/pcd.ts';
import { createPortableCore } from '../../src/portable/core.ts';
import { type Pose, refusalReason } from '../../src/types.ts';
import { corner, distributions, type Layout, pointCloud2, scatter, seenFrom } from './clouds.ts';

/** The native core against the portable one, on the same inputs: each is the other's oracle. */
export function coresAgree(makeNative: () => Core): void {
  describe('native and portable core', () => {
    const native = makeNative();
    const portable = createPortableCore();
    const cores = [native, portable] as const;
    const random = new Random(21);

    it('decode the same points and times of random layouts', async () => {
      for (let n = 0; n < 60; n++) {
        const { layout, rows } = randomMessage(random);
        const message = pointCloud2(layout, rows);
        const [a, b] = await both(cores, (core) =>
          core.decodePointCloud2(message, { minRange: 1, maxRange: 40 }),
        );
        expect([a.notFinite, a.outOfRange]).toEqual([b.notFinite, b.outOfRange]);
        expectClose(a.cloud.arrays(), b.cloud.arrays(), { times: 1e-8 });
      }
    });

    it('say the same of damaged PCD files', async () => {
      const arrays: CloudArrays = {
        positions: scatter(12, () => [random.gaussian(), 2, 3]),
        intensity: new Float32Array(12),
      };
      const files = [encodePcd(arrays), asciiPcd(arrays)];
      let decoded = 0;
      for (let n = 0; n < 3000; n++) {
        const file = damage(files[n % 2]!, random);
        const [a, b] = await both(cores, (core) =>
          core.decodePcd(file).catch((error) => refusalReason(error) ?? error),
        );
        // Where a file has several faults, which is named first is open.
        expect(typeof a).toBe(typeof b);
        if (typeof a === 'string' || typeof b === 'string') continue;
        decoded++;
        expect(a.notFinite).toBe(b.notFinite);
        expectClose(a.cloud.arrays(), b.cloud.arrays(), {});
      }
      expect(decoded).toBeGreaterThan(300);
    });

    it('find the same neighbours', async () => {
      for (const positions of Object.values(distributions(random, 500))) {
        const queries = scatter(50, () => [random.uniform(-20, 20), random.uniform(-20, 20), 0]);
        const [a, b] = await both(cores, async (core) =>
          (await core.kdTree(core.cloud({ positions }))).knn(queries, 8),
        );
        a.squaredDistances.forEach((d2, i) => {
          expect(Math.abs(d2 - b.squaredDistances[i]!)).toBeLessThanOrEqual(1e-5 * d2 + 1e-9);
        });
      }
    });

    const sweep: CloudArrays = {
      positions: scatter(2000, () => [
        random.uniform(-9, 9),
        random.uniform(-9, 9),
        random.gaussian(3, 0.01),
      ]),
      times: Float32Array.from({ length: 2000 }, (_, i) => -0.05 + i / 20_000),
      intensity: Float32Array.from({ length: 2000 }, (_, i) => i % 255),
    };

    it('deskew to within 0.2 mm of each other', async () => {
      const T_base_lidar: Pose = { position: [0.2, 0, 1], orientation: quatFromRpy(0.1, 0.2, 2) };
      const [a, b] = await both(cores, async (core) => {
        const motion = { kind: 'twist', linear: [1.5, 0.1, 0], angular: [0.1, -0.1, 1.2] } as const;
        return (await core.deskew(core.cloud(sweep), T_base_lidar, motion)).arrays();
      });
      expectClose(a, b, { positions: 2e-4 });
    });

    it('downsample to the same voxels, in the same order', async () => {
      for (const size of [0.1, 0.7, 5]) {
        const [a, b] = await both(cores, async (core) =>
          (await core.downsample(core.cloud(sweep), size)).arrays(),
        );
        expectClose(a, b, { positions: 1e-4, times: 1e-6, intensity: 1e-2 });
      }
    });

    it('fit the same surfaces', async () => {
      const [a, b] = await both(cores, async (core) =>
        (await core.estimateNormals(core.cloud(sweep), 12)).arrays(),
      );
      // A neighbour at nearly the same distance may be taken by one core only: few points, and those little.
      const angles = Array.from(a.normals!, (_, i) => Math.abs(a.normals![i]! - b.normals![i]!)).sort(
        (u, v) => u - v,
      );
      expect(angles[Math.floor(0.99 * angles.length)]).toBeLessThan(1e-3);
    });

    it('align to within a tenth of a millimetre of each other, with the same evidence', async () => {
      const options: AlignOptions = {
        kernelStart: 1,
        kernelEnd: 0.2,
        maxIterations: 30,
        translationEpsilon: 1e-4,
        rotationEpsilon: 1e-5,
        finishPoints: 2000,
      };
      const room = corner(new Random(22), 1000);
      const truth: Pose = { position: [7, 5, 1], orientation: quatFromRpy(0, 0, 0.5) };
      const start: Pose = { position: [7.3, 4.8, 1.1], orientation: quatFromRpy(0.02, 0, 0.54) };
      for (const points of [300, 1700]) {
        const [a, b] = await both(cores, async (core) => {
          const cloud = core.cloud({
            positions: Float32Array.from(room.positions),
            normals: Float32Array.from(room.normals),
          });
          const map = core.tileMap(30);
          map.add('0_0', await core.tile(cloud, [0, 0, 0]));
          return map.align(seenFrom(core, corner(new Random(23), points).positions, truth), start, options);
        });
        const apart = relative(a.T_map_base, b.T_map_base);
        expect(norm(apart.position)).toBeLessThan(1e-4);
        expect(norm(logSo3(apart.orientation))).toBeLessThan(2e-5);
        expect([a.converged, a.points]).toEqual([b.converged, b.points]);
        expect(Math.abs(a.inliers - b.inliers)).toBeLessThanOrEqual(2);
        expect(Math.abs(a.iterations - b.iterations)).toBeLessThanOrEqual(1);
        expect(a.residual).toBeCloseTo(b.residual, 4);
        expect(a.range).toBeCloseTo(b.range, 3);
        a.eigenvalues.forEach((value, e) => {
          expect(Math.abs(value / b.eigenvalues[e]! - 1)).toBeLessThan(0.01);
        });
        expect([a.covered, a.clusters]).toEqual([b.covered, b.clusters]);
        expect(a.score).toBeCloseTo(b.score, 2);
        expect(a.thickness).toBeCloseTo(b.thickness, 3);
        // A match at the same distance from two points, or at the edge of the kernel, may differ.
        const largest = Math.max(...b.scatter);
        a.scatter.forEach((value, at) => {
          expect(Math.abs(value - b.scatter[at]!)).toBeLessThan(0.05 * largest);
        });
      }
    });

    it('find the same mean of two layers, which lie as far above the truth as below it', async () => {
      const options: AlignOptions = {
        kernelStart: 0.3,
        kernelEnd: 0.2,
        maxIterations: 60,
        translationEpsilon: 5e-4,
        rotationEpsilon: 5e-5,
      };
      const truth: Pose = { position: [7, 5, 1], orientation: quatFromRpy(0, 0, 0.5) };
      const middle = 0.25; // the layers lie in one row of cubes
      const [lower, upper] = [-0.06, 0.06].map((z, n) => {
        const random = new Random(24 + n);
        const { positions, normals } = corner(random, 3000);
        const thick = () => random.uniform(-0.03, 0.03);
        return {
          positions: positions.map((v, at) => v + thick() + (at % 3 === 2 ? z + middle : 0)),
          normals,
        };
      });
      const scan = corner(new Random(26), 1700).positions;
      const [a, b] = await both(cores, async (core) => {
        const cloud = core.cloud({
          positions: Float32Array.from([...lower!.positions, ...upper!.positions]),
          normals: Float32Array.from([...lower!.normals, ...upper!.normals]),
        });
        const map = core.tileMap(30);
        map.add('0_0', await core.tile(cloud, [0, 0, 0]));
        const start: Pose = { ...truth, position: [7.05, 4.95, 1.08 + middle] };
        return map.align(seenFrom(core, scan, truth), start, options);
      });
      // On either layer it would be 0.06.
      expect(Math.abs(a.T_map_base.position[2] - 1 - middle)).toBeLessThan(0.03);
      expect(norm(relative(a.T_map_base, b.T_map_base).position)).toBeLessThan(2e-3);
      expect([a.converged, a.points]).toEqual([b.converged, b.points]);
    });
  });
}

async function both<T>(cores: readonly [Core, Core], work: (core: Core) => Promise<T>): Promise<[T, T]> {
  return [await work(cores[0]), await work(cores[1])];
}

/** The same arrays, values within `tolerance[name]` (equal where there is none; NaN equals NaN). */
function expectClose(
  a: CloudArrays,
  b: CloudArrays,
  tolerance: Partial<Record<keyof CloudArrays, number>>,
): void {
  expect(Object.keys(a).sort()).toEqual(Object.keys(b).sort());
  for (const name of Object.keys(a) as (keyof CloudArrays)[]) {
    const [u, v, limit] = [a[name]!, b[name]!, tolerance[name] ?? 0];
    expect(u.length).toBe(v.length);
    const worst = u.findIndex((value, i) => !Object.is(value, v[i]) && !(Math.abs(value - v[i]!) <= limit));
    expect([name, worst, u[worst], v[worst]]).toEqual([name, -1, undefined, undefined]);
  }
}

function randomMessage(random: Random): { layout: Layout; rows: number[][] } {
  const pick = <T>(values: readonly T[]) => values[random.uint32() % values.length]!;
  const float = pick([7, 8] as const);
  const step = float === 7 ? 4 : 8;
  const layout: Layout = {
    fields: [
      { name: 'x', offset: 1, datatype: float },
      { name: 'y', offset: 1 + step, datatype: float },
      { name: 'z', offset: 1 + 2 * step, datatype: float },
      {
        name: pick(['intensity', 'i', 'reflectivity', 'rgb']),
        offset: 1 + 3 * step,
        datatype: pick([2, 4, 7] as const),
      },
      { name: pick(['t', 'offset_time', 'ring']), offset: 6 + 3 * step, datatype: 6 },
    ],
    pointStep: 10 + 3 * step + (random.uint32() % 3),
    height: pick([1, 2, 10]),
    rowPadding: random.uint32() % 3,
    isBigEndian: pick([true, false]),
  };
  const unit = pick([1e3, 1e6, 1]);
  const place = () => (random.uniform() < 0.1 ? Number.NaN : random.uniform(-30, 30));
  const rows = Array.from({ length: 500 }, (_, i) => [
    place(),
    place(),
    place(),
    random.uint32() % 200,
    i * 100 * unit,
  ]);
  return { layout, rows };
}

function asciiPcd({ positions, intensity }: CloudArrays): Uint8Array {
  const points = positions.length / 3;
  const rows = Array.from(
    intensity!,
    (v, i) => `${positions[3 * i]} ${positions[3 * i + 1]} ${positions[3 * i + 2]} ${v}`,
  );
  const header = [
    'VERSION 0.7',
    'FIELDS x y z intensity',
    'SIZE 4 4 4 4',
    'TYPE F F F F',
    `POINTS ${points}`,
    'DATA ascii',
  ];
  return new TextEncoder().encode(`${[...header, ...rows].join('\n')}\n`);
}

function damage(file: Uint8Array, random: Random): Uint8Array {
  const bytes = [...file];
  for (let edits = 1 + (random.uint32() % 3); edits > 0; edits--) {
    const at = random.uint32() % bytes.length;
    const kind = random.uint32() % 4;
    if (kind === 0) bytes[at] = 48 + (random.uint32() % 10);
    if (kind === 1) bytes[at] = random.uint32() & 255;
    if (kind === 2) bytes.splice(at, 1);
    if (kind === 3) bytes.splice(at, 0, 32);
  }
  return Uint8Array.from(bytes);
}
