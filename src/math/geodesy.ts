import { Refusal, type Vec3 } from '../types.ts';

/** WGS 84 ellipsoid, EPSG:7030: semi-major axis in metres and inverse flattening are the defining values. */
export const WGS84_A = 6378137;
export const WGS84_F = 1 / 298.257223563;
const B = WGS84_A * (1 - WGS84_F);
/** first and second eccentricity, squared */
export const WGS84_E2 = WGS84_F * (2 - WGS84_F);
const EP2 = WGS84_E2 / (1 - WGS84_E2);
const RADIANS = Math.PI / 180;

/** Degrees (EPSG:4326) and metres above the ellipsoid. */
export interface Geodetic {
  readonly lat: number;
  readonly lon: number;
  readonly ellipsoidalHeight: number;
}

/** The tangent plane of a map: x east, y north, z up from its origin, metres. */
export interface EnuFrame {
  readonly origin: Geodetic;
  /** Degrees and metres to ENU metres. Throws a Refusal `geodetic-out-of-range`. */
  toEnu(lat: number, lon: number, ellipsoidalHeight: number): Vec3;
  /** Inverse of `toEnu` to < 1e-9° and < 1 mm within 100 km. Throws a Refusal `not-finite`. */
  toGeodetic(p_map: Vec3): Geodetic;
}

/**
 * The ENU frame at an origin, by way of ECEF (EPSG:9837, geocentric/topocentric conversion: IOGP Guidance Note 7-2,
 * §4.1.2). Exact at any distance: the plane is tangent, so a point of height 0 at distance d has z ≈ −d²/2R.
 * Throws a Refusal `geodetic-out-of-range` on a bad origin.
 */
export function enuFrame(origin: Geodetic): EnuFrame {
  const p0 = toEcef(origin.lat, origin.lon, origin.ellipsoidalHeight);
  const [sLat, cLat] = [Math.sin(origin.lat * RADIANS), Math.cos(origin.lat * RADIANS)];
  const [sLon, cLon] = [Math.sin(origin.lon * RADIANS), Math.cos(origin.lon * RADIANS)];
  return {
    origin,
    toEnu(lat, lon, ellipsoidalHeight) {
      const p = toEcef(lat, lon, ellipsoidalHeight);
      const [dx, dy, dz] = [p[0] - p0[0], p[1] - p0[1], p[2] - p0[2]];
      const radial = cLon * dx + sLon * dy;
      return [-sLon * dx + cLon * dy, -sLat * radial + cLat * dz, cLat * radial + sLat * dz];
    },
    toGeodetic([e, n, u]) {
      if (!Number.isFinite(e + n + u)) {
        throw new Refusal('not-finite', `expected finite ENU metres, found ${e}, ${n}, ${u}`);
      }
      const radial = cLat * u - sLat * n;
      return fromEcef([
        p0[0] + cLon * radial - sLon * e,
        p0[1] + sLon * radial + cLon * e,
        p0[2] + sLat * u + cLat * n,
      ]);
    },
  };
}

/** Degrees and metres to earth-centred, earth-fixed metres (EPSG:9602). Throws a Refusal `geodetic-out-of-range`. */
export function toEcef(lat: number, lon: number, ellipsoidalHeight: number): Vec3 {
  // NaN fails every comparison, so the test is written as what must hold.
  if (!(Math.abs(lat) <= 90 && Math.abs(lon) <= 180 && Math.abs(ellipsoidalHeight) <= 100_000)) {
    throw new Refusal(
      'geodetic-out-of-range',
      `expected |lat| ≤ 90°, |lon| ≤ 180°, |height| ≤ 100 km, found ${lat}, ${lon}, ${ellipsoidalHeight}`,
    );
  }
  const sLat = Math.sin(lat * RADIANS);
  const primeVertical = WGS84_A / Math.sqrt(1 - WGS84_E2 * sLat * sLat);
  const radial = (primeVertical + ellipsoidalHeight) * Math.cos(lat * RADIANS);
  return [
    radial * Math.cos(lon * RADIANS),
    radial * Math.sin(lon * RADIANS),
    (primeVertical * (1 - WGS84_E2) + ellipsoidalHeight) * sLat,
  ];
}

/** Inverse of `toEcef`, for heights within ±100 km. */
export function fromEcef([x, y, z]: Vec3): Geodetic {
  const radial = Math.hypot(x, y);
  // Bowring 1976: iterate the parametric latitude; one step is good to 1e-11 rad near the ground, three to rounding.
  let parametric = Math.atan2(z * WGS84_A, radial * B);
  let lat = 0;
  for (let step = 0; step < 3; step++) {
    const [s, c] = [Math.sin(parametric), Math.cos(parametric)];
    lat = Math.atan2(z + EP2 * B * s * s * s, radial - WGS84_E2 * WGS84_A * c * c * c);
    parametric = Math.atan2((1 - WGS84_F) * Math.sin(lat), Math.cos(lat));
  }
  const [sLat, cLat] = [Math.sin(lat), Math.cos(lat)];
  // Holds at the poles too, where radial / cos(lat) − N would not.
  const height = radial * cLat + z * sLat - WGS84_A * Math.sqrt(1 - WGS84_E2 * sLat * sLat);
  return { lat: lat / RADIANS, lon: Math.atan2(y, x) / RADIANS, ellipsoidalHeight: height };
}

/**
 * Normal gravity of WGS 84 in m/s² at a latitude (degrees) and ellipsoidal height (metres): Somigliana's formula and
 * the second-order height term, NGA.STND.0036 (WGS 84, 2014) eq. 4-1 and 4-3.
 */
export function normalGravity(lat: number, ellipsoidalHeight = 0): number {
  const s2 = Math.sin(lat * RADIANS) ** 2;
  const onEllipsoid = (9.7803253359 * (1 + 0.00193185265241 * s2)) / Math.sqrt(1 - WGS84_E2 * s2);
  // m = ω²a²b/GM of the same standard.
  const m = 0.00344978650684;
  const h = ellipsoidalHeight / WGS84_A;
  return onEllipsoid * (1 - 2 * (1 + WGS84_F + m - 2 * WGS84_F * s2) * h + 3 * h * h);
}
