import { z } from 'zod';

/** How recorded drives go to the map service. */
export const uploadConfig = z.strictObject({
  service: z
    .string()
    .default('')
    .describe('address of the map service that takes drives; empty: they stay on the robot'),
  tokenFile: z.string().default('').describe("file with this robot's token there; empty: none"),
  networks: z
    .array(z.string().min(1))
    .default([])
    .describe(
      "ways out that may be used: interfaces (eth0), or ranges of this robot's own address there (10.20.0.0/16); empty: none",
    ),
  parkedSeconds: z
    .number()
    .min(1)
    .max(86_400)
    .default(60)
    .describe('a robot that has stood so long, with no way left to go, is parked, s'),
  megabytesPerSecond: z.number().min(0.001).max(10_000).default(5).describe('at most, MB/s'),
  pieceMegabytes: z.number().min(0.001).max(1000).default(8).describe('of one request, MB'),
  every: z.number().min(1).max(86_400).default(60).describe('so often is looked for what can go, s'),
  attempts: z.int().min(1).max(50).default(6).describe('of one piece, the first included'),
  firstPause: z.number().min(0.001).max(60).default(0.5).describe('until the second attempt; doubles, s'),
  longestPause: z.number().positive().max(3600).default(60).describe('s'),
  stallTimeout: z
    .number()
    .positive()
    .max(3600)
    .default(30)
    .describe('a piece that does not get on for so long is tried again, s'),
  acceptTimeout: z
    .number()
    .positive()
    .max(86_400)
    .default(1800)
    .describe('the service reads a whole drive before it accepts it, s'),
});
export type UploadConfig = z.infer<typeof uploadConfig>;
