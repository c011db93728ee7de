import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { enuFrame } from '../../src/math/geodesy.ts';
import { profileSchema } from '../../src/route/profile.ts';

/** The street of these scenarios, metres to the east: a road, a door, and a lift from L1 to L3. */
export const ROAD = { from: 40, to: 54 } as const;
export const DOOR = 70;
export const LIFT = { from: 90, to: 94 } as const;
export const END = 110;
export const ORIGIN = { lat: 37.5, lon: 127, ellipsoidalHeight: 40 };

const frame = enuFrame(ORIGIN);
/** lon, lat of x metres east of the origin. */
export const place = (x: number, y = 0): [number, number] => {
  const { lon, lat } = frame.toGeodetic([x, y, 0]);
  return [lon, lat];
};

const feature = (type: string, coordinates: unknown, properties: object) => ({
  type: 'Feature',
  geometry: { type, coordinates },
  properties,
});
const link = (from: number, to: number, more = {}) =>
  feature('LineString', [place(from), place(to)], {
    ...{
      kind: 'link',
      id: `l${from}`,
      from: `n${from}`,
      to: `n${to}`,
      width: 3,
      incline: 0,
      surface: 'asphalt',
    },
    ...{ kerbHeight: 0, speedLimit: 1.5, ...more },
  });
const node = (x: number, more = {}) => feature('Point', place(x), { kind: 'node', id: `n${x}`, ...more });

/** graph.geojson of it. `surveyed`: somebody has checked the head of the light. */
export function streetGraph(surveyed: boolean): string {
  const { from, to } = ROAD;
  return JSON.stringify({
    type: 'FeatureCollection',
    features: [
      ...[0, from, to, 80].map((x) => node(x)),
      ...[node(LIFT.from, { floor: 'L1' }), node(LIFT.to, { floor: 'L3' }), node(END)],
      link(0, from),
      link(from, to, { crossing: 'light' }),
      link(to, 80, { door: 'lobby' }),
      link(80, LIFT.from),
      link(LIFT.from, LIFT.to, { lift: 'one' }),
      link(LIFT.to, END),
      feature('Point', place(from), {
        ...{ kind: 'signal', id: 'light', link: `l${from}`, crossingLength: to - from, provider: 'seoul' },
        ...{ stopLine: [place(from, -2), place(from, 2)], externalId: '2691', head: 'nt' },
        verifiedAt: surveyed ? '2026-01-01T00:00:00Z' : '',
      }),
      feature('Point', place(DOOR), {
        ...{ kind: 'door', id: 'lobby', links: [`l${to}`], adapter: 'rmf', waitPose: null, maxHold: 60 },
      }),
      feature('Point', place((LIFT.from + LIFT.to) / 2), {
        ...{
          kind: 'lift',
          id: 'one',
          links: [`l${LIFT.from}`],
          adapter: 'rmf',
          waitPose: null,
          maxHold: 120,
        },
        floors: ['L1', 'L2', 'L3'],
      }),
    ],
  });
}

export const PROFILE = profileSchema.parse(
  parse(readFileSync(join(import.meta.dirname, '../../maps/profiles/wheeled-robot.yaml'), 'utf8')),
);
