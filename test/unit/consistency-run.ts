import { fusionSchema } from '../../src/localization/fusion-config.ts';
import { PoseFilter } from '../../src/localization/pose-filter.ts';
import { cholesky, mahalanobisSquared } from '../../src/math/matrix.ts';
import { Random } from '../../src/math/random.ts';
import { logSo3, quatConjugate, quatMultiply, quatRotate } from '../../src/math/so3.ts';
import { sub } from '../../src/math/vec3.ts';
import type { Vec3 } from '../../src/types.ts';
import { at, diagonal, noise3, plus, START, spoiled, Weaver } from './fusion-simulation.ts';

/** White errors of exactly these sizes: no floors, no correlation, no scale errors; wheels turn with a bias. */
const CONFIG = fusionSchema.parse({
  imu: { accelerometerNoise: 0.02, accelerometerAliasing: 0, gyroNoise: 0.002 },
  registration: { positionFloor: 0, rotationFloor: 0 },
  gnss: { horizontalFloor: 0.1, verticalFloor: 0.1, correlation: 0 },
  odometry: {
    correlation: 0,
    forwardSigma: 0.05,
    forwardScale: 0,
    slipShare: 1e-6,
    lateralSigma: 0.05,
    verticalSigma: 0.05,
    yawRateSigma: 0.03,
    yawRateScale: 0,
  },
});
export const TIMES = [5, 10, 15, 20];
const ARM: Vec3 = [0.3, 0.1, 0.5];

export interface ConsistencyRun {
  /** normalised estimation error squared of all 15 states, at TIMES */
  readonly nees: readonly number[];
  /** the same of the bias of the wheels' yaw rate, once the first leg has taught it */
  readonly wheelYaw: number;
}

/** A seeded drive; adds NIS by degree of freedom to those of each sensor. */
export function consistencyRun(seed: number, nis: Record<string, number[]>): ConsistencyRun {
  const r = new Random(seed);
  const robot = new Weaver();
  const filter = new PoseFilter(CONFIG);
  const start = { position: [0, 0, 0], orientation: [0, 0, 0, 1] } as const;
  const { knownVelocitySigma, gyroBiasSigma, accelerometerBiasSigma } = CONFIG.initial;
  filter.initialize(
    START,
    spoiled(start, r, 0.1, 0.03),
    diagonal(0.1, 0.1, 0.1, 0.03, 0.03, 0.03),
    plus([1, 0, 0], noise3(r, knownVelocitySigma)),
  );
  let gyroBias = noise3(r, gyroBiasSigma);
  let accelerometerBias = noise3(r, accelerometerBiasSigma);
  const yawBias = r.gaussian(0, CONFIG.odometry.yawBiasSigma);
  const nees: number[] = [];
  let wheelYaw = 0;
  for (let k = 0; k <= 2000; k++) {
    const time = k / 100;
    const truth = robot.pose(time);
    const perfect = robot.imu(time);
    gyroBias = plus(gyroBias, noise3(r, CONFIG.imu.gyroBiasWalk * 0.1));
    accelerometerBias = plus(accelerometerBias, noise3(r, CONFIG.imu.accelerometerBiasWalk * 0.1));
    filter.imu({
      stamp: at(time),
      angularVelocity: plus(plus(perfect.angularVelocity, gyroBias), noise3(r, 0.02)),
      linearAcceleration: plus(plus(perfect.linearAcceleration, accelerometerBias), noise3(r, 0.2)),
    });
    if (k === 0) continue;
    const records = [];
    if (k % 5 === 0) {
      const rate = Weaver.yawRate(time) + yawBias + r.gaussian(0, 0.03);
      records.push(
        filter.odometry(at(time), plus([Weaver.speed(time), 0, 0], noise3(r, 0.05)), [0, 0, rate]),
      );
    }
    if (k % 10 === 0) {
      const pose = spoiled(truth, r, 0.02, 0.003);
      records.push(filter.registration(at(time), pose, diagonal(0.02, 0.02, 0.02, 0.003, 0.003, 0.003)));
    }
    if (k % 100 === 0) {
      const arm = quatRotate(truth.orientation, ARM);
      const antenna = plus(plus(truth.position, arm), noise3(r, 0.5));
      records.push(filter.gnss(at(time), antenna, [...diagonal(0.5, 0.5, 0.5)], ARM));
    }
    for (const record of records) {
      nis[record.sensor] ??= [];
      nis[record.sensor]!.push(record.nis / record.dof);
    }
    if (!TIMES.includes(time)) continue;
    const estimate = filter.stateAt(at(time))!;
    const { wheels } = estimate;
    if (time === TIMES[0]) wheelYaw = (yawBias - wheels.yawBias) ** 2 / wheels.yawVariance;
    const turn = logSo3(quatMultiply(truth.orientation, quatConjugate(estimate.pose.orientation)));
    const error = Float64Array.of(
      ...sub(truth.position, estimate.pose.position),
      ...sub(robot.velocity(time), estimate.velocity),
      ...turn,
      ...sub(gyroBias, estimate.gyroBias),
      ...sub(accelerometerBias, estimate.accelerometerBias),
    );
    nees.push(mahalanobisSquared(cholesky(estimate.covariance, 15)!, error));
  }
  return { nees, wheelYaw };
}
