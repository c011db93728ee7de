import { describe, expect, it } from 'vitest';
import { flatGraph } from '../../src/route/flat-graph.ts';
import { parseGraph } from '../../src/route/parse-graph.ts';
import { progressAlong } from '../../src/route/progress.ts';
import { link, node, ORIGIN } from './city.ts';

const feature = (properties: object, geometry: object) => ({ type: 'Feature', properties, geometry });
const point = { type: 'Point', coordinates: [127, 37] };
const line = {
  type: 'LineString',
  coordinates: [
    [127, 37],
    [127.001, 37],
  ],
};
const GOOD = [
  feature({ kind: 'node', id: 'n', colour: 'red' }, point),
  feature(link('l', node('n', 127, 37), node('n', 127, 37)).properties, line),
  feature({ kind: 'poi', id: 'p', name: 'Café', approach: { lon: 127, lat: 37, heading: 1 } }, point),
  feature({ kind: 'virtual_wall', id: 'w', type: 'no_go' }, line),
  feature(
    {
      kind: 'signal',
      id: 's',
      link: 'l',
      stopLine: line,
      crossingLength: 12,
      provider: 'city',
      externalId: '1',
      head: 'nt',
      verifiedAt: '2026-01-01',
    },
    point,
  ),
  feature({ kind: 'door', id: 'd', links: ['l'], adapter: 'x', waitPose: {}, maxHold: 30 }, point),
  feature(
    { kind: 'lift', id: 'e', links: ['l'], adapter: 'x', waitPose: {}, floors: ['1'], maxHold: 30 },
    point,
  ),
];
const parse = (value: unknown) =>
  parseGraph(new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value)));
const collection = (features: unknown[]) => ({ type: 'FeatureCollection', features });

describe('graph.geojson', () => {
  it('is read by kind; unknown fields are dropped', () => {
    const graph = parse(collection(GOOD));
    expect(Object.values(graph).map((list) => list.length)).toEqual([1, 1, 1, 1, 1, 1, 1]);
    expect(graph.nodes[0]!.properties).toEqual({ kind: 'node', id: 'n' });
  });

  it.each<[string, unknown, RegExp]>([
    ['no JSON', '{', /expected JSON/],
    ['no collection', { type: 'Feature' }, /type/],
    [
      'an unknown kind',
      collection([feature({ kind: 'wall', id: 'w' }, line)]),
      /features\.0\.properties\.kind: .*wall/,
    ],
    [
      'a missing field',
      collection([GOOD[0], feature({ kind: 'poi', id: 'p' }, point)]),
      /features\.1\.properties\.name/,
    ],
    ['an id twice', collection([GOOD[0], GOOD[0]]), /features\.1\.properties\.id: .*n again/],
    [
      'lat first',
      collection([feature({ kind: 'node', id: 'n' }, { type: 'Point', coordinates: [37, 127] })]),
      /features\.0\.geometry\.coordinates: .*lon, lat/,
    ],
    [
      'a one-way area',
      collection([
        feature(
          { kind: 'virtual_wall', id: 'w', type: 'one_way' },
          {
            type: 'Polygon',
            coordinates: [
              [
                [0, 0],
                [0, 1],
                [1, 1],
                [0, 0],
              ],
            ],
          },
        ),
      ]),
      /features\.0\.geometry\.type: expected LineString/,
    ],
    [
      'a speed of 0',
      collection([feature({ ...GOOD[1]!.properties, speedLimit: 0 }, line)]),
      /features\.0\.properties\.speedLimit/,
    ],
  ])('refuses %s with its path', (_, value, said) => {
    expect(() => parse(value)).toThrow(said);
  });

  it('refuses links that name no node or end elsewhere', () => {
    const [a, b] = [node('a', ORIGIN.lon, ORIGIN.lat), node('b', ORIGIN.lon + 1e-3, ORIGIN.lat)];
    expect(() => flatGraph([a], [link('l', a, b)])).toThrow('found no b');
    const off = link('l', a, b);
    off.geometry.coordinates = [a.geometry.coordinates, [ORIGIN.lon + 2e-3, ORIGIN.lat]];
    expect(() => flatGraph([a, b], [off])).toThrow(/link l: expected its end within 0.5 m of node b/);
  });
});

describe('progress', () => {
  // out 100 m east, back 2 m beside it
  const line = [
    [0, 0],
    [100, 0],
    [100, 2],
    [0, 2],
  ] as const;

  it('stays on its own pass of a route that comes back', () => {
    let along = 0;
    const go = (x: number, y: number) => {
      along = progressAlong(line, [x, y], along, 8).along;
    };
    // Nearer to the way back all the time.
    for (let x = 0; x <= 90; x += 5) go(x, 1.5);
    expect(along).toBe(90);
    go(98, 0.5);
    go(99.5, 1);
    for (let x = 97; x >= 0; x -= 4) go(x, 0.5);
    go(0, 1);
    expect(along).toBeCloseTo(202);
  });

  it('says the side and what remains', () => {
    expect(progressAlong(line, [30, 0.5])).toEqual({ along: 30, remaining: 172, offset: 0.5 });
    expect(progressAlong(line, [30, -0.5])).toEqual({ along: 30, remaining: 172, offset: -0.5 });
    expect(progressAlong([[1, 1]], [4, 5])).toEqual({ along: 0, remaining: 0, offset: 5 });
  });
});
