import { z } from 'zod';

const sigma = (text: string) => z.number().min(0).max(1000).default(0).describe(text);
const fraction = (text: string) => z.number().min(0).max(1).default(0).describe(text);
const at = z.number().min(0).max(1e6).describe('s from the start of the source, [0, 1e6]');
const span = z.number().positive().max(1e6).describe('s, (0, 1e6]: how long it lasts');
const periods = (text: string) =>
  z
    .array(z.strictObject({ at, for: span }))
    .default([])
    .describe(text);

const gnss = z.strictObject({
  rate: z
    .number()
    .positive()
    .max(100)
    .optional()
    .describe('Hz, (0, 100]: fixes a second at most; absent: all'),
  white: sigma('m, [0, 1000]: sigma of white noise on each of east, north, up'),
  bias: z
    .strictObject({
      magnitude: sigma('m, [0, 1000]: length of a horizontal bias'),
      driftRate: z
        .number()
        .min(0)
        .max(10)
        .default(0.1)
        .describe('rad/√s, [0, 10]: random walk of its direction'),
    })
    .prefault({}),
  jumps: z
    .array(
      z.strictObject({
        at,
        for: span,
        size: z.number().positive().max(1e5).describe('m, (0, 1e5]: horizontal, in a random direction'),
      }),
    )
    .default([])
    .describe('times in which every fix is off by one constant step'),
  freeze: periods('times in which the receiver repeats its last position with new stamps'),
  covariance: z
    .enum(['source', 'honest', 'dishonest', 'alternate'])
    .default('source')
    .describe(
      'what fixes claim: as the source says; with noise and bias added; `claimed`; the last two by turns',
    ),
  claimed: z
    .number()
    .positive()
    .max(1000)
    .default(0.3)
    .describe('m, (0, 1000]: sigma that a dishonest fix claims'),
  alternateEvery: z
    .number()
    .positive()
    .max(3600)
    .default(5)
    .describe('s, (0, 3600]: honest first, then dishonest'),
  outages: periods('times without any fix'),
});

const lidar = z.strictObject({
  outages: periods('times without any cloud'),
  lostRings: z
    .union([z.number().min(0).max(1), z.array(z.number().int().min(-90).max(1023))])
    .default(0)
    .describe(
      'part of the rings, [0, 1], or their numbers: of field `ring`, else the row of an organised cloud, else whole degrees of elevation',
    ),
  outliers: fraction('part of the points, [0, 1], that move along their ray to a range in 0.5–50 m'),
  hiddenSectors: z
    .array(
      z.strictObject({
        from: z.number().min(-180).max(180).describe('degrees of azimuth in the cloud’s frame, [-180, 180]'),
        to: z.number().min(-180).max(180).describe('likewise, anticlockwise of `from`'),
      }),
    )
    .default([])
    .describe('sectors in which nothing is seen'),
});

const stamps = z.strictObject({
  late: z
    .array(
      z.strictObject({
        on: z.string().min(1).describe('a channel, or a kind: points, gnss, imu, odometry'),
        seconds: z.number().positive().max(60).describe('s, (0, 60]: later arrival; the stamp stays'),
        fraction: z.number().min(0).max(1).default(1).describe('part of the messages, [0, 1]'),
      }),
    )
    .default([])
    .describe('messages that arrive late'),
  doubled: fraction('part of the messages, [0, 1], that come twice'),
  outOfOrder: fraction('part of the messages, [0, 1], that their channel’s next one overtakes'),
});

/** Settings of `replay.degrade`: what is spoiled on purpose. Every default spoils nothing; unknown keys are errors. */
export const degradeConfig = z.strictObject({
  seed: z.number().int().min(0).max(0xffffffff).default(1).describe('[0, 2³²): the same seed spoils alike'),
  gnss: z
    .union([z.enum(['none', 'canyon']), gnss])
    .default('none')
    .describe(
      'a preset, or its parameters. canyon: a 5 m bias that turns, 1.5 m of noise, 1 Hz, covariance honest and 0.3 m by turns',
    ),
  lidar: lidar.prefault({}),
  imu: z.strictObject({ outages: periods('times without IMU') }).prefault({}),
  odometry: z.strictObject({ outages: periods('times without odometry') }).prefault({}),
  stamps: stamps.prefault({}),
});

export type DegradeConfig = z.infer<typeof degradeConfig>;
export type GnssDegradation = z.infer<typeof gnss>;
export type LidarDegradation = DegradeConfig['lidar'];
export type StampDegradation = DegradeConfig['stamps'];

/** The parameters behind a preset's name, or the parameters given. */
export function gnssDegradation(config: DegradeConfig['gnss']): GnssDegradation {
  if (config === 'none') return gnss.parse({});
  if (config === 'canyon') {
    return gnss.parse({ rate: 1, white: 1.5, bias: { magnitude: 5 }, covariance: 'alternate' });
  }
  return config;
}
