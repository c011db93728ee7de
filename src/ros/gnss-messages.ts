import { type GnssFix, Refusal } from '../types.ts';
import type { Fields } from './fields.ts';
import { header } from './header.ts';

interface GnssPayload {
  readonly kind: 'gnss';
  readonly value: GnssFix;
}

/** sensor_msgs/NavSatFix. */
export function navSatFix(message: Fields): GnssPayload {
  return { kind: 'gnss', value: fix(message, message.child('status').number('status'), []) };
}

/** gps_msgs/GPSStatus → NavSatStatus: DGPS and RTK (fixed, float) are ground-based, WAAS is satellite-based. */
const STATUSES: ReadonlyMap<number, number> = new Map([
  [18, 2],
  [19, 2],
  [20, 2],
  [33, 1],
]);
/** `err_horz` and `err_vert` hold for 95 %: of a circle in the plane (√(−2 ln 0.05) sigmas), and of a line. */
const [CIRCLE_95, LINE_95] = [2.4477, 1.96];

/**
 * gps_msgs/GPSFix: says how the satellites stand, too. Its `altitude` may be above the sea and not the ellipsoid, as the
 * message leaves open; a height that does not fit is refused by its own gate.
 */
export function gpsFix(message: Fields): GnssPayload {
  const status = message.child('status');
  const said = status.number('status');
  const [horizontal, vertical] = [message.number('err_horz'), message.number('err_vert')];
  const errors = horizontal > 0 && vertical > 0 ? [horizontal / CIRCLE_95, vertical / LINE_95] : [];
  return {
    kind: 'gnss',
    value: {
      ...fix(message, STATUSES.get(said) ?? said, errors),
      geometry: { hdop: known(message.number('hdop')), satellites: status.number('satellites_used') },
    },
  };
}

/** A dilution of precision, 0 where the receiver does not know it: it says NaN, 0 or less. */
function known(dilution: number): number {
  return Number.isNaN(dilution) ? 0 : Math.max(dilution, 0);
}

/** What both have in common; `errors`: horizontal and vertical sigma where there is no covariance, m. */
function fix(message: Fields, status: number, errors: readonly number[]): GnssFix {
  const position = ['latitude', 'longitude', 'altitude'].map((name) => message.number(name));
  if (status < 0 && !position.every(Number.isFinite)) {
    throw new Refusal('no-fix', `expected a position, found status ${status} without one`);
  }
  const [latitude, longitude, altitude] = [
    message.finite('latitude'),
    message.finite('longitude'),
    message.finite('altitude'),
  ];
  if (Math.abs(latitude) > 90 || Math.abs(longitude) > 180) {
    throw new Refusal('out-of-range', `expected |lat| ≤ 90 and |lon| ≤ 180, found ${latitude}, ${longitude}`);
  }
  const given = message.numbers('position_covariance', 9);
  const type = message.number('position_covariance_type');
  if (type !== 0 && !given.every(Number.isFinite)) {
    throw new Refusal('not-finite', `expected a finite position_covariance, found ${given.join(' ')}`);
  }
  const [h, v] = errors;
  const made = type === 0 && h !== undefined && v !== undefined;
  const covariance = made ? [h * h, 0, 0, 0, h * h, 0, 0, 0, v * v] : given;
  const covarianceType = made ? 1 : type;
  return { ...header(message), status, latitude, longitude, altitude, covariance, covarianceType };
}
