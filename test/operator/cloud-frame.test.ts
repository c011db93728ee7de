import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CLOUD_HEADER, encodeCloud, SCAN, thinCloud } from '../../src/adapters/operator/cloud-frame.ts';

/** Points of a message, m from its origin, with their shades. */
function decoded(cloud: Buffer) {
  const n = cloud.readUInt32LE(4);
  const step = cloud.readFloatLE(40);
  const hasShades = (cloud.readUInt16LE(2) & 1) === 1;
  const points = Array.from({ length: n }, (_, k) =>
    [0, 1, 2].map((axis) => cloud.readInt16LE(CLOUD_HEADER + 6 * k + 2 * axis) * step),
  );
  const shades = hasShades ? [...cloud.subarray(CLOUD_HEADER + 6 * n)] : undefined;
  return { points, step, shades, size: cloud.length };
}

const number = fc.oneof(
  { weight: 20, arbitrary: fc.float({ min: -200, max: 200, noNaN: true }) },
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
);

it('brings every finite point to within half a step, once, and nothing else', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(number, number, number), { maxLength: 60 }),
      fc.boolean(),
      (given, shaded) => {
        const finite = given.filter((point) => point.every(Number.isFinite));
        const cloud = encodeCloud(
          SCAN,
          {
            stamp: 5n,
            origin: [1e6, -2e6, 30],
            positions: Float32Array.from(given.flat()),
            ...(shaded && { intensity: Float32Array.from(given, (_, k) => k) }),
          },
          1000,
        );
        const { points, step, shades, size } = decoded(cloud);
        expect(cloud.readDoubleLE(24)).toBe(-2e6);
        expect(points.length).toBe(finite.length);
        expect(size).toBe(CLOUD_HEADER + (shaded ? 7 : 6) * finite.length);
        // 200 m in 32,766 steps
        expect(step).toBeLessThanOrEqual(0.0062);
        const left = [...points];
        for (const point of finite) {
          const at = left.findIndex((other) =>
            other.every((value, axis) => Math.abs(value - point[axis]!) <= step / 2 + 1e-4),
          );
          expect(at).toBeGreaterThanOrEqual(0);
          left.splice(at, 1);
        }
        if (shades && finite.length > 1) expect([Math.min(...shades), Math.max(...shades)]).toEqual([0, 255]);
      },
    ),
    { seed: 7, numRuns: 300 },
  );
});

it('takes an even part, and every beginning of it is even too', () => {
  const positions = Float32Array.from({ length: 3000 }, (_, k) => (k % 3 === 0 ? k / 30 : 0));
  const cloud = encodeCloud(SCAN, { stamp: 0n, origin: [0, 0, 0], positions }, 200);
  for (const part of [cloud, thinCloud(cloud, 50)]) {
    const xs = decoded(part).points.map(([x]) => x!);
    // 1000 points on 100 m: in each quarter about a quarter of them.
    for (const from of [0, 25, 50, 75])
      expect(xs.filter((x) => x >= from && x < from + 25).length / xs.length).toBeCloseTo(0.25, 1);
  }
});
