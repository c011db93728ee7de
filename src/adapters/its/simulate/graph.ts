import { z } from 'zod';
import { Refusal, type RouteSignal } from '../../../types.ts';

const signalProperties = z.object({
  kind: z.literal('signal'),
  id: z.string(),
  crossingLength: z.number().positive(),
  provider: z.string(),
  externalId: z.string(),
  head: z.string(),
  verifiedAt: z.string().optional(),
});
const doorProperties = z.object({ kind: z.literal('door'), id: z.string() });
const liftProperties = z.object({
  kind: z.literal('lift'),
  id: z.string(),
  floors: z.array(z.string()).default([]),
});
const feature = z.object({ properties: z.object({ kind: z.string() }).loose() });
const graph = z.object({ type: z.literal('FeatureCollection'), features: z.array(feature) });

/** What a fake city needs of a route graph. */
export interface CityGraph {
  readonly signals: readonly RouteSignal[];
  readonly doors: readonly string[];
  readonly lifts: readonly { readonly id: string; readonly floors: readonly string[] }[];
}

/** Signals, doors and lifts of a graph.geojson; everything else is left out. Throws a Refusal `bad-graph`. */
export function cityGraph(text: string): CityGraph {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new Refusal('bad-graph', `expected GeoJSON, found ${(error as Error).message}`);
  }
  const parsed = graph.safeParse(json);
  if (!parsed.success) throw new Refusal('bad-graph', z.prettifyError(parsed.error));
  const of = <T>(kind: string, schema: z.ZodType<T>): T[] =>
    parsed.data.features
      .filter(({ properties }) => properties.kind === kind)
      .map(({ properties }) => {
        const found = schema.safeParse(properties);
        if (found.success) return found.data;
        throw new Refusal('bad-graph', `${kind} ${String(properties.id)}: ${z.prettifyError(found.error)}`);
      });
  return {
    signals: of('signal', signalProperties).map(({ id, kind: _, verifiedAt, ...rest }) => ({
      signalId: id,
      ...rest,
      ...(verifiedAt !== undefined && { verifiedAt }),
    })),
    doors: of('door', doorProperties).map(({ id }) => id),
    lifts: of('lift', liftProperties),
  };
}
