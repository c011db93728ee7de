import type { z } from 'zod';
import { FEATURES, type Kind } from '../route/features.ts';
import { Refusal } from '../types.ts';

/** A feature of graph.geojson as the route stage reads it, ready to be written again. */
export type FeatureOf<K extends Kind> = { type: 'Feature' } & z.infer<(typeof FEATURES)[K]>;
export type Feature = { [K in Kind]: FeatureOf<K> }[Kind];
export type Position = readonly number[];

/** Features of a kind. */
export function ofKind<K extends Kind>(features: readonly Feature[], kind: K): FeatureOf<K>[] {
  return features.filter(
    (one): one is FeatureOf<K> & Feature => one.properties.kind === kind,
  ) as FeatureOf<K>[];
}

/**
 * The features of a graph that is to be merged: unlike the route stage's reader it keeps what is doubled, since the last
 * one of an id stays. Throws a Refusal `bad-graph` that names the feature and its wrong field.
 */
export function parseGraph(text: string, file: string): Feature[] {
  let value: { type?: unknown; features?: unknown };
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Refusal('bad-graph', `${file}: expected GeoJSON, found ${(error as Error).message}`);
  }
  if (value?.type !== 'FeatureCollection' || !Array.isArray(value.features))
    throw new Refusal('bad-graph', `${file}: expected a GeoJSON FeatureCollection, found another thing`);
  return value.features.map((one, n) => {
    const kind = (one as { properties?: { kind?: string } } | null)?.properties?.kind ?? '';
    if (!Object.hasOwn(FEATURES, kind))
      throw new Refusal(
        'bad-graph',
        `${file}: features.${n}.properties.kind: expected ${Object.keys(FEATURES).join(', ')}, found ${JSON.stringify(kind)}`,
      );
    const parsed = FEATURES[kind as Kind].safeParse(one);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      throw new Refusal('bad-graph', `${file}: features.${n}.${issue?.path.join('.')}: ${issue?.message}`);
    }
    // What we write holds no field that nobody knows: a misspelt `oneWay` would else be gone in silence.
    for (const name of Object.keys((one as Feature).properties))
      if (!Object.hasOwn(parsed.data.properties, name))
        throw new Refusal('bad-graph', `${file}: features.${n}.properties.${name}: expected no such field`);
    return { type: 'Feature', ...parsed.data } as Feature;
  });
}

/** The features of several graphs; of those with the same kind and id the last one stays, in the place of the first. */
export function mergeGraphs(graphs: readonly (readonly Feature[])[]): Feature[] {
  const byId = new Map<string, Feature>();
  for (const one of graphs.flat()) byId.set(`${one.properties.kind}/${one.properties.id}`, one);
  return [...byId.values()];
}
