import { compose } from '../../math/se3.ts';
import { logSo3, quatConjugate, quatFromRpy, quatMultiply } from '../../math/so3.ts';
import type { Pose, Vec3 } from '../../types.ts';
import { KERB_HEIGHT } from './street-parts.ts';
import { CORNER, STREET } from './world.ts';

/** Walking speed of a delivery robot, m/s, and how long it stands and then speeds up, s. */
const SPEED = 1.5;
const STANDING = 2;
const SPEED_UP = 2;
/** length of the turn round the corner, metres: its tightest radius is then 3.7 m */
const TURN = 11;
/** Step of the finite differences, s: errors stay below 1e-6 of what is measured, rounding below 1e-7 m/s². */
const STEP = 1e-3;
const T_map_street: Pose = {
  position: [STREET.x, STREET.y, KERB_HEIGHT],
  orientation: quatFromRpy(0, 0, STREET.yaw),
};

/** The truth at one time. */
export interface Motion {
  readonly T_map_base: Pose;
  /** m/s in the map frame, and in the base frame */
  readonly velocity: Vec3;
  readonly forward: number;
  /** m/s² in the map frame */
  readonly acceleration: Vec3;
  /** rad/s in the base frame */
  readonly angular: Vec3;
}

/** Metres walked after `t` seconds: standing, a smooth start, then constant speed. */
export function walked(t: number): number {
  const u = (t - STANDING) / SPEED_UP;
  if (u <= 0) return 0;
  if (u >= 1) return SPEED * (t - STANDING - SPEED_UP / 2);
  // ∫ of the quintic step, below.
  return SPEED * SPEED_UP * (u ** 6 - 3 * u ** 5 + 2.5 * u ** 4);
}

/** T_map_base at `t` seconds: along the pavement, round the corner, swaying a little in roll and pitch as it walks. */
export function poseAt(t: number): Pose {
  const s = walked(t);
  const gait = step5(s / SPEED);
  const roll = 0.012 * gait * Math.sin(2 * Math.PI * 0.9 * t);
  const pitch = 0.008 * gait * Math.sin(2 * Math.PI * 1.3 * t + 1);
  const [x, y, yaw] = path(s);
  return compose(T_map_street, { position: [x, y, 0], orientation: quatFromRpy(roll, pitch, yaw) });
}

/** The truth at `t` seconds, rates by central differences. */
export function motionAt(t: number): Motion {
  const [before, now, after] = [poseAt(t - STEP), poseAt(t), poseAt(t + STEP)];
  const difference = (f: (i: 0 | 1 | 2) => number): Vec3 => [f(0), f(1), f(2)];
  const rotation = logSo3(quatMultiply(quatConjugate(before.orientation), after.orientation));
  return {
    T_map_base: now,
    velocity: difference((i) => (after.position[i] - before.position[i]) / (2 * STEP)),
    forward: (walked(t + STEP) - walked(t - STEP)) / (2 * STEP),
    acceleration: difference(
      (i) => (after.position[i] - 2 * now.position[i] + before.position[i]) / (STEP * STEP),
    ),
    angular: difference((i) => rotation[i] / (2 * STEP)),
  };
}

/** 0 to 1 with two continuous derivatives: 6u⁵ − 15u⁴ + 10u³. */
function step5(u: number): number {
  if (u <= 0) return 0;
  if (u >= 1) return 1;
  return u * u * u * (u * (6 * u - 15) + 10);
}

/** The walked line in the street's frame after `s` metres. */
function path(s: number): [x: number, y: number, yaw: number] {
  const turn = s - (CORNER - REACH);
  if (turn <= 0) return [s, 0, 0];
  if (turn >= TURN) return [CORNER, REACH + turn - TURN, Math.PI / 2];
  const [x, y] = turned(turn);
  return [CORNER - REACH + x, y, heading(turn)];
}

function heading(turn: number): number {
  return (Math.PI / 2) * step5(turn / TURN);
}

/** ∫ (cos, sin)(heading) over [0, turn] by Simpson's rule in 64 parts: error below 1e-9 m. */
function turned(turn: number): [x: number, y: number] {
  const parts = 64;
  let [x, y] = [0, 0];
  for (let i = 0; i <= parts; i++) {
    const weight = i === 0 || i === parts ? 1 : i % 2 === 1 ? 4 : 2;
    const angle = heading((turn * i) / parts);
    x += weight * Math.cos(angle);
    y += weight * Math.sin(angle);
  }
  const scale = turn / parts / 3;
  return [x * scale, y * scale];
}

/** How far before the corner the turn begins; by symmetry also where it ends after. */
const REACH = turned(TURN)[0];
