import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { Refusal } from '../../types.ts';

/** Records of one robot, one JSON object a line. */
export const INTERVENTIONS_FILE = 'interventions.jsonl';

const vec3 = z.tuple([z.number(), z.number(), z.number()]);
export const interventionSchema = z.strictObject({
  id: z.string(),
  /** when, ISO 8601; and by the sensors, ns */
  at: z.iso.datetime(),
  stamp: z
    .string()
    .regex(/^-?\d+$/)
    .optional(),
  robot: z.string(),
  operator: z.string(),
  kind: z.enum(['stop', 'resume', 'relocalise', 'mark-intervention', 'go-to', 'save-state']),
  note: z.string().optional(),
  command: z.record(z.string(), z.unknown()),
  map: z.strictObject({ mapId: z.string(), version: z.int() }).optional(),
  state: z.string().optional(),
  /** T_map_base */
  pose: z
    .strictObject({
      position: vec3,
      orientation: z.tuple([z.number(), z.number(), z.number(), z.number()]),
    })
    .optional(),
  /** 6 × 6, row-major, as FrameResult */
  covariance: z.array(z.number()).length(36).optional(),
  /** degrees and metres above the ellipsoid */
  place: z.strictObject({ lat: z.number(), lon: z.number(), ellipsoidalHeight: z.number() }).optional(),
  events: z.array(z.record(z.string(), z.unknown())),
  /** where in which recording */
  recording: z.strictObject({ path: z.string(), stamp: z.string() }).optional(),
});
export type Intervention = z.infer<typeof interventionSchema>;

/** What operators did to a robot, kept on disk: a line is there whole, or not at all, also after a loss of power. */
export class InterventionStore {
  readonly #path: string;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(path: string) {
    this.#path = path;
  }

  static async open(folder: string): Promise<InterventionStore> {
    await mkdir(folder, { recursive: true });
    return new InterventionStore(join(folder, INTERVENTIONS_FILE));
  }

  /** Resolves with its id when it is on disk. */
  add(record: Omit<Intervention, 'id'>): Promise<string> {
    const id = randomUUID();
    const line = JSON.stringify({ id, ...record });
    const done = this.#last.then(() => this.#append(line));
    this.#last = done.catch(() => {});
    return done.then(() => id);
  }

  async #append(line: string): Promise<void> {
    const file = await open(this.#path, 'a+');
    try {
      const { size } = await file.stat();
      const { buffer } = await file.read(Buffer.alloc(1), 0, 1, Math.max(0, size - 1));
      // A line that was torn by a loss of power must not swallow this one.
      const isTorn = size > 0 && buffer[0] !== 0x0a;
      await file.appendFile(`${isTorn ? '\n' : ''}${line}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
  }
}

/** Reads a store. Lines that are not whole are told, not used. Rejects with a Refusal `no-interventions`. */
export async function readInterventions(
  folder: string,
): Promise<{ records: Intervention[]; damaged: string[] }> {
  let text: string;
  try {
    text = await readFile(join(folder, INTERVENTIONS_FILE), 'utf8');
  } catch {
    throw new Refusal(
      'no-interventions',
      `${folder}: expected ${INTERVENTIONS_FILE}, found none; is it the folder of operator.interventions?`,
    );
  }
  const records: Intervention[] = [];
  const damaged: string[] = [];
  text.split('\n').forEach((line, k) => {
    if (line.trim() === '') return;
    const parsed = interventionSchema.safeParse(parseJson(line));
    if (parsed.success) records.push(parsed.data);
    else {
      const issue = parsed.error.issues[0]!;
      damaged.push(`line ${k + 1}: ${issue.path.join('.') || '(root)'}: ${issue.message}`);
    }
  });
  return { records, damaged };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** GeoJSON (RFC 7946): a Point for each intervention, `null` where the place was not known. */
export function interventionsGeoJson(records: readonly Intervention[]): object {
  return {
    type: 'FeatureCollection',
    features: records.map(({ id, place, ...properties }) => ({
      type: 'Feature',
      id,
      geometry: place
        ? { type: 'Point', coordinates: [place.lon, place.lat, place.ellipsoidalHeight] }
        : null,
      properties,
    })),
  };
}
