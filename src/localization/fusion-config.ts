import { z } from 'zod';

const positive = (value: number, max: number, text: string) =>
  z.number().positive().max(max).default(value).describe(text);
const nonNegative = (value: number, max: number, text: string) =>
  z.number().min(0).max(max).default(value).describe(text);
const count = (value: number, text: string) =>
  z.number().int().min(1).max(1000).default(value).describe(text);
const gate = (value: number) =>
  z
    .number()
    .min(0.9)
    .lt(1)
    .default(value)
    .describe('χ² probability of the innovation gate, [0.9, 1): larger accepts more');

const imu = z.strictObject({
  accelerometerNoise: positive(0.1, 10, 'm/s²/√Hz, (0, 10]; with vibration'),
  accelerometerAliasing: nonNegative(
    9,
    100,
    'm/s²/√Hz per s between samples, [0, 100]: what a slow IMU misses',
  ),
  gyroNoise: positive(0.004, 1, 'rad/s/√Hz, (0, 1]'),
  accelerometerBiasWalk: positive(5e-4, 1, 'm/s²/√s, (0, 1]'),
  gyroBiasWalk: positive(2e-5, 0.1, 'rad/s/√s, (0, 0.1]'),
  maxGap: positive(
    0.25,
    5,
    's, (0, 5]: a sample older than this no longer predicts; the twist is held instead',
  ),
  gravity: z
    .number()
    .min(9.7)
    .max(9.9)
    .default(9.80665)
    .describe('m/s², [9.7, 9.9]; normalGravity(latitude) is better'),
});

const constantVelocity = z.strictObject({
  accelerationNoise: positive(0.7, 20, 'm/s²/√Hz, (0, 20], when no IMU predicts'),
  angularAcceleration: positive(
    0.5,
    20,
    'rad/s²/√Hz, (0, 20]: how fast the held turn rate becomes uncertain',
  ),
  maxRateSigma: positive(0.5, 10, 'rad/s, (0, 10]: uncertainty of a turn rate that nothing measures'),
  rateCorrelation: positive(0.3, 10, 's, (0, 10]: how long an error of the held turn rate lasts'),
  rateDecay: positive(1, 60, 's, (0, 60]: time constant with which a held turn rate dies away'),
});

const initial = z.strictObject({
  velocitySigma: positive(5, 50, 'm/s, (0, 50], when the start velocity is not given'),
  knownVelocitySigma: positive(0.5, 50, 'm/s, (0, 50], when it is'),
  gyroBiasSigma: positive(0.01, 1, 'rad/s, (0, 1]'),
  accelerometerBiasSigma: positive(0.1, 5, 'm/s², (0, 5]'),
});

const knee = (value: number) =>
  z
    .number()
    .min(0.5)
    .lt(1)
    .default(value)
    .describe('χ² probability, [0.5, 1): a measurement further off than this weighs less the further it is');
const most = (value: number) =>
  z
    .number()
    .min(1)
    .max(1000)
    .default(value)
    .describe('[1, 1000]: the variance is scaled up to this where the innovations stay larger than claimed');

const registration = z.strictObject({
  gate: gate(0.999999),
  knee: knee(0.997),
  maxScale: most(25),
  positionFloor: nonNegative(0.02, 1, 'm, [0, 1]: added to the claimed sigma, in quadrature'),
  rotationFloor: nonNegative(0.001, 0.2, 'rad, [0, 0.2]: likewise'),
  fresh: positive(3, 60, 's, (0, 60]: LiDAR counts as tracking this long after an accepted registration'),
  recoverAfter: count(
    5,
    'refusals in a row that agree with each other before the filter starts again from them',
  ),
  recoverSpread: positive(0.5, 10, 'm, (0, 10]: successive offsets within this agree'),
});

const gnss = z.strictObject({
  gate: gate(0.999),
  horizontalFloor: positive(
    1,
    100,
    'm, (0, 100]: no fix is trusted better than this, times its HDOP where the receiver gives one above 1',
  ),
  verticalFloor: positive(3, 100, 'm, (0, 100]: likewise'),
  minSatellites: z
    .number()
    .int()
    .min(0)
    .max(64)
    .default(5)
    .describe(
      'a fix of fewer is not used (few-satellites), where the receiver tells: with 4 no fault shows (Parkinson & Axelrad 1988)',
    ),
  maxHdop: positive(10, 100, '(0, 100]: nor one with a larger HDOP (poor-geometry): a metre of range is ten'),
  unknownHorizontal: positive(5, 1000, 'm, (0, 1000]: sigma of a fix with covariance type unknown'),
  unknownVertical: positive(10, 1000, 'm, (0, 1000]: likewise'),
  correlation: nonNegative(
    30,
    3600,
    's, [0, 3600]: correlation time of the fix error (multipath, ionosphere)',
  ),
  minGain: nonNegative(
    0.01,
    1,
    '[0, 1]: a fix that would make no axis of the position surer than by this share of its variance is not-needed: judged, but not used',
  ),
  aloneAfter: positive(60, 3600, 's, (0, 3600]: after this long without LiDAR the filter follows the fixes'),
  horizontalWander: nonNegative(0.25, 10, 'm/√s, [0, 10]: random walk of the error of a fix, followed then'),
  verticalWander: nonNegative(0.15, 10, 'm/√s, [0, 10]: likewise'),
  huber: positive(
    1.345,
    10,
    'sigmas, (0, 10]: a fix further off than this pulls no harder, while fixes are followed',
  ),
  maxPriorSigma: positive(
    3,
    100,
    'm, (0, 100]: own uncertainty counts in the gate up to this, so it never opens wide',
  ),
  distrustAfter: count(3, 'refusals in a row, while LiDAR tracks, that make the receiver distrusted'),
  trustAfter: count(10, 'good fixes in a row that make it trusted again'),
  recoverAfter: count(
    10,
    'refusals in a row that agree, without LiDAR, before the position starts again from GNSS',
  ),
  recoverSeconds: positive(20, 600, 's, (0, 600]: and they must last this long'),
  recoverSpread: positive(5, 100, 'm, (0, 100]: successive offsets within this agree'),
  recoverHeadingSigma: positive(0.3, 3, 'rad, (0, 3]: heading uncertainty added then'),
});

