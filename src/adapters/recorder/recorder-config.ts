import { z } from 'zod';
import { uploadConfig } from './upload/upload-config.ts';

/** How drives are recorded. Sizes are of what lies on the disk. */
export const recorderConfig = z.strictObject({
  folder: z.string().default('').describe('where drives are recorded; empty: nothing is recorded'),
  chunkBytes: z
    .int()
    .min(1 << 12)
    .max(1 << 28)
    .default(1 << 22)
    .describe('a chunk is written and synced when it holds this much before compression, bytes'),
  chunkSeconds: z
    .number()
    .min(0.05)
    .max(600)
    .default(2)
    .describe('or when its first message is this old: what a crash can lose, s'),
  fileMegabytes: z.number().min(0.01).max(1e6).default(1024).describe('a new file after so much, MB'),
  fileSeconds: z.number().min(0.1).max(86_400).default(600).describe('or after this time, s'),
  quotaGigabytes: z
    .number()
    .min(0)
    .max(1e6)
    .default(64)
    .describe('all drives together; the oldest uploaded files go first, GB'),
  queueMegabytes: z
    .int()
    .min(1)
    .max(2000)
    .default(64)
    .describe('memory between the robot and the disk; when it is full clouds are dropped and counted, MB'),
  zstdLevel: z
    .int()
    .min(-50)
    .max(19)
    .default(-3)
    .describe('negative levels are the fast ones: on a robot a core counts more than a tenth of the disk'),
  acceptSchemas: z
    .array(z.string())
    .default([])
    .describe('topics whose new type is taken as a new version though it does not fit the last one'),
  rates: z
    .record(z.string(), z.number().positive().max(10_000))
    .default({})
    .describe('what each topic should send, messages a second; others are held to their last drive'),
  missing: z
    .number()
    .min(0)
    .max(1)
    .default(0.05)
    .describe('share of the expected messages of a window that may be missing without an alarm'),
  upload: uploadConfig.prefault({}),
});
export type RecorderConfig = z.infer<typeof recorderConfig>;
