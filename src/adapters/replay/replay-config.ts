import { z } from 'zod';
import { degradeConfig } from './degrade-config.ts';

/** Settings of a replay: how it starts, and how its input is spoiled on purpose. */
export const replayConfig = z.strictObject({
  degrade: degradeConfig.prefault({}),
  start: z
    .strictObject({
      seed: z.int().min(0).max(0xffff_ffff).default(1),
      position: z
        .tuple([z.number(), z.number(), z.number()])
        .optional()
        .describe('where to look for the first pose, m, map frame; default: the reference, spoiled'),
      yaw: z.number().min(-180).max(180).optional().describe('heading to look around, degrees; 0 is east'),
      positionError: z
        .number()
        .min(0)
        .max(50)
        .default(2)
        .describe(
          'the start is this far off at most: the reference is spoiled by it, and the search reaches it, m',
        ),
      yawError: z.number().min(0).max(180).default(10).describe('likewise, degrees'),
    })
    .prefault({}),
});
export type ReplayConfig = z.infer<typeof replayConfig>;
