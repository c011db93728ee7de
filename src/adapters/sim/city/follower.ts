import { yawOf } from '../../../math/so3.ts';
import type { Pose } from '../../../types.ts';
import type { DriveCommand } from './body.ts';

type XY = readonly [x: number, y: number];

/** Metres ahead on the route that are steered to. */
const LOOK_AHEAD = 1.1;
const TURN = { gain: 2, most: 1.2 } as const;
const SLOW_AT_ANGLE = 0.9;

/** Follows a line from the pose that the robot believes (pure pursuit, Coulter 1992), no faster than it is allowed. */
export class PathFollower {
  readonly #line: readonly XY[];
  #along = 0;

  /** map frame, m */
  constructor(line: readonly XY[]) {
    this.#line = line;
  }

  get length(): number {
    return this.#line
      .slice(1)
      .reduce((sum, p, i) => sum + Math.hypot(p[0] - this.#line[i]![0], p[1] - this.#line[i]![1]), 0);
  }
  /** metres of the line that are behind it */
  get along(): number {
    return this.#along;
  }

  /** Its place on the line is looked for anew: it was carried, or has just been found. */
  lose(): void {
    this.#along = Number.NaN;
  }

  command(T_map_base: Pose | undefined, speedLimit: number): DriveCommand {
    if (!T_map_base) return { speed: 0, turn: 0 };
    const at: XY = [T_map_base.position[0], T_map_base.position[1]];
    this.#along = this.#nearest(at);
    if (speedLimit <= 0) return { speed: 0, turn: 0 };
    const [gx, gy] = this.pointAt(this.#along + LOOK_AHEAD);
    const angle = wrap(Math.atan2(gy - at[1], gx - at[0]) - yawOf(T_map_base.orientation));
    const turn = Math.max(-TURN.most, Math.min(TURN.most, TURN.gain * angle));
    const share = Math.max(0, 1 - Math.abs(angle) / SLOW_AT_ANGLE);
    return { speed: speedLimit * share, turn };
  }

  pointAt(along: number): XY {
    let left = along;
    for (let k = 0; k + 1 < this.#line.length; k++) {
      const [a, b] = [this.#line[k]!, this.#line[k + 1]!];
      const length = Math.hypot(b[0] - a[0], b[1] - a[1]);
      if (left <= length)
        return [a[0] + (left / length) * (b[0] - a[0]), a[1] + (left / length) * (b[1] - a[1])];
      left -= length;
    }
    return this.#line.at(-1)!;
  }

  #nearest(at: XY): number {
    const everywhere = Number.isNaN(this.#along);
    const [from, to] = everywhere ? [0, this.length] : [this.#along - 1, this.#along + 3];
    let best = { along: everywhere ? 0 : this.#along, gap: Number.POSITIVE_INFINITY };
    for (let along = Math.max(0, from); along <= Math.min(to, this.length); along += 0.05) {
      const [x, y] = this.pointAt(along);
      const gap = Math.hypot(x - at[0], y - at[1]);
      if (gap < best.gap) best = { along, gap };
    }
    return best.along;
  }
}

function wrap(angle: number): number {
  return Math.atan2(Math.sin(angle), Math.cos(angle));
}
