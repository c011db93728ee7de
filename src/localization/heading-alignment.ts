import { z } from 'zod';
import { quatFromRpy, quatRotate } from '../math/so3.ts';
import type { Pose, Stamp, Vec3 } from '../types.ts';
import { type ImuReading, secondsBetween } from './filter-state.ts';
import { PlanarTrack } from './planar-track.ts';
import { apply, fitRigid2d, type PointPair } from './rigid-fit.ts';

const positive = (value: number, max: number, text: string) =>
  z.number().positive().max(max).default(value).describe(text);

/** Settings of the first heading from GNSS. */
export const headingAlignmentSchema = z.strictObject({
  minDistance: positive(5, 1000, 'm, (0, 1000]: extent of the driven track that is needed'),
  maxHeadingSigma: positive(0.17, 1, 'rad, (0, 1]: heading uncertainty that is good enough, 10°'),
  minFixes: z.number().int().min(3).max(1000).default(5).describe('fixes needed, [3, 1000]'),
  maxFixes: z.number().int().min(10).max(10_000).default(300).describe('fixes kept, the newest, [10, 10000]'),
  horizontalFloor: positive(0.5, 100, 'm, (0, 100]: no fix is trusted better than this'),
  verticalFloor: positive(1, 100, 'm, (0, 100]: likewise'),
  unknownSigma: positive(5, 1000, 'm, (0, 1000]: sigma of a fix that does not say'),
  independentEvery: positive(3, 600, 's, (0, 600]: fixes closer in time than this share their error'),
  maxResidual: positive(3, 100, 'sigmas, (0, 100]: a larger misfit means that track and fixes disagree'),
  tiltSigma: positive(0.05, 1, 'rad, (0, 1]: roll and pitch of the ground'),
  gyroGap: positive(0.25, 5, 's, (0, 5]: without a gyro for longer, wheels tell the turn'),
});

export type HeadingAlignmentConfig = z.infer<typeof headingAlignmentSchema>;

export type HeadingResult =
  | {
      readonly ok: true;
      /** T_map_base at `stamp`, the latest fix's */
      readonly stamp: Stamp;
      readonly pose: Pose;
      /** of base_link, m/s, map axes */
      readonly velocity: Vec3;
      /** 6 × 6 row-major, x y z rotX rotY rotZ about map axes */
      readonly covariance: Float64Array;
      /** radians */
      readonly headingSigma: number;
      readonly inliers: number;
    }
  | {
      readonly ok: false;
      readonly reason:
        | 'no-fix'
        | 'no-odometry'
        | 'few-fixes'
        | 'not-moved'
        | 'tracks-disagree'
        | 'heading-uncertain';
      readonly fixes: number;
      /** metres driven between the two fixes furthest apart along x or y */
      readonly extent: number;
      readonly headingSigma?: number;
    };

/**
 * The first pose of a robot that knows neither heading nor map: its dead-reckoned track (wheel speed, turn by the gyro)
 * is laid over its GNSS fixes. Ground that is nearly level is assumed. Inputs in order of stamp; late ones are ignored.
 */
export class HeadingAlignment {
  readonly #config: HeadingAlignmentConfig;
  readonly #track: PlanarTrack;
  #pairs: (PointPair & { stamp: Stamp })[] = [];

  constructor(config: HeadingAlignmentConfig) {
    this.#config = config;
    this.#track = new PlanarTrack(config.gyroGap);
  }

  /** A sample in base axes. */
  imu(sample: ImuReading): void {
    this.#track.imu(sample);
  }

  /** The twist of base_link in base axes, m/s and rad/s. */
  odometry(stamp: Stamp, linear: Vec3, angular: Vec3): void {
    this.#track.odometry(stamp, linear, angular);
  }

  /** A fix as in `PoseFilter.gnss`; answers with the first pose once it is known well enough. */
  gnss(
    stamp: Stamp,
    antenna: Vec3,
    covariance: readonly number[] | undefined,
    leverArm: Vec3,
    status = 0,
  ): HeadingResult {
    if (status < 0 || !antenna.every(Number.isFinite)) return this.#refuse('no-fix');
    const { linear } = this.#track;
    if (linear === undefined) return this.#refuse('no-odometry');
    this.#track.advance(stamp);
    const a = this.#track.pointAt(leverArm);
    const variance = covariance ? (covariance[0]! + covariance[4]!) / 2 : this.#config.unknownSigma ** 2;
    const sigma = Math.sqrt(Math.max(variance, this.#config.horizontalFloor ** 2));
    this.#pairs = [...this.#pairs, { stamp, a, b: [antenna[0], antenna[1]] as const, sigma }].slice(
      -this.#config.maxFixes,
    );
    return this.#solve(stamp, linear, antenna[2] - leverArm[2], sigma, covariance?.[8]);
  }

  #solve(
    stamp: Stamp,
    linear: Vec3,
    height: number,
    sigma: number,
    heightVariance: number | undefined,
  ): HeadingResult {
    const config = this.#config;
    if (this.#pairs.length < config.minFixes) return this.#refuse('few-fixes');
    if (this.#extent() < config.minDistance) return this.#refuse('not-moved');
    const fit = fitRigid2d(this.#pairs);
    if (fit.residual > config.maxResidual) return this.#refuse('tracks-disagree');
    const span = secondsBetween(this.#pairs[0]!.stamp, stamp);
    // The sigmas count as claimed or as observed, whichever is worse, and fixes that share their error count once.
    const shared = Math.max(1, (config.independentEvery * this.#pairs.length) / Math.max(span, 1));
    const scatter = Math.max(1, (fit.residual * fit.residual) / 2);
    const headingVariance = (shared * scatter) / fit.moment;
    const headingSigma = Math.sqrt(headingVariance);
    if (headingSigma > config.maxHeadingSigma) return this.#refuse('heading-uncertain', headingSigma);

    const here = this.#track.pointAt([0, 0, 0]);
    const [x, y] = apply(fit, here);
    const reach = (here[0] - fit.meanA[0]) ** 2 + (here[1] - fit.meanA[1]) ** 2;
    // Fixes of one place and time are biased alike: their mean is no better than one of them.
    const positionVariance = sigma * sigma + headingVariance * reach;
    const vertical = Math.max(heightVariance ?? config.unknownSigma ** 2, config.verticalFloor ** 2);
    const tilt = config.tiltSigma ** 2;
    const diagonal = [positionVariance, positionVariance, vertical, tilt, tilt, headingVariance];
    const covariance = new Float64Array(36);
    diagonal.forEach((variance, i) => {
      covariance[7 * i] = variance;
    });
    const pose = {
      position: [x, y, height],
      orientation: quatFromRpy(0, 0, this.#track.yaw + fit.yaw),
    } as const;
    const velocity = quatRotate(pose.orientation, linear);
    return { ok: true, stamp, pose, velocity, covariance, headingSigma, inliers: fit.inliers };
  }

  #extent(): number {
    const span = (axis: 0 | 1) => {
      const values = this.#pairs.map(({ a }) => a[axis]);
      return values.length === 0 ? 0 : Math.max(...values) - Math.min(...values);
    };
    return Math.max(span(0), span(1));
  }

  #refuse(reason: Extract<HeadingResult, { ok: false }>['reason'], headingSigma?: number): HeadingResult {
    const known = headingSigma === undefined ? {} : { headingSigma };
    return { ok: false, reason, fixes: this.#pairs.length, extent: this.#extent(), ...known };
  }
}
