import { z } from 'zod';

const seconds = (value: number, max: number, text: string) =>
  z.number().min(0).max(max).default(value).describe(`s, [0, ${max}]: ${text}`);
const positive = (value: number, max: number, unit: string, text: string) =>
  z.number().positive().max(max).default(value).describe(`${unit}, (0, ${max}]: ${text}`);

export const robotConfig = z.strictObject({
  length: positive(
    1,
    5,
    'm',
    'of the robot with its load, front to rear; a sidewalk robot is 0.6–1.2 m long',
  ),
  crossingSpeed: positive(1.2, 5, 'm/s', 'held over the whole crossing; 1.2 m/s is a walking adult'),
  startDelay: seconds(1, 30, 'from GO until the robot moves at that speed'),
  margin: seconds(3, 60, 'added to the time that a crossing needs: somebody steps into the way'),
});

export const ageingConfig = z.strictObject({
  plausibleLag: seconds(5, 60, 'what lies unseen between a light and its answer; city feeds lag 2–5 s'),
  providerLag: z
    .record(z.string(), z.number().min(0).max(60))
    .default({ 'mqtt-spat': 1 })
    .describe(
      's, [0, 60]: the same for single providers, this list instead of the default one; a controller that pushes at 10 Hz lags less than 1 s',
    ),
  maxAge: seconds(
    8,
    120,
    'an answer older than this, lag included, is stale: plausibleLag and three lost answers',
  ),
  maxClockDrift: z
    .number()
    .min(0)
    .max(0.01)
    .default(1e-4)
    .describe(
      's/s, [0, 0.01]: how fast a source clock may run away from ours; quartz keeps 50 ppm on each side',
    ),
});

export const crossingRuleConfig = z.strictObject({
  clockError: seconds(
    0.5,
    10,
    'left off the remaining time: resolution and jitter of the clocks of source and robot',
  ),
  maxTimingGap: seconds(3, 10, 'phase and remaining time of one signal may be this far apart'),
  feedAlone: z
    .enum(['never', 'when-occluded'])
    .default('when-occluded')
    .describe('whether the feed decides alone while the camera says that something hides the light'),
  maxCameraAge: seconds(
    0.5,
    5,
    'an older picture counts as none; a camera gives 10 pictures a second or more',
  ),
  maxObstacleAge: seconds(0.5, 5, 'an older obstacle check counts as none; a LiDAR turns 10 times a second'),
});

export const guardConfig = z.strictObject({
  approachDistance: positive(10, 100, 'm', 'front to stop line: from here on the crossing is decided about'),
});

export const sessionConfig = z.strictObject({
  deadlines: z
    .strictObject({
      requested: positive(10, 600, 's', 'until the vendor answers at all'),
      queued: positive(600, 3600, 's', 'until it is our turn; longer than three robots hold a lift'),
      granted: positive(120, 600, 's', 'until the door stands open; a lift comes from the top floor'),
      openConfirmed: positive(20, 600, 's', 'until the robot begins to move in'),
      passing: positive(90, 600, 's', 'until it is through'),
    })
    .prefault({}),
  retryInterval: positive(
    1,
    60,
    's',
    'an unanswered request is sent again; the vendor tells it by its sequence',
  ),
  assumedLease: positive(
    120,
    3600,
    's',
    'how long a vendor may hold a resource for us when its answer never came, counted from our last request',
  ),
  entryReserve: seconds(10, 120, 'a lease that ends sooner is not begun to be used: time for the way in'),
  maxStateAge: seconds(3, 60, 'an older door or lift state is none; they are published every second'),
});

/** Settings of the stage `crossing`. Every default suits a sidewalk robot; unknown keys are errors. */
export const crossingConfig = z.strictObject({
  robot: robotConfig.prefault({}),
  ageing: ageingConfig.prefault({}),
  rule: crossingRuleConfig.prefault({}),
  guard: guardConfig.prefault({}),
  session: sessionConfig.prefault({}),
});

export type AgeingConfig = z.infer<typeof ageingConfig>;
export type SessionConfig = z.infer<typeof sessionConfig>;
export type CrossingConfig = z.infer<typeof crossingConfig>;
