import { configSchema } from '../../../src/config.ts';
import { IntegrityMonitor } from '../../../src/localization/integrity-monitor.ts';
import { PoseFilter } from '../../../src/localization/pose-filter.ts';
import { scanSeparation } from '../../../src/localization/protection-level.ts';
import { Random } from '../../../src/math/random.ts';
import { quatRotate } from '../../../src/math/so3.ts';
import type { LocalizationState, Pose, Vec3 } from '../../../src/types.ts';
import { at, diagonal, GRAVITY, noise3, plus, START, spoiled, Weaver } from '../../unit/fusion-simulation.ts';

export const config = configSchema.parse({});

/** What one output time showed. */
export interface Epoch {
  readonly time: number;
  /** of the position over the plane, m */
  readonly error: number;
  /** metres; Infinity while there is none */
  readonly level: number;
  readonly state: LocalizationState;
  readonly reason: string | undefined;
  /** driven so far, m */
  readonly driven: number;
}

export interface Scene {
  readonly seed: number;
  readonly seconds: number;
  /** what becomes of a registration and of a fix: itself, another one, or nothing */
  readonly lidar?: (time: number, pose: Pose) => Pose | undefined;
  readonly fix?: (time: number, antenna: Vec3) => { antenna: Vec3; sigma: number } | undefined;
}

const ARM: Vec3 = [-0.2, 0, 0.6];
/** m and rad: of registrations; m of fixes under a free sky */
const SIGMAS = [0.02, 0.02, 0.02, 0.001, 0.001, 0.001] as const;
const FIX_SIGMA = 1.5;

/**
 * A weaving robot at walking speed with simple simulated sensors, through the filter and the monitor with their defaults:
 * IMU 100 Hz with biases, wheels 20 Hz whose scale is off by up to 1 % and whose yaw rate is biased, registrations
 * 10 Hz, fixes 1 Hz. An epoch every 0.1 s.
 */
export function drive({ seed, seconds, lidar, fix }: Scene): Epoch[] {
  const r = new Random(seed);
  const robot = new Weaver();
  const filter = new PoseFilter(config.fusion);
  const monitor = new IntegrityMonitor(config.integrity, config.advice, {
    hasMap: true,
    gravity: GRAVITY,
    gyroGap: config.fusion.imu.maxGap,
    aloneAfter: config.fusion.gnss.aloneAfter,
    fixSigma: config.initialization.fixSigma,
  });
  const gyroBias = noise3(r, 0.003);
  const accelerometerBias = noise3(r, 0.03);
  const [scale, yawBias] = [1 + r.uniform(-0.01, 0.01), r.gaussian(0, 0.002)];
  const start: Pose = { position: [0, 0, 0], orientation: [0, 0, 0, 1] };
  filter.initialize(START, spoiled(start, r, 0.02, 0.001), diagonal(...SIGMAS), [1, 0, 0]);
  monitor.good(START, 0.02, true);
  const epochs: Epoch[] = [];
  let driven = 0;
  for (let k = 1; k <= seconds * 100; k++) {
    const time = k / 100;
    const stamp = at(time);
    const truth = robot.pose(time);
    driven += Weaver.speed(time) / 100;
    const perfect = robot.imu(time);
    const reading = {
      stamp,
      angularVelocity: plus(plus(perfect.angularVelocity, gyroBias), noise3(r, 0.005)),
      linearAcceleration: plus(plus(perfect.linearAcceleration, accelerometerBias), noise3(r, 0.08)),
    };
    filter.imu(reading);
    monitor.imu(reading, filter.stateAt(stamp)?.gyroBias ?? [0, 0, 0]);
    if (k % 5 === 0) {
      const linear = plus([scale * Weaver.speed(time), 0, 0], noise3(r, 0.02));
      const angular: Vec3 = [0, 0, Weaver.yawRate(time) + yawBias + r.gaussian(0, 0.02)];
      filter.odometry(stamp, linear, angular);
      monitor.odometry(stamp, linear, angular);
    }
    if (k % 100 === 0) {
      const antenna = plus(plus(truth.position, quatRotate(truth.orientation, ARM)), noise3(r, FIX_SIGMA));
      const given = fix ? fix(time, antenna) : { antenna, sigma: FIX_SIGMA };
      if (given)
        filter.gnss(stamp, given.antenna, [...diagonal(given.sigma, given.sigma, given.sigma)], ARM, 0);
    }
    if (k % 10 !== 0) continue;
    const seen = spoiled(truth, r, 0.02, 0.001);
    const pose = lidar ? lidar(time, seen) : seen;
    if (pose) {
      const record = filter.registration(stamp, pose, diagonal(...SIGMAS), 0);
      const separation = scanSeparation(record, diagonal(...SIGMAS), 0);
      if (record.accepted) monitor.good(stamp, 0.02, false, separation);
      else monitor.bad(stamp, record.reason ?? 'unspecified', record.innovation);
    }
    const estimate = filter.stateAt(stamp)!;
    const { verdict, protectionLevel } = monitor.judge(stamp, estimate, true, undefined);
    const [x, y] = estimate.pose.position;
    epochs.push({
      time,
      error: Math.hypot(x - truth.position[0], y - truth.position[1]),
      level: protectionLevel ?? Number.POSITIVE_INFINITY,
      state: verdict.state,
      reason: verdict.reason,
      driven,
    });
  }
  return epochs;
}
