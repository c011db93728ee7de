import { z } from 'zod';

const position = z
  .array(z.number())
  .min(2)
  .max(3)
  .refine(([lon, lat]) => Math.abs(lon!) <= 180 && Math.abs(lat!) <= 90, 'expected [lon, lat] in degrees');
const point = z.object({ type: z.literal('Point'), coordinates: position });
const line = z.object({ type: z.literal('LineString'), coordinates: z.array(position).min(2) });
const ring = z.array(position).min(4);
const polygon = z.object({ type: z.literal('Polygon'), coordinates: z.array(ring).min(1) });
const id = z.string().min(1);
const metres = z.number().nonnegative();

const node = z.object({ kind: z.literal('node'), id, floor: z.string().optional() });
const link = z.object({
  kind: z.literal('link'),
  id,
  from: id,
  to: id,
  oneWay: z.boolean().optional(),
  width: metres,
  incline: z.number().describe('rise / run from `from` to `to`'),
  surface: z.string().min(1).describe('value of the OSM key surface'),
  kerbHeight: metres,
  stairs: z.boolean().optional().describe('OSM highway=steps'),
  crossing: id.optional().describe('id of a signal'),
  door: id.optional(),
  lift: id.optional(),
  speedLimit: z.number().positive().describe('m/s'),
});
const poi = z.object({
  kind: z.literal('poi'),
  id,
  name: z.string(),
  approach: z.object({ lon: z.number(), lat: z.number(), heading: z.number() }),
  floor: z.string().optional(),
});
const virtualWall = z.object({
  kind: z.literal('virtual_wall'),
  id,
  type: z.enum(['no_go', 'one_way', 'slow']),
  validFrom: z.iso.datetime({ offset: true }).optional(),
  validTo: z.iso.datetime({ offset: true }).optional(),
});
const signal = z.object({
  kind: z.literal('signal'),
  id,
  link: id,
  stopLine: z.union([line, z.array(position).min(2)]),
  crossingLength: metres,
  provider: z.string(),
  externalId: z.string(),
  head: z.union([
    z.enum(['nt', 'et', 'st', 'wt', 'ne', 'se', 'sw', 'nw']),
    z.int().nonnegative(),
    z.string().regex(/^\d+$/),
  ]),
  verifiedAt: z.string(),
});
const machine = {
  id,
  links: z.array(id),
  adapter: z.string(),
  waitPose: z.unknown(),
  floors: z.array(z.string()).optional(),
  maxHold: z.number().positive().describe('s'),
};
const door = z.object({ kind: z.literal('door'), ...machine });
const lift = z.object({ kind: z.literal('lift'), ...machine });

/** The features of graph.geojson by kind; fields that we do not know are dropped. */
export const FEATURES = {
  node: z.object({ geometry: point, properties: node }),
  link: z.object({ geometry: line, properties: link }),
  poi: z.object({ geometry: point, properties: poi }),
  virtual_wall: z
    .object({ geometry: z.union([line, polygon]), properties: virtualWall })
    .refine(({ geometry, properties }) => properties.type !== 'one_way' || geometry.type === 'LineString', {
      path: ['geometry', 'type'],
      message: 'expected LineString for a one_way wall',
    }),
  signal: z.object({ geometry: point, properties: signal }),
  door: z.object({ geometry: point, properties: door }),
  lift: z.object({ geometry: point, properties: lift }),
} as const;

export type Kind = keyof typeof FEATURES;
export type NodeFeature = z.infer<typeof FEATURES.node>;
export type LinkFeature = z.infer<typeof FEATURES.link>;
export type PoiFeature = z.infer<typeof FEATURES.poi>;
export type WallFeature = z.infer<typeof FEATURES.virtual_wall>;
export type SignalFeature = z.infer<typeof FEATURES.signal>;
export type DoorFeature = z.infer<typeof FEATURES.door>;
export type LiftFeature = z.infer<typeof FEATURES.lift>;

/** All features of a route graph. Coordinates are lon, lat (EPSG:4326). */
export interface GraphFeatures {
  readonly nodes: readonly NodeFeature[];
  readonly links: readonly LinkFeature[];
  readonly pois: readonly PoiFeature[];
  readonly walls: readonly WallFeature[];
  readonly signals: readonly SignalFeature[];
  readonly doors: readonly DoorFeature[];
  readonly lifts: readonly LiftFeature[];
}
