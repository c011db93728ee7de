import { quatFromRpy } from '../../../math/so3.ts';
import type { Pose } from '../../../types.ts';
import type { Material } from './materials.ts';
import { groundAt } from './plan.ts';
import { CITY, toCity, toMap } from './solid.ts';

/** What the follower asks of the wheels: m/s and rad/s. */
export interface DriveCommand {
  readonly speed: number;
  readonly turn: number;
}

/** Half of the wheels' base and track, m; the robot is 0.7 m × 0.56 m. */
const WHEELS = { ahead: 0.3, aside: 0.25 } as const;
export const FOOTPRINT = { front: 0.35, rear: 0.35, side: 0.28 } as const;
const ACCELERATION = 0.9;
const BRAKING = 1.6;
const TURN_ACCELERATION = 3;
/** s: tyres and springs give way before the body follows the ground */
const SPRING = 0.04;

/** The robot's truth: a body on wheels that follows its commands as well as it can, and the ground under it. */
export class RobotBody {
  x: number;
  y: number;
  yaw: number;
  speed = 0;
  turn = 0;
  /** how high somebody holds it above the ground, m */
  lift = 0;
  /** height, roll, pitch, each of two stages */
  #ground: [number, number, number];
  #sprung: [number, number, number];

  /** `u`, `v`: of the city's axes, m; `yaw` against them, rad. */
  constructor(u: number, v: number, yaw: number) {
    [this.x, this.y] = toMap(u, v);
    this.yaw = yaw + CITY.yaw;
    this.#ground = this.#underWheels();
    this.#sprung = this.#ground;
  }

  /** T_map_base */
  get pose(): Pose {
    const [height, roll, pitch] = this.#sprung;
    return {
      position: [this.x, this.y, height + this.lift],
      orientation: quatFromRpy(roll, pitch, this.yaw),
    };
  }

  get material(): Material {
    return groundAt(...toCity(this.x, this.y)).material;
  }

  /** Somebody puts it elsewhere: m and rad of the city's axes, at once. */
  carry(du: number, dv: number, turn: number): void {
    this.shift(du, dv, turn);
    this.#ground = this.#underWheels();
    this.#sprung = this.#ground;
  }

  /** A short piece of being carried: it goes on moving smoothly. */
  shift(du: number, dv: number, turn: number): void {
    const [u, v] = toCity(this.x, this.y);
    [this.x, this.y] = toMap(u + du, v + dv);
    this.yaw += turn;
  }

  step(command: DriveCommand, dt: number): void {
    const wanted = command.speed - this.speed;
    const limit = (Math.abs(command.speed) < Math.abs(this.speed) ? BRAKING : ACCELERATION) * dt;
    this.speed += Math.max(-limit, Math.min(limit, wanted));
    const turnLimit = TURN_ACCELERATION * dt;
    this.turn += Math.max(-turnLimit, Math.min(turnLimit, command.turn - this.turn));
    const middle = this.yaw + (this.turn * dt) / 2;
    this.x += this.speed * dt * Math.cos(middle);
    this.y += this.speed * dt * Math.sin(middle);
    this.yaw += this.turn * dt;
    const under = this.#underWheels();
    const share = dt / (SPRING + dt);
    const follow = (from: readonly number[], to: readonly number[]) =>
      from.map((value, i) => value + share * (to[i]! - value)) as [number, number, number];
    this.#ground = follow(this.#ground, under);
    this.#sprung = follow(this.#sprung, this.#ground);
  }

  #underWheels(): [height: number, roll: number, pitch: number] {
    const [u, v] = toCity(this.x, this.y);
    const [c, s] = [Math.cos(this.yaw - CITY.yaw), Math.sin(this.yaw - CITY.yaw)];
    const at = (ahead: number, left: number) =>
      groundAt(u + c * ahead - s * left, v + s * ahead + c * left).height;
    const { ahead, aside } = WHEELS;
    const [fl, fr] = [at(ahead, aside), at(ahead, -aside)];
    const [rl, rr] = [at(-ahead, aside), at(-ahead, -aside)];
    return [
      (fl + fr + rl + rr) / 4,
      Math.atan2((fl + rl - fr - rr) / 2, 2 * aside),
      Math.atan2((rl + rr - fl - fr) / 2, 2 * ahead),
    ];
  }
}
