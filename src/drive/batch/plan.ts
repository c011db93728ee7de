import { z } from 'zod';
import { Refusal } from '../../types.ts';

const place = z.string().min(1);
const set = z.array(z.string()).default([]).describe('as --set of the command, for this job');

/** What a job does, in the words of the command that does it alone. `=NAME` is the result of another job. */
const jobSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('bronze'), input: place }),
  z.strictObject({
    kind: z.literal('silver'),
    bronze: place,
    map: place,
    reference: place.optional(),
    every: z.number().min(0).max(60).default(0.5),
    set,
  }),
  z.strictObject({
    kind: z.literal('gold'),
    silver: z.array(place).min(1),
    map: place,
    minDrives: z.int().min(1).default(3),
    set,
  }),
  z.strictObject({
    kind: z.literal('replay'),
    input: place,
    map: place.optional(),
    frames: z.string().optional(),
    reference: place.optional(),
    set,
  }),
  z.strictObject({
    kind: z.literal('map'),
    scans: place,
    poses: place,
    frames: z.string().optional(),
    refine: z.boolean().default(false),
    set,
  }),
]);
export type JobSpec = z.infer<typeof jobSchema>;

const name = z.string().regex(/^[\w-][\w.-]{0,99}$/, 'expected a name of letters, digits, . _ -');
const planSchema = z.strictObject({
  set: z.array(z.string()).default([]).describe('as --set, for all jobs'),
  jobs: z.record(name, jobSchema),
});

/** A job by its name, and those whose results it takes. */
export interface PlannedJob {
  readonly name: string;
  readonly spec: JobSpec;
  readonly needs: readonly string[];
}

export interface Plan {
  readonly set: readonly string[];
  /** each after those that it needs */
  readonly jobs: readonly PlannedJob[];
}

/** The fields of a job that are files or folders, or the results of others. */
export const PLACES = ['input', 'bronze', 'silver', 'map', 'reference', 'scans', 'poses'] as const;

export function placesOf(spec: JobSpec): string[] {
  const fields = spec as Readonly<Record<string, unknown>>;
  return PLACES.flatMap((field) => (fields[field] as string | readonly string[] | undefined) ?? []);
}

/** A plan out of parsed YAML. Throws a Refusal `bad-plan` that names the field. */
export function parsePlan(value: unknown): Plan {
  const parsed = planSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw new Refusal('bad-plan', `plan: ${issue.path.join('.') || '(root)'}: ${issue.message}`);
  }
  const { set: common, jobs } = parsed.data;
  const planned = new Map<string, PlannedJob>();
  for (const [id, spec] of Object.entries(jobs)) {
    const needs = placesOf(spec).flatMap((one) => (one.startsWith('=') ? one.slice(1) : []));
    const unknown = needs.find((one) => !Object.hasOwn(jobs, one));
    if (unknown !== undefined)
      throw new Refusal(
        'bad-plan',
        `plan: jobs.${id}: expected =NAME of one of ${Object.keys(jobs).join(', ')}, found =${unknown}`,
      );
    planned.set(id, { name: id, spec, needs: [...new Set(needs)] });
  }
  return { set: common, jobs: inOrder(planned) };
}

function inOrder(jobs: ReadonlyMap<string, PlannedJob>): PlannedJob[] {
  const order: PlannedJob[] = [];
  const state = new Map<string, 'open' | 'done'>();
  const visit = (id: string, way: readonly string[]) => {
    if (state.get(id) === 'done') return;
    if (state.get(id) === 'open')
      throw new Refusal('bad-plan', `plan: jobs need each other in a circle: ${[...way, id].join(' → ')}`);
    state.set(id, 'open');
    for (const need of jobs.get(id)!.needs) visit(need, [...way, id]);
    state.set(id, 'done');
    order.push(jobs.get(id)!);
  };
  for (const id of jobs.keys()) visit(id, []);
  return order;
}
