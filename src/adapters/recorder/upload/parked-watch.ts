import type { RobotStatus, RobotWatcher } from '../../../ports/robot.ts';
import type { SensorMessage, Stamp, Vec3 } from '../../../types.ts';

/** Faster wheels are a drive, m/s and rad/s. */
const STILL_SPEED = 0.03;
/** A pose this far from where it stood is a drive, m: more than a localisation wanders. */
const STILL_M = 0.3;
/** Less of a route left is none: it has arrived, m. */
const ARRIVED_M = 1;
/** Without news of the wheels or the pose for so long nobody knows, s. */
const NEWS_S = 5;

/** Whether the robot is parked: it stands, has stood for a while, and has no way to go. By the sensors' own time. */
export class ParkedWatch implements RobotWatcher {
  readonly #seconds: number;
  #place: Vec3 | undefined;
  #since: Stamp | undefined;
  #now: Stamp = 0n;
  #heard: Stamp | undefined;
  #remaining = 0;

  /** @param seconds that it must have stood */
  constructor(seconds: number) {
    this.#seconds = seconds;
  }

  /** Why it does not count as parked; undefined: it does. */
  get fault(): string | undefined {
    if (this.#heard === undefined || secondsFrom(this.#heard, this.#now) > NEWS_S)
      return 'nobody knows whether it stands: no pose and no wheels';
    if (this.#remaining > ARRIVED_M) return `it has ${this.#remaining.toFixed(0)} m of a route to go`;
    const stood = this.#since === undefined ? 0 : secondsFrom(this.#since, this.#now);
    if (stood < this.#seconds) return `it has stood for ${stood.toFixed(0)} of ${this.#seconds} s`;
    return undefined;
  }

  message(message: SensorMessage): void {
    this.pass(message.arrival);
    if (message.kind !== 'odometry') return;
    this.#heard = message.arrival;
    const { linear, angular } = message.value;
    const isStill = Math.hypot(...linear) <= STILL_SPEED && Math.hypot(...angular) <= STILL_SPEED;
    if (isStill) this.#since ??= message.arrival;
    else this.#since = undefined;
  }

  status({ frame, route }: RobotStatus): void {
    this.pass(frame.stamp);
    this.#remaining = route?.remaining ?? 0;
    if (!frame.pose) return;
    this.#heard = frame.stamp;
    const { position } = frame.pose;
    const moved = this.#place ? Math.hypot(...position.map((value, a) => value - this.#place![a]!)) : 0;
    if (!this.#place || moved > STILL_M) {
      this.#place = position;
      this.#since = frame.stamp;
    }
    this.#since ??= frame.stamp;
  }

  /** Time passes, also where nothing comes. */
  pass(now: Stamp): void {
    if (now > this.#now) this.#now = now;
  }

  scan(): void {}
  event(): void {}
}

function secondsFrom(from: Stamp, to: Stamp): number {
  return Number(to - from) / 1e9;
}
