import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type Layer, openLayer } from './layer.ts';

const vec3 = z.tuple([z.number(), z.number(), z.number()]);
const cube = z.tuple([z.int(), z.int(), z.int()]);

export const proposedSchema = z.strictObject({
  id: z.string(),
  kind: z.enum(['appeared', 'gone']),
  low: vec3,
  high: vec3,
  tiles: z.array(z.string()),
  /** of `voxel` metres, by their multiples in the map frame */
  cubes: z.array(cube),
  /** of each cube: days that agree, and that disagree */
  votes: z.array(z.tuple([z.int(), z.int()])).default([]),
  /** days that agree and that disagree, on average over the cubes */
  agree: z.number(),
  disagree: z.number(),
  /** appeared: x y z nx ny nz per point, map frame; the normal looks to where it was seen from */
  points: z.array(z.array(z.number()).length(6)),
});
export type Proposed = z.infer<typeof proposedSchema>;

export const proposalSchema = z.strictObject({
  specVersion: z.literal(1),
  mapId: z.string(),
  /** the version that it changes */
  version: z.int(),
  manifestSha256: z.string(),
  /** m */
  voxel: z.number(),
  drives: z.int(),
  days: z.int(),
  objects: z.array(proposedSchema),
});
export type Proposal = z.infer<typeof proposalSchema>;

/** A gold layer's proposal. Rejects with a Refusal. */
export async function openProposal(folder: string): Promise<{ layer: Layer; proposal: Proposal }> {
  const layer = await openLayer(folder, 'gold');
  const proposal = proposalSchema.parse(JSON.parse(await readFile(join(folder, 'proposal.json'), 'utf8')));
  return { layer, proposal };
}
