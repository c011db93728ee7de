import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { enuFrame, fromEcef, normalGravity, toEcef, WGS84_A } from '../../src/math/geodesy.ts';
import { refusalReason } from '../../src/types.ts';

const reasonOf = (call: () => unknown) => {
  try {
    call();
  } catch (error) {
    return refusalReason(error);
  }
  return 'none';
};

describe('geodesy', () => {
  it('comes back within 1e-9° and 1 mm at ±100 km and ±5 km, anywhere', () => {
    const metres = fc.double({ min: -100_000, max: 100_000, noNaN: true });
    fc.assert(
      fc.property(
        fc.double({ min: -89, max: 89, noNaN: true }),
        fc.double({ min: -180, max: 180, noNaN: true }),
        metres,
        metres,
        fc.double({ min: -5000, max: 5000, noNaN: true }),
        (lat, lon, e, n, u) => {
          const frame = enuFrame({ lat, lon, ellipsoidalHeight: 50 });
          const g = frame.toGeodetic([e, n, u]);
          const [e2, n2, u2] = frame.toEnu(g.lat, g.lon, g.ellipsoidalHeight);
          // 1e-9° of latitude is 0.11 mm.
          expect(Math.hypot(e2 - e, n2 - n, u2 - u)).toBeLessThan(1e-4);
        },
      ),
    );
  });

  it('knows the ellipsoid', () => {
    // On the equator the radius is a; at the pole b = a (1 − 1/298.257223563) = 6356752.314245 m.
    expect(toEcef(0, 0, 0)).toEqual([WGS84_A, 0, 0]);
    expect(toEcef(90, 0, 0)[2]).toBeCloseTo(6356752.314245, 6);
    const pole = fromEcef([0, 0, 6356752.314245 + 100]);
    expect(pole.lat).toBeCloseTo(90, 9);
    expect(pole.ellipsoidalHeight).toBeCloseTo(100, 5);
  });

  it('agrees with the worked example of IOGP Guidance Note 7-2, §4.1.1', () => {
    // Geographic 53°48'33.820"N 2°07'46.380"E h 73.0 m ↔ X 3771793.968 Y 140253.342 Z 5124304.349.
    const [x, y, z] = toEcef(53 + 48 / 60 + 33.82 / 3600, 2 + 7 / 60 + 46.38 / 3600, 73);
    expect(Math.abs(x - 3771793.968)).toBeLessThan(1e-3);
    expect(Math.abs(y - 140253.342)).toBeLessThan(1e-3);
    expect(Math.abs(z - 5124304.349)).toBeLessThan(1e-3);
  });

  it('puts east, north and up on x, y and z', () => {
    const frame = enuFrame({ lat: 0, lon: 0, ellipsoidalHeight: 0 });
    // 0.001° along the equator: e = a sin(1.745e-5) = 111.3195 m, and the ground falls by a (1 − cos) = 0.97 mm.
    const [e, n, u] = frame.toEnu(0, 0.001, 0);
    expect(e).toBeCloseTo(111.3195, 4);
    expect(n).toBeCloseTo(0, 9);
    expect(u).toBeCloseTo(-0.00097, 5);
    expect(frame.toEnu(0, 0, 12)[2]).toBeCloseTo(12, 8);
    expect(frame.toEnu(0.001, 0, 0)[1]).toBeGreaterThan(110);
  });

  it('refuses what is no place on Earth', () => {
    const frame = enuFrame({ lat: 37.5, lon: 127, ellipsoidalHeight: 45 });
    for (const [lat, lon, h] of [
      [91, 0, 0],
      [0, 181, 0],
      [Number.NaN, 0, 0],
      [0, 0, 1e6],
      [0, 0, Number.NaN],
    ] as const) {
      expect(reasonOf(() => frame.toEnu(lat, lon, h))).toBe('geodetic-out-of-range');
    }
    expect(reasonOf(() => enuFrame({ lat: -90.1, lon: 0, ellipsoidalHeight: 0 }))).toBe(
      'geodetic-out-of-range',
    );
    expect(reasonOf(() => frame.toGeodetic([0, Number.POSITIVE_INFINITY, 0]))).toBe('not-finite');
  });

  it('knows normal gravity at the equator, at the pole, and that it falls by 3.1 µm/s² a metre', () => {
    expect(normalGravity(0)).toBeCloseTo(9.7803253359, 9);
    expect(normalGravity(90)).toBeCloseTo(9.8321849379, 7);
    expect(normalGravity(45, 0) - normalGravity(45, 1000)).toBeCloseTo(3.086e-3, 5);
  });
});
