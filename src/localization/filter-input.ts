import { isFiniteVec3 } from '../math/vec3.ts';
import type { FilterSensor, GnssFix, Pose, Stamp, Vec3 } from '../types.ts';
import type { ImuReading } from './filter-state.ts';

/** Everything that can change the filter, each at its own stamp. */
export type FilterInput =
  | {
      readonly kind: 'initialize';
      readonly stamp: Stamp;
      readonly pose: Pose;
      readonly covariance: ArrayLike<number>;
      readonly velocity: Vec3 | undefined;
    }
  | ImuInput
  | OdometryInput
  | RegistrationInput
  | GnssInput;

export type ImuInput = { readonly kind: 'imu' } & ImuReading;

export interface OdometryInput {
  readonly kind: 'odometry';
  readonly stamp: Stamp;
  /** of base_link in base axes, m/s */
  readonly linear: Vec3;
  /** rad/s */
  readonly angular: Vec3;
}

export interface RegistrationInput {
  readonly kind: 'registration';
  readonly stamp: Stamp;
  /** T_map_base */
  readonly pose: Pose;
  /** 6 × 6 row-major, x y z rotX rotY rotZ about map axes at base_link */
  readonly covariance: ArrayLike<number>;
  /** directions that it does not measure, of the 6: their variance is without bound */
  readonly degenerate?: number;
}

export interface GnssInput {
  readonly kind: 'gnss';
  readonly stamp: Stamp;
  /** of the antenna, ENU map metres */
  readonly antenna: Vec3;
  /** 3 × 3 row-major, ENU, m²; undefined where the receiver does not know */
  readonly covariance: readonly number[] | undefined;
  /** antenna in the base frame, metres */
  readonly leverArm: Vec3;
  /** NavSatStatus */
  readonly status: number;
  readonly geometry?: GnssFix['geometry'] | undefined;
}

/** Order among inputs of one stamp: what predicts comes before what corrects, whatever the order of arrival. */
const RANK = { initialize: 0, imu: 1, odometry: 2, registration: 3, gnss: 4 } as const;

type Timed = Pick<FilterInput, 'stamp' | 'kind'>;

/** < 0 where a comes before b in the filter's time. */
export function compareInputs(a: Timed, b: Timed): number {
  if (a.stamp !== b.stamp) return a.stamp < b.stamp ? -1 : 1;
  return RANK[a.kind] - RANK[b.kind];
}

/** The sensor named in the records of an input; the IMU's are those of standing still, the only update it makes. */
export function sensorOf(input: FilterInput): FilterSensor {
  return input.kind === 'imu' || input.kind === 'initialize' ? 'stationary' : input.kind;
}

export function isFiniteInput(input: FilterInput): boolean {
  switch (input.kind) {
    case 'imu':
      return isFiniteVec3(input.angularVelocity) && isFiniteVec3(input.linearAcceleration);
    case 'odometry':
      return isFiniteVec3(input.linear) && isFiniteVec3(input.angular);
    case 'gnss':
      return (
        isFiniteVec3(input.antenna) &&
        isFiniteVec3(input.leverArm) &&
        allFinite(input.covariance ?? [], undefined)
      );
    case 'registration':
      return isFinitePose(input.pose) && allFinite(input.covariance, 36);
    case 'initialize':
      return (
        isFinitePose(input.pose) &&
        allFinite(input.covariance, 36) &&
        isFiniteVec3(input.velocity ?? [0, 0, 0])
      );
  }
}

/** The covariance of a fix, or undefined where its type is unknown (0) or a variance is not a positive number. */
export function gnssCovariance(
  fix: Pick<GnssFix, 'covariance' | 'covarianceType'>,
): readonly number[] | undefined {
  const { covariance } = fix;
  const known = [0, 4, 8].every((i) => Number.isFinite(covariance[i]) && covariance[i]! > 0);
  return fix.covarianceType > 0 && covariance.length === 9 && known ? covariance : undefined;
}

function isFinitePose({ position, orientation }: Pose): boolean {
  const [x, y, z, w] = orientation;
  return isFiniteVec3(position) && Math.abs(x * x + y * y + z * z + w * w - 1) < 1e-3;
}

function allFinite(values: ArrayLike<number>, length: number | undefined): boolean {
  return (length === undefined || values.length === length) && Array.from(values).every(Number.isFinite);
}
