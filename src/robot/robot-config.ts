import { z } from 'zod';

const number = (low: number, high: number, value: number, text: string) =>
  z.number().min(low).max(high).default(value).describe(text);

/** Settings of the running robot. Every default suits a sidewalk robot; unknown keys are errors. */
export const robotConfig = z.strictObject({
  id: z
    .string()
    .regex(/^[\w-]{1,40}$/)
    .default('dilly')
    .describe('of this robot among all that use the same doors and lifts'),
  baseToFront: number(0, 5, 0.5, 'base_link to the foremost point of robot and load, m'),
  width: number(0.1, 3, 0.6, 'of the robot and its load, side to side, m'),
  maxSpeed: number(0.1, 10, 1.5, 'm/s'),
  slowSpeed: number(0.05, 5, 0.5, 'in walls of type slow, while DEGRADED, and through doors, m/s'),
  deceleration: number(0.05, 5, 0.5, 'with which it brakes for what lies ahead, m/s²'),
  stopGap: number(0.05, 5, 0.3, 'between its front and what it stops before, m'),
  maxOffset: number(0.5, 50, 3, 'further beside its route it stops, m'),
  arriveDistance: number(0.1, 10, 0.5, 'less of the route left is arrived, m'),
  maxPoseAge: number(0.1, 10, 1, 'an older pose is none, s'),
  sensorSilence: number(0.2, 60, 3, 'a sensor that says nothing for so long is down, s'),
  askAfter: number(
    0.2,
    30,
    1.5,
    'a signal within query distance that nothing was heard of for so long is asked for, s',
  ),
  askDeadline: number(0.1, 10, 1.5, 'for one answer, s'),
  callDistance: number(1, 200, 20, 'doors and lifts nearer on the route are asked for, m'),
  doorDistance: number(0.2, 10, 1, 'it waits so far before a door or lift that is not open, m'),
  assumedLease: number(5, 600, 60, 'a door or lift that names us as its user is ours for so long, s'),
  retryAfter: number(1, 600, 10, 'a door or lift that refused or failed is asked again after so long, s'),
  commandDeadline: number(1, 120, 15, 'for a way to be found or a state to be saved, s'),
  keepMemory: z
    .boolean()
    .default(true)
    .describe(
      'no scan waits for memory, at the price of some 100 MB: the process keeps what it was given once',
    ),
  scanInterval: number(0, 60, 0.2, 'between two scans that are shown, s'),
  scanPoints: z.int().min(100).max(200_000).default(5000).describe('points of a scan that is shown, at most'),
});
export type RobotConfig = z.infer<typeof robotConfig>;
