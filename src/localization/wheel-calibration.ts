import { quatConjugate, quatMultiply, quatRotate, yawOf } from '../math/so3.ts';
import type { Quat, Stamp, Vec3 } from '../types.ts';
import type { OdometryInput } from './filter-input.ts';
import { ATTITUDE, type FilterState, GYRO_BIAS, POSITION, STATES, secondsBetween } from './filter-state.ts';
import type { FusionConfig } from './fusion-config.ts';

/** What is known of the wheels beside the 15 states: learnt from legs of the way, too slow to be part of them. */
export interface Wheels {
  /** true speed over the speed that they say */
  readonly scale: number;
  readonly scaleVariance: number;
  /** of the yaw rate that they say, rad/s, and its variance */
  readonly yawBias: number;
  readonly yawVariance: number;
  readonly leg: Leg | undefined;
}

/** A stretch of the way that the wheels have measured. */
export interface Leg {
  readonly since: Stamp;
  readonly latest: Stamp;
  readonly position: Vec3;
  readonly orientation: Quat;
  /** horizontal variance of the start, m² */
  readonly variance: number;
  /** of the heading of the start, rad² */
  readonly headingVariance: number;
  /** whether a registration held the start */
  readonly held: boolean;
  /** by the wheels as they say, turned by the filter's attitude, m in map axes; and rad */
  readonly path: Vec3;
  readonly length: number;
  readonly turn: number;
  /** of that turn, for the noise of each message, rad² */
  readonly turnVariance: number;
  /** by all other sensors, rad: whole turns count */
  readonly otherTurn: number;
  readonly lastOrientation: Quat;
  /** yaw rate that the wheels said last, rad/s */
  readonly lastRate: number;
}

/** Without knowledge: wheels are as good as the settings say. */
export function unknownWheels(config: FusionConfig['odometry']): Wheels {
  return {
    scale: 1,
    scaleVariance: config.forwardScale ** 2,
    yawBias: 0,
    yawVariance: config.yawBiasSigma ** 2,
    leg: undefined,
  };
}

/** Adds an odometry message to the leg; a leg that is long enough teaches scale and yaw bias, and the next begins. */
export function learnWheels(
  state: FilterState,
  input: OdometryInput,
  gyro: boolean,
  held: boolean,
  { odometry: config, imu }: FusionConfig,
): Wheels {
  const { wheels } = state;
  const leg = wheels.leg;
  const dt = leg ? secondsBetween(leg.latest, input.stamp) : 0;
  // Legs end where messages are missing, or nothing but the wheels themselves tells the turn.
  if (!leg || !gyro || dt <= 0 || dt > 0.5) return { ...wheels, leg: startLeg(state, input, held) };
  const step = quatRotate(state.orientation, input.linear);
  const moved: Leg = {
    ...leg,
    latest: input.stamp,
    path: [leg.path[0] + step[0] * dt, leg.path[1] + step[1] * dt, leg.path[2] + step[2] * dt],
    length: leg.length + Math.hypot(...step) * dt,
    turn: leg.turn + 0.5 * (leg.lastRate + input.angular[2]) * dt,
    turnVariance: leg.turnVariance + (config.yawRateSigma * dt) ** 2,
    otherTurn: leg.otherTurn + yawOf(quatMultiply(quatConjugate(leg.lastOrientation), state.orientation)),
    lastOrientation: state.orientation,
    lastRate: input.angular[2],
  };
  const seconds = secondsBetween(leg.since, input.stamp);
  const long = moved.length >= config.legLength || seconds >= config.legSeconds;
  // A leg that a registration held at its start waits for one that holds its end.
  const waits = leg.held && !held && seconds < 3 * config.legSeconds;
  if (!long || waits) return { ...wheels, leg: moved };
  const scaled = leg.held && held ? learnScale(wheels, moved, state, config) : wheels;
  return {
    ...learnYaw(scaled, moved, seconds, otherTurnVariance(moved, state, seconds, imu), config),
    leg: startLeg(state, input, held),
  };
}

function startLeg(state: FilterState, { stamp, angular }: OdometryInput, held: boolean): Leg {
  return {
    since: stamp,
    latest: stamp,
    position: state.position,
    orientation: state.orientation,
    lastOrientation: state.orientation,
    lastRate: angular[2],
    variance: horizontalVariance(state),
    headingVariance: varianceOf(state, ATTITUDE + 2),
    held,
    path: [0, 0, 0],
    length: 0,
    turn: 0,
    turnVariance: 0,
    otherTurn: 0,
  };
}

/** The scale by how far the filter says that the leg's ends are apart, along the wheels' own way between them. */
function learnScale(wheels: Wheels, leg: Leg, state: FilterState, config: FusionConfig['odometry']): Wheels {
  const chord = Math.hypot(leg.path[0], leg.path[1]);
  // A leg that turns back on itself, or hardly moves, tells little.
  if (chord < 0.5 * config.legLength || chord < 0.5 * leg.length) return wheels;
  const [dx, dy] = [state.position[0] - leg.position[0], state.position[1] - leg.position[1]];
  const measured = (dx * leg.path[0] + dy * leg.path[1]) / (chord * chord);
  const variance = (leg.variance + horizontalVariance(state)) / chord ** 2 + config.slipShare ** 2;
  const error = measured - wheels.scale;
  // A leg with slip is further off than the scale can be: it does not teach.
  if (error * error > 9 * (variance + wheels.scaleVariance)) return wheels;
  const prior = wheels.scaleVariance + config.scaleWalk ** 2 * leg.length;
  const gain = prior / (prior + variance);
  return { ...wheels, scale: wheels.scale + gain * error, scaleVariance: (1 - gain) * prior };
}

function learnYaw(
  wheels: Wheels,
  leg: Leg,
  seconds: number,
  otherVariance: number,
  config: FusionConfig['odometry'],
): Wheels {
  const measured = (leg.turn - leg.otherTurn) / seconds;
  // Skid steering turns less than its wheels: a leg with turns tells less of the bias.
  const variance =
    (leg.turnVariance + otherVariance + (config.yawRateScale * leg.otherTurn) ** 2) / seconds ** 2;
  const error = measured - wheels.yawBias;
  const prior = wheels.yawVariance + config.yawBiasWalk ** 2 * seconds;
  const gain = prior / (prior + variance);
  return { ...wheels, yawBias: wheels.yawBias + gain * error, yawVariance: (1 - gain) * prior };
}

/** Of the leg's turn by all other sensors, rad²: of the gyro, and of what corrected the heading on the way. */
function otherTurnVariance(leg: Leg, state: FilterState, seconds: number, imu: FusionConfig['imu']): number {
  const gyro = imu.gyroNoise ** 2 * seconds + varianceOf(state, GYRO_BIAS + 2) * seconds ** 2;
  return gyro + Math.max(0, leg.headingVariance - varianceOf(state, ATTITUDE + 2));
}

function horizontalVariance(state: FilterState): number {
  return Math.max(varianceOf(state, POSITION), varianceOf(state, POSITION + 1));
}

function varianceOf({ covariance }: FilterState, row: number): number {
  return covariance[row * (STATES + 1)]!;
}
