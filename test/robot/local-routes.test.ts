import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { enuFrame } from '../../src/math/geodesy.ts';
import { meetingWith, partOf } from '../../src/robot/line.ts';
import { LocalRoutes } from '../../src/robot/local-routes.ts';
import { profileSchema } from '../../src/route/profile.ts';

const profile = profileSchema.parse(
  parse(readFileSync(join(import.meta.dirname, '../../maps/profiles/wheeled-robot.yaml'), 'utf8')),
);
const origin = { lat: 37.5, lon: 127, ellipsoidalHeight: 40 };
const frame = enuFrame(origin);
/** lon, lat of x metres east of the origin. */
const place = (x: number, y = 0) => {
  const { lon, lat } = frame.toGeodetic([x, y, 0]);
  return [lon, lat];
};
const feature = (type: string, coordinates: unknown, properties: object) => ({
  type: 'Feature',
  geometry: { type, coordinates },
  properties,
});
const link = (id: string, from: number, to: number, more = {}) =>
  feature('LineString', [place(from), place(to)], {
    ...{ kind: 'link', id, from: `n${from}`, to: `n${to}`, width: 3, incline: 0, surface: 'asphalt' },
    ...{ kerbHeight: 0, speedLimit: 1.2, ...more },
  });
/** Pavement, a road of 10 m whose stop line lies at 29 m, and a door at 60 m. */
const graph = {
  type: 'FeatureCollection',
  features: [
    ...[0, 30, 40, 80].map((x) => feature('Point', place(x), { kind: 'node', id: `n${x}` })),
    link('a', 0, 30),
    link('b', 30, 40, { crossing: 's1' }),
    link('c', 40, 80, { door: 'd' }),
    feature('Point', place(30), {
      ...{ kind: 'signal', id: 's1', link: 'b', stopLine: [place(29, -2), place(29, 2)], crossingLength: 11 },
      ...{ provider: 'city', externalId: '1', head: 'nt', verifiedAt: '2026-05-02T09:00:00Z' },
    }),
    feature('Point', place(60), {
      kind: 'door',
      id: 'd',
      links: ['c'],
      adapter: 'rmf',
      waitPose: null,
      maxHold: 60,
    }),
  ],
};
const bytes = new TextEncoder().encode(JSON.stringify(graph));
const routes = new LocalRoutes({ bytes, mapVersion: 3, origin }, profile, () => 0);
const to = (x: number) => ({ lon: place(x)[0]!, lat: place(x)[1]! });

describe('ways on the graph of the map', () => {
  it('lay roads and doors along the way, in both directions', async () => {
    const there = await routes.find([0, 0], to(80));
    expect(there.mapVersion).toBe(3);
    expect(there.crossings).toMatchObject([{ id: 's1', signal: { head: 'nt', crossingLength: 11 } }]);
    expect(there.crossings[0]!.stopAt).toBeCloseTo(29, 2);
    expect(there.buildings).toMatchObject([{ kind: 'door', id: 'd' }]);
    expect(there.buildings[0]!.centre).toBeCloseTo(60, 2);
    expect(there.stretches[0]).toMatchObject({ speedLimit: 1.2 });
    // From 80 m back: the road begins at 40 m, which is 40 m on the way, and ends at the line, 51 m on it.
    const back = await routes.find([80, 0], to(0));
    expect(back.crossings[0]!.stopAt).toBeCloseTo(40, 2);
    expect(back.crossings[0]!.signal!.crossingLength).toBeCloseTo(11, 2);
    expect(back.buildings[0]!.centre).toBeCloseTo(20, 2);
  });

  it('refuse a POI that the map does not know', async () => {
    await expect(routes.find([0, 0], { poi: 'atlantis' })).rejects.toMatchObject({ reason: 'unknown-poi' });
  });
});

describe('a line', () => {
  const line = [
    [0, 0],
    [10, 0],
    [10, 10],
  ] as const;
  it('is met where another crosses it, or where it comes nearest', () => {
    expect(
      meetingWith(
        line,
        [
          [4, -1],
          [4, 1],
        ],
        0,
        20,
      ),
    ).toBeCloseTo(4, 9);
    expect(
      meetingWith(
        line,
        [
          [11, 3],
          [12, 3],
        ],
        0,
        20,
      ),
    ).toBeCloseTo(13, 9);
    expect(partOf(line, 5, 12)).toEqual([
      [5, 0],
      [10, 0],
      [10, 0],
      [10, 2],
    ]);
  });
});