const odometry = z.strictObject({
  gate: gate(0.9999),
  knee: knee(0.997),
  maxScale: most(25),
  legLength: positive(4, 100, 'm, (0, 100]: wheels are compared with the other sensors over legs so long'),
  legSeconds: positive(8, 600, 's, (0, 600]: or so long'),
  heldWithin: positive(0.3, 10, 's, (0, 10]: a leg counts where registrations are no older at its ends'),
  slipShare: positive(0.01, 0.5, 'share of a leg, (0, 0.5]: slip that comes and goes'),
  scaleWalk: positive(2e-4, 0.1, 'per √m, (0, 0.1]: how fast the scale of the wheels changes'),
  yawBiasSigma: positive(0.02, 1, 'rad/s, (0, 1]: bias of the yaw rate by wheels before it is learnt'),
  yawBiasWalk: positive(1e-4, 0.1, 'rad/s/√s, (0, 0.1]: how fast it changes'),
  slipSpeed: positive(
    0.3,
    10,
    'm/s, (0, 10]: wheels refused while faster than the robot by this slip (reason wheel-slip)',
  ),
  slipHold: nonNegative(0.3, 10, 's, [0, 10]: wheels that slipped are not used for this long after'),
  forwardSigma: positive(0.05, 10, 'm/s, (0, 10]'),
  forwardScale: nonNegative(0.03, 1, 'share of the speed, [0, 1]: wheel radius and slip'),
  lateralSigma: positive(0.05, 10, 'm/s, (0, 10]: how well "wheels do not slide sideways" holds'),
  verticalSigma: positive(0.1, 10, 'm/s, (0, 10]: how well "wheels stay on the ground" holds'),
  yawRateSigma: positive(0.05, 10, 'rad/s, (0, 10]'),
  yawRateScale: nonNegative(0.2, 2, 'share of the yaw rate, [0, 2]: skid steering'),
  correlation: nonNegative(2, 60, 's, [0, 60]: correlation time of slip'),
  recoverSeconds: positive(3, 60, 's, (0, 60]: refused this long without LiDAR, the own velocity is doubted'),
  recoverSigma: positive(1, 50, 'm/s, (0, 50]: velocity uncertainty then'),
  maxPoseJump: positive(
    5,
    1000,
    'm, (0, 1000]: a pose further from the last than this and its speed allow is refused',
  ),
  jumpConfirmations: count(5, 'such poses in a row that agree with each other before they are followed'),
});

const stationary = z.strictObject({
  gate: gate(0.9999),
  speed: positive(0.01, 1, 'm/s, (0, 1]: odometry below this says standing'),
  yawRate: positive(0.02, 1, 'rad/s, (0, 1]: likewise'),
  settle: positive(0.5, 10, 's, (0, 10]: and must say so this long'),
  quietRate: positive(0.08, 1, 'rad/s, (0, 1]: a gyro above this says moving'),
  quietAcceleration: positive(0.5, 10, 'm/s², (0, 10]: an accelerometer this far from gravity says moving'),
  imuSettle: positive(1, 60, 's, (0, 60]: without odometry, an IMU quiet this long says standing'),
  imuMaxSpeed: positive(
    0.1,
    10,
    'm/s, (0, 10]: but only if the filter is this slow, within twice this at 1 sigma',
  ),
  interval: positive(0.1, 10, 's, (0, 10]: one independent measurement of standing each'),
  velocitySigma: positive(0.01, 1, 'm/s, (0, 1]'),
  gyroSigma: positive(0.01, 1, 'rad/s, (0, 1]'),
  accelerationSigma: positive(0.2, 10, 'm/s², (0, 10]'),
  positionNoise: positive(0.002, 1, 'm/√s, (0, 1]: creep allowed while standing'),
  rotationNoise: positive(5e-4, 1, 'rad/√s, (0, 1]: likewise'),
});

/** Settings of the filter. Every default suits a sidewalk robot and a slow car; unknown keys are errors. */
export const fusionSchema = z.strictObject({
  history: positive(2, 60, 's, (0, 60]: measurements older than this are refused as too-old'),
  historyEntries: z
    .number()
    .int()
    .min(16)
    .max(1_000_000)
    .default(8192)
    .describe('most entries kept, [16, 1e6]'),
  maxFuture: positive(1, 60, 's, (0, 60]: a stamp further ahead of the newest is refused as from-future'),
  futureConfirmations: count(5, 'refusals from-future in a row after which time is believed to have jumped'),
  maxPrediction: positive(10, 600, 's, (0, 600]: with nothing measured for longer the state is unknown'),
  imu: imu.prefault({}),
  constantVelocity: constantVelocity.prefault({}),
  initial: initial.prefault({}),
  registration: registration.prefault({}),
  gnss: gnss.prefault({}),
  odometry: odometry.prefault({}),
  stationary: stationary.prefault({}),
});

export type FusionConfig = z.infer<typeof fusionSchema>;
