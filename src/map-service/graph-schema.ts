import { z } from 'zod';
import { Refusal } from '../types.ts';

const number = z.number();
const id = z.string().min(1);
const position = z.tuple([number.min(-180).max(180), number.min(-90).max(90)]).rest(number);
const line = z.array(position).min(2);
const point = z.object({ type: z.literal('Point'), coordinates: position });
const lineString = z.object({ type: z.literal('LineString'), coordinates: line });
const polygon = z.object({ type: z.literal('Polygon'), coordinates: z.array(line) });

const feature = <G extends z.ZodType, P extends z.ZodRawShape>(geometry: G, properties: P) =>
  z.object({ type: z.literal('Feature'), geometry, properties: z.strictObject(properties) });

const link = feature(lineString, {
  kind: z.literal('link'),
  id,
  from: id,
  to: id,
  oneWay: z.boolean().optional(),
  width: number.positive().describe('m'),
  incline: number.describe('rise over run, along the line'),
  surface: z.string().describe('OSM surface value, or unknown'),
  kerbHeight: number.min(0).describe('m'),
  crossing: id.optional().describe('signal id'),
  door: id.optional(),
  lift: id.optional(),
  speedLimit: number.positive().describe('m/s'),
});
const node = feature(point, { kind: z.literal('node'), id, floor: z.union([number, z.string()]).optional() });
const poi = feature(point, {
  kind: z.literal('poi'),
  id,
  name: z.string(),
  approach: z.object({ lon: number, lat: number, heading: number }),
  floor: z.union([number, z.string()]).optional(),
});
const wall = feature(z.union([lineString, polygon]), {
  kind: z.literal('virtual_wall'),
  id,
  type: z.enum(['no_go', 'one_way', 'slow']),
  validFrom: z.string().optional(),
  validTo: z.string().optional(),
});
const signal = feature(point, { kind: z.literal('signal'), id, link: id }).extend({
  properties: z.looseObject({ kind: z.literal('signal'), id, link: id }),
});
const opening = (kind: 'door' | 'lift') =>
  feature(point, {}).extend({
    properties: z.looseObject({ kind: z.literal(kind), id, links: z.array(id) }),
  });

export const FEATURES = {
  link,
  node,
  poi,
  virtual_wall: wall,
  signal,
  door: opening('door'),
  lift: opening('lift'),
} as const;
export type Kind = keyof typeof FEATURES;
export type FeatureOf<K extends Kind> = z.infer<(typeof FEATURES)[K]>;
export type Feature = { [K in Kind]: FeatureOf<K> }[Kind];
export type Position = readonly number[];

/** Features of a kind. */
export function ofKind<K extends Kind>(features: readonly Feature[], kind: K): FeatureOf<K>[] {
  return features.filter(
    (one): one is FeatureOf<K> & Feature => one.properties.kind === kind,
  ) as FeatureOf<K>[];
}

/** graph.geojson of the contract. Throws a Refusal `bad-graph` that names the feature and its wrong field. */
export function parseGraph(text: string, file: string): Feature[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Refusal('bad-graph', `${file}: expected GeoJSON, found ${(error as Error).message}`);
  }
  const shape = z.object({ type: z.literal('FeatureCollection'), features: z.array(z.unknown()) });
  const collection = shape.safeParse(value);
  if (!collection.success)
    throw new Refusal('bad-graph', `${file}: expected a GeoJSON FeatureCollection, found another thing`);
  return collection.data.features.map((one, n) => {
    const kind = (one as { properties?: { kind?: string } } | null)?.properties?.kind ?? '';
    if (!Object.hasOwn(FEATURES, kind))
      throw new Refusal(
        'bad-graph',
        `${file}: features.${n}.properties.kind: expected ${Object.keys(FEATURES).join(', ')}, found ${JSON.stringify(kind)}`,
      );
    const parsed = FEATURES[kind as Kind].safeParse(one);
    if (parsed.success) return parsed.data as Feature;
    const issue = parsed.error.issues[0];
    throw new Refusal('bad-graph', `${file}: features.${n}.${issue?.path.join('.')}: ${issue?.message}`);
  });
}

/** The features of several graphs; of those with the same kind and id the last one stays, in the place of the first. */
export function mergeGraphs(graphs: readonly (readonly Feature[])[]): Feature[] {
  const byId = new Map<string, Feature>();
  for (const one of graphs.flat()) byId.set(`${one.properties.kind}/${one.properties.id}`, one);
  return [...byId.values()];
}
