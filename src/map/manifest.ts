import { z } from 'zod';
import { Refusal } from '../types.ts';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hex digits');
const finite = z.number();

export const tileEntrySchema = z.strictObject({
  sha256,
  bytes: z.int().positive(),
  points: z.int().positive(),
  bbox: z
    .tuple([finite, finite, finite, finite, finite, finite])
    .describe('min x y z, max x y z; metres, ENU'),
  normals: z.strictObject({ k: z.int().positive().describe('neighbours that each normal comes from') }),
  fields: z.array(z.string()),
});

export const tileIdSchema = z.string().regex(/^-?\d+_-?\d+$/, 'expected a tile id like 12_-3');

/** manifest.json of a map package: names every other file by hash. */
export const manifestSchema = z.strictObject({
  specVersion: z.literal(1),
  mapId: z.string().regex(/^[A-Za-z0-9._-]+$/, 'expected letters, digits, dot, dash, underscore'),
  version: z.int().positive().describe('only rises'),
  expires: z.iso.datetime(),
  frame: z.strictObject({
    origin: z.strictObject({
      lat: z.number().min(-90).max(90),
      lon: z.number().min(-180).max(180),
      ellipsoidalHeight: z.number().min(-1000).max(10_000),
    }),
    axes: z.literal('ENU'),
    epsg: z.literal(4326),
  }),
  tileSize: z
    .number()
    .positive()
    .describe('metres; tile (i, j) covers [i·s, (i+1)·s) × [j·s, (j+1)·s) of ENU'),
  tiles: z.record(tileIdSchema, tileEntrySchema),
  graph: z.strictObject({ sha256, bytes: z.int().positive() }),
});

export type Manifest = z.infer<typeof manifestSchema>;
export type TileEntry = Manifest['tiles'][string];

/** Reads manifest.json. Throws a Refusal that names the wrong field's path. */
export function parseManifest(bytes: Uint8Array): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new Refusal('bad-manifest', `manifest.json: expected JSON, found ${(error as Error).message}`);
  }
  const parsed = manifestSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new Refusal('bad-manifest', `manifest.json: ${issue?.path.join('.') || '(root)'}: ${issue?.message}`);
}

/** Where a tile lies in a map package. */
export function tilePath(entry: { sha256: string }): string {
  return `tiles/sha256/${entry.sha256}.pcd`;
}
