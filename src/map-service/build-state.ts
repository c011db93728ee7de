import { createHash } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeWhole } from './whole-file.ts';

const count = z.int().min(0);
const stateSchema = z.strictObject({
  key: z.string().describe('hash of everything that the result depends on'),
  scans: count.describe('of the source, that are in the files'),
  rows: z.record(z.string(), count).describe('bytes of each tile file'),
  colours: z.record(z.string(), count).describe('bytes of the colours of each tile'),
  waiting: z.record(z.string(), count).describe('bytes of each scan that is to be voted on'),
  voted: count.describe('scans that the others had their say on'),
  images: count.describe('range images'),
  origin: z
    .strictObject({ lat: z.number(), lon: z.number(), ellipsoidalHeight: z.number() })
    .optional()
    .describe('of the map; known once all scans are in'),
});
export type BuildState = z.infer<typeof stateSchema>;

/** A key that differs when anything differs that the built map depends on. */
export function buildKey(parts: unknown): string {
  const text = JSON.stringify(parts, (_, value) => (typeof value === 'bigint' ? `${value}n` : value));
  return createHash('sha256').update(text).digest('hex');
}

/**
 * Where a build of this key stands in its work folder. A folder of another key, or without a readable state, is
 * emptied: it belongs to a build of something else.
 */
export async function openState(folder: string, key: string): Promise<BuildState> {
  try {
    const state = stateSchema.parse(JSON.parse(await readFile(statePath(folder), 'utf8')));
    if (state.key === key) return state;
  } catch {}
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  return { key, scans: 0, rows: {}, colours: {}, waiting: {}, voted: 0, images: 0 };
}

/** Makes the state the one to go on from; the files that it speaks of must be on the disk. */
export async function saveState(folder: string, state: BuildState): Promise<void> {
  await writeWhole(statePath(folder), new TextEncoder().encode(JSON.stringify(state)));
}

function statePath(folder: string): string {
  return join(folder, 'state.json');
}
