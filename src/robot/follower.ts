import type { RouteStatus } from '../ports/robot.ts';
import { type Progress, progressAlong } from '../route/progress.ts';
import { type Limit, stopBefore } from './advice.ts';
import type { XY } from './line.ts';
import type { Place } from './place.ts';
import type { RobotConfig } from './robot-config.ts';
import type { RobotRoute, RouteStretch } from './robot-route.ts';

/** What a pose may be off from one time to the next besides the robot's own movement, m. */
const NOISE_M = 2;
/** So far ahead is looked on a route that begins, and on one that the robot seems to have left, m. */
const REACH_M = 30;

/** The route that is followed, and where on it the robot is. A route that meets itself does not make it jump. */
export class Follower {
  readonly #config: RobotConfig;
  readonly #length: number;
  #route: RobotRoute | undefined;
  #progress: Progress | undefined;
  #at: XY | undefined;

  /** `length`: of the robot, front to rear, m. */
  constructor(config: RobotConfig, length: number) {
    this.#config = config;
    this.#length = length;
  }

  get route(): RobotRoute | undefined {
    return this.#route;
  }

  get arrived(): boolean {
    return this.#progress !== undefined && this.#progress.remaining <= this.#config.arriveDistance;
  }

  get offRoute(): boolean {
    return this.#progress !== undefined && Math.abs(this.#progress.offset) > this.#config.maxOffset;
  }

  follow(route: RobotRoute | undefined): void {
    this.#route = route;
    this.#progress = undefined;
    this.#at = undefined;
  }

  /** The robot (base_link) is here now, map frame. */
  moveTo(at: XY): void {
    if (!this.#route) return;
    const { line } = this.#route;
    const last = this.#progress?.along;
    const moved = this.#at ? Math.hypot(at[0] - this.#at[0], at[1] - this.#at[1]) + NOISE_M : REACH_M;
    this.#at = at;
    this.#progress = progressAlong(line, at, last ?? 0, moved);
    // A corner that was cut: the way goes on further ahead. Or the robot was put on the middle of a route.
    if (this.offRoute) {
      const wider = progressAlong(line, at, last, REACH_M);
      if (Math.abs(wider.offset) <= this.#config.maxOffset) this.#progress = wider;
    }
  }

  /** Metres free on each side of the robot in the middle of its way, where the route lies; undefined beside it. */
  get freeWidth(): number | undefined {
    const stretch = this.#stretch();
    return stretch && Math.max(0, (stretch.width - this.#config.width) / 2);
  }

  /** Where the robot is on its route; undefined without one, and beside it. */
  place(sure: boolean): Place | undefined {
    if (!this.#progress || this.offRoute) return undefined;
    const base = this.#progress.along;
    const front = base + this.#config.baseToFront;
    return { base, front, rear: front - this.#length, sure };
  }

  /** What the route, its walls and its links have to say. `timeMs`: since the Unix epoch, to judge the walls. */
  limits(timeMs: number): Limit[] {
    const { maxOffset, slowSpeed } = this.#config;
    if (!this.#route) return [{ speed: 0, reason: 'no route to follow' }];
    if (!this.#progress) return [{ speed: 0, reason: 'its place on the route is not known yet' }];
    if (this.offRoute) {
      const beside = Math.abs(this.#progress.offset).toFixed(1);
      return [{ speed: 0, reason: `${beside} m beside the route, at most ${maxOffset} m` }];
    }
    if (this.arrived) return [{ speed: 0, reason: 'arrived' }];
    const { along } = this.#progress;
    const front = along + this.#config.baseToFront;
    const limits: Limit[] = [];
    for (const { id, closed, from, to, validFrom, validTo } of this.#route.walls) {
      if (timeMs < validFrom || timeMs >= validTo || to < front - this.#length) continue;
      if (closed) limits.push(stopBefore(from - front, `virtual wall ${id} closes the way`, this.#config));
      else if (from <= front) limits.push({ speed: slowSpeed, reason: `virtual wall ${id}: slow` });
    }
    const stretch = this.#stretch();
    if (stretch) limits.push({ speed: stretch.speedLimit, reason: `speed limit ${stretch.speedLimit} m/s` });
    limits.push(stopBefore(this.#progress.remaining, 'the end of the route is near', this.#config));
    return limits;
  }

  /** The link that the robot (base_link) is on. */
  #stretch(): RouteStretch | undefined {
    if (!this.#route || !this.#progress || this.offRoute) return undefined;
    const { along } = this.#progress;
    return this.#route.stretches.find(({ from, to }) => along >= from && along <= to);
  }

  status(): RouteStatus | undefined {
    if (!this.#route || !this.#progress) return undefined;
    return { routeId: this.#route.routeId, line: this.#route.line, ...this.#progress };
  }
}
