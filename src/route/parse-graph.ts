import { z } from 'zod';
import { Refusal } from '../types.ts';
import { FEATURES, type GraphFeatures, type Kind } from './features.ts';

const collection = z.object({
  type: z.literal('FeatureCollection'),
  features: z.array(
    z.object({ type: z.literal('Feature'), properties: z.looseObject({ kind: z.string() }) }).loose(),
  ),
});
const LISTS = {
  node: 'nodes',
  link: 'links',
  poi: 'pois',
  virtual_wall: 'walls',
  signal: 'signals',
  door: 'doors',
  lift: 'lifts',
} as const satisfies Record<Kind, keyof GraphFeatures>;

/**
 * Reads graph.geojson. An unknown kind is refused, since a misspelt wall would else be no wall.
 * Throws a Refusal `bad-graph` with the path of the wrong field.
 */
export function parseGraph(bytes: Uint8Array): GraphFeatures {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw bad(`expected JSON, found ${(error as Error).message}`);
  }
  const outer = checked(collection, value, []);
  const lists: Record<keyof GraphFeatures, unknown[]> = {
    nodes: [],
    links: [],
    pois: [],
    walls: [],
    signals: [],
    doors: [],
    lifts: [],
  };
  const ids = new Set<string>();
  for (const [index, feature] of outer.features.entries()) {
    const { kind } = feature.properties;
    if (!Object.hasOwn(FEATURES, kind))
      throw bad(
        `features.${index}.properties.kind: expected one of ${Object.keys(FEATURES).join(', ')}, found ${kind}`,
      );
    const schema: z.ZodType<{ properties: { id: string } }> = FEATURES[kind as Kind];
    const parsed = checked(schema, feature, ['features', index]);
    const { id } = parsed.properties;
    if (ids.has(id))
      throw bad(`features.${index}.properties.id: expected an id used once, found ${id} again`);
    ids.add(id);
    lists[LISTS[kind as Kind]].push(parsed);
  }
  return lists as unknown as GraphFeatures;
}

function checked<T>(schema: z.ZodType<T>, value: unknown, at: readonly PropertyKey[]): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const path = [...at, ...issue.path].join('.');
  throw bad(`${path || '(root)'}: ${issue.message}`);
}

function bad(message: string): Refusal {
  return new Refusal('bad-graph', `graph.geojson: ${message}`);
}
