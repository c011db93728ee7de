import type { Cloud, Core, RangeLimits } from '../core.ts';
import { compose, relative } from '../math/se3.ts';
import { quatRotate } from '../math/so3.ts';
import type { FrameResult, PointCloud2, Pose, Stamp } from '../types.ts';
import type { CutInterval, SilverScan } from './silver.ts';

/** A scan may be up to so long after the one before for the motion between them to be that of the sweep, s. */
const MAX_STEP_S = 0.35;
/** Around a bad scan this much is cut out too, s: what led there is not to be believed. */
const MARGIN_S = 0.5;
/** A good scan: of the registration's own likelihood and inliers. */
const MIN_PROBABILITY = 0.9;
const MIN_INLIERS = 0.3;

interface Held {
  readonly message: PointCloud2;
  readonly T_base_sensor: Pose;
  readonly frame: FrameResult & { readonly pose: Pose };
}

interface Kept {
  readonly scan: SilverScan;
  readonly points: Float32Array;
}

/** Takes scans and what the localisation made of them, in turn; gives those that can be believed, in the map frame. */
export class SilverBuilder {
  readonly #core: Core;
  readonly #range: RangeLimits;
  readonly #every: number;
  readonly #kept: Kept[] = [];
  readonly #bad: { stamp: Stamp; reason: string }[] = [];
  #frame: FrameResult | undefined;
  #held: Held | undefined;
  #last: Stamp | undefined;
  #scans = 0;

  /** @param every a scan is kept so often, s */
  constructor(core: Core, range: RangeLimits, every: number) {
    this.#core = core;
    this.#range = range;
    this.#every = every;
  }

  frame(frame: FrameResult): void {
    this.#frame = frame;
  }

  /** A scan that the localisation has handled. */
  async scan(message: PointCloud2, T_base_sensor: Pose | undefined): Promise<void> {
    this.#scans++;
    const frame = this.#frame?.stamp === message.stamp ? this.#frame : undefined;
    const reason = faultOf(frame, T_base_sensor);
    if (reason !== undefined) {
      this.#bad.push({ stamp: message.stamp, reason });
      this.#held = undefined;
      return;
    }
    // The motion during a sweep is known when the next pose is.
    const held = this.#held;
    this.#held = { message, T_base_sensor: T_base_sensor!, frame: frame as Held['frame'] };
    if (!held) return;
    const seconds = Number(message.stamp - held.message.stamp) / 1e9;
    const isDue =
      this.#last === undefined || Number(held.message.stamp - this.#last) / 1e9 >= this.#every - 1e-3;
    if (!isDue || !(seconds > 0 && seconds <= MAX_STEP_S)) return;
    this.#last = held.message.stamp;
    await this.#keep(held, relative(held.frame.pose, frame!.pose!), seconds);
  }

  async finish() {
    const cut = intervals(this.#bad);
    const margin = BigInt(MARGIN_S * 1e9);
    const kept = this.#kept.filter(({ scan }) => {
      const stamp = BigInt(scan.stamp);
      return !cut.some(({ from, to }) => stamp >= BigInt(from) - margin && stamp <= BigInt(to) + margin);
    });
    const floats = new Float32Array(kept.reduce((sum, { points }) => sum + points.length, 0));
    let at = 0;
    for (const { points } of kept) {
      floats.set(points, at);
      at += points.length;
    }
    const median = (key: 'residual' | 'inlierRatio' | 'moved') => {
      const values = kept.map(({ scan }) => scan[key]).sort((a, b) => a - b);
      return values[Math.floor(values.length / 2)] ?? null;
    };
    return {
      scans: kept.map(({ scan }) => scan),
      points: new Uint8Array(floats.buffer),
      facts: {
        scans: this.#scans,
        kept: kept.length,
        cut,
        residual: median('residual'),
        inlierRatio: median('inlierRatio'),
        moved: median('moved'),
      },
    };
  }

  async #keep({ message, T_base_sensor, frame }: Held, step: Pose, seconds: number): Promise<void> {
    const { cloud } = await this.#core.decodePointCloud2(message, this.#range);
    const level = await this.#core.deskew(cloud, T_base_sensor, motionOf(cloud, step, seconds));
    const { positions } = level.arrays();
    const origin = compose(frame.pose, T_base_sensor).position;
    const points = new Float32Array(positions.length);
    for (let p = 0; p < positions.length; p += 3) {
      const [x, y, z] = quatRotate(frame.pose.orientation, [
        positions[p]!,
        positions[p + 1]!,
        positions[p + 2]!,
      ]);
      points[p] = x + frame.pose.position[0] - origin[0];
      points[p + 1] = y + frame.pose.position[1] - origin[1];
      points[p + 2] = z + frame.pose.position[2] - origin[2];
    }
    const { inliers, inlierRatio, residual, probability, overlap, moved } = frame.registration!;
    const scan = {
      stamp: `${message.stamp}`,
      origin: [...origin],
      pose: [...frame.pose.position, ...frame.pose.orientation],
      covariance: [...frame.covariance!],
      inliers,
      inlierRatio,
      residual,
      probability,
      overlap,
      moved,
      points: points.length / 3,
    };
    this.#kept.push({ scan, points });
  }
}

function faultOf(frame: FrameResult | undefined, T_base_sensor: Pose | undefined): string | undefined {
  if (!T_base_sensor) return 'unknown-mount';
  if (!frame?.pose || !frame.covariance) return 'no-pose';
  if (frame.state !== 'TRACKING') return `state-${frame.state}`;
  if (!frame.registration?.ok) return frame.registration?.reason ?? 'no-registration';
  if (frame.registration.probability < MIN_PROBABILITY) return 'improbable';
  return frame.registration.inlierRatio < MIN_INLIERS ? 'few-inliers' : undefined;
}

/** From one pose to the next the base moves evenly. */
function motionOf({ timeRange }: Cloud, step: Pose, seconds: number) {
  if (!timeRange || timeRange[1] <= timeRange[0]) return { kind: 'still' } as const;
  const { position, orientation } = step;
  // A rotation vector: of small angles 2 · (x y z) of the quaternion, exact enough below 0.2 rad.
  const [x, y, z, w] = orientation;
  const sine = Math.hypot(x, y, z);
  const scale = sine < 1e-12 ? 0 : (2 * Math.atan2(sine, w)) / sine / seconds;
  const [vx, vy, vz] = position;
  return {
    kind: 'twist',
    linear: [vx / seconds, vy / seconds, vz / seconds],
    angular: [x * scale, y * scale, z * scale],
  } as const;
}

/** Bad scans that follow each other within a second are one interval; its reason is the first. */
function intervals(bad: readonly { stamp: Stamp; reason: string }[]): CutInterval[] {
  const found: { from: Stamp; to: Stamp; reason: string }[] = [];
  for (const { stamp, reason } of bad) {
    const last = found.at(-1);
    if (last && stamp - last.to <= 1_000_000_000n) last.to = stamp;
    else found.push({ from: stamp, to: stamp, reason });
  }
  return found.map(({ from, to, reason }) => ({ from: `${from}`, to: `${to}`, reason }));
}
