import { createHash } from 'node:crypto';
import { z } from 'zod';

export const sha256Hex = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hex digits');

/** Files of a drive that are no more than this many. */
const MOST_FILES = 10_000;
/** What came and what was recorded, by channel and span: among the files of a drive. */
export const RECEIVED_FILE = 'received.json';

const fileSchema = z.object({
  /** within the drive's folder, no deeper */
  path: z.string().regex(/^[\w-][\w.-]{0,199}$/, 'expected the name of a file'),
  sha256: sha256Hex,
  bytes: z.int().positive(),
});

/** What a robot says of a drive to the map service: its name, and its files by content. */
export const driveOffer = z.object({
  specVersion: z.literal(1),
  name: z.string().regex(/^[\w-][\w.-]{0,99}$/, 'expected the name of a folder'),
  files: z
    .array(fileSchema)
    .min(1)
    .max(MOST_FILES)
    .refine((files) => new Set(files.map(({ path }) => path)).size === files.length, 'a file is named twice'),
});
export type DriveOffer = z.infer<typeof driveOffer>;
export type OfferedFile = DriveOffer['files'][number];

/** The name of a drive by its content: the same files under the same names are the same drive, whoever sends them. */
export function driveId({ files }: Pick<DriveOffer, 'files'>): string {
  const lines = files.map(({ path, sha256, bytes }) => `${path} ${sha256} ${bytes}\n`).sort();
  return createHash('sha256').update(lines.join('')).digest('hex');
}
