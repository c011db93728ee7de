import { FOOTPRINT } from '../adapters/sim/city/body.ts';
import { CROSSING, ROAD } from '../adapters/sim/city/plan.ts';
import { toCity } from '../adapters/sim/city/solid.ts';
import { transformPoint } from '../math/se3.ts';
import { percentile } from '../math/statistics.ts';
import type { FrameResult, Pose, SignalPhase, Stamp } from '../types.ts';

type XY = readonly [x: number, y: number];
const GROSS_M = 0.5;

/** Holds a drive against the truth, which the robot never sees. */
export class SimJudge {
  readonly errors: number[] = [];
  /** poses with a protection level, and those whose true horizontal error is above it */
  protectedPoses = 0;
  falseConfidence = 0;
  unsaidGross = 0;
  wallsCrossed = 0;
  enteredOnRed = 0;
  firstPose: number | undefined;
  readonly #walls: readonly (readonly XY[])[];
  readonly #truth = new Map<Stamp, Pose>();
  #onWall = false;
  #onRoad = false;

  constructor(walls: readonly (readonly XY[])[]) {
    this.#walls = walls;
  }

  truth(stamp: Stamp, pose: Pose): void {
    this.#truth.set(stamp, pose);
    if (this.#truth.size > 100) this.#truth.delete(this.#truth.keys().next().value!);
  }

  /** `seconds` since the start. */
  frame({ stamp, state, pose, protectionLevel }: FrameResult, seconds: number): void {
    const truth = this.#truth.get(stamp);
    if (!truth || !pose || state === 'UNINITIALISED' || state === 'INITIALISING') return;
    this.firstPose ??= seconds;
    const [dx, dy, dz] = pose.position.map((p, axis) => p - truth.position[axis]!) as [
      number,
      number,
      number,
    ];
    const flat = Math.hypot(dx, dy);
    this.errors.push(Math.hypot(flat, dz));
    // A pose that is called LOST claims nothing.
    if (protectionLevel !== undefined && state !== 'LOST') {
      this.protectedPoses++;
      if (flat > protectionLevel) this.falseConfidence++;
    }
    if (flat > GROSS_M && state === 'TRACKING') this.unsaidGross++;
  }

  /** Where the robot truly is, and what the light truly shows. */
  place(T_map_base: Pose, light: SignalPhase): void {
    const { front, rear, side } = FOOTPRINT;
    const corners = [
      [front, side],
      [front, -side],
      [-rear, -side],
      [-rear, side],
    ].map(([x, y]) => transformPoint(T_map_base, [x!, y!, 0]));
    const edges = corners.map((a, i) => [a, corners[(i + 1) % 4]!] as const);
    const touches = this.#walls.some((wall) =>
      wall.slice(1).some((to, i) => edges.some(([a, b]) => meet(a, b, wall[i]!, to))),
    );
    if (touches && !this.#onWall) this.wallsCrossed++;
    this.#onWall = touches;
    const places = corners.map(([x, y]) => toCity(x, y));
    const onRoad = places.some(([u, v]) => Math.abs(u - CROSSING.u) < 5 && Math.abs(v) < ROAD.half);
    if (onRoad && !this.#onRoad && light !== 'walk') this.enteredOnRed++;
    this.#onRoad = onRoad;
  }

  figures() {
    const at = (p: number) => (this.errors.length > 0 ? percentile(this.errors, p) : null);
    return {
      poses: this.errors.length,
      errorMedian: at(50),
      errorP99: at(99),
      errorMax: at(100),
      firstPose: this.firstPose ?? null,
      protectedPoses: this.protectedPoses,
      falseConfidence: this.falseConfidence,
      unsaidGross: this.unsaidGross,
      wallsCrossed: this.wallsCrossed,
      enteredOnRed: this.enteredOnRed,
    };
  }
}

function meet(a: readonly number[], b: readonly number[], c: XY, d: XY): boolean {
  const side = (p: readonly number[], q: readonly number[], r: readonly number[]) =>
    Math.sign((q[0]! - p[0]!) * (r[1]! - p[1]!) - (q[1]! - p[1]!) * (r[0]! - p[0]!));
  return side(a, b, c) !== side(a, b, d) && side(c, d, a) !== side(c, d, b);
}
