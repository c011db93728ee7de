import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { annotate } from '../../src/commands/map-annotate.ts';
import { verifyMap } from '../../src/commands/map-verify.ts';
import { checkGraph } from '../../src/map-service/graph-check.ts';
import { type Feature, mergeGraphs, parseGraph } from '../../src/map-service/graph-schema.ts';
import { importOpenSidewalks, importOsm } from '../../src/map-service/osm-import.ts';
import { metres, slope } from '../../src/map-service/osm-tags.ts';
import { enuFrame } from '../../src/math/geodesy.ts';
import { realData } from '../data.ts';
import { SAMPLE_ORIGIN, sampleMap } from './sample-map.ts';
import { temporaryFolder } from './scene.ts';

const root = temporaryFolder();
const map = join(root, 'map');
const COMMON = { set: [], json: true };
beforeAll(() => sampleMap(map, 2));
afterAll(() => rm(root, { recursive: true }));

const frame = enuFrame(SAMPLE_ORIGIN);
const lonLat = (x: number, y: number): [number, number] => {
  const { lon, lat } = frame.toGeodetic([x, y, 0]);
  return [lon, lat];
};
const feature = (type: string, coordinates: unknown, properties: object) =>
  ({ type: 'Feature', geometry: { type, coordinates }, properties }) as Feature;
const node = (id: string, x: number, y: number) => feature('Point', lonLat(x, y), { kind: 'node', id });
const link = (id: string, from: string, to: string, line: [number, number][], more = {}) =>
  feature(
    'LineString',
    line.map(([x, y]) => lonLat(x, y)),
    {
      ...{ kind: 'link', id, from, to, width: 2, incline: 0, surface: 'concrete', kerbHeight: 0 },
      ...{ speedLimit: 1.5, ...more },
    },
  );
const poi = (id: string, x: number, y: number) => {
  const [lon, lat] = lonLat(x, y);
  return feature('Point', [lon, lat], { kind: 'poi', id, name: id, approach: { lon, lat, heading: 0 } });
};
const wall = (line: [number, number][], type = 'no_go') =>
  feature(
    'LineString',
    line.map(([x, y]) => lonLat(x, y)),
    { kind: 'virtual_wall', id: 'w', type },
  );
/** a–b–c along x, 20 m each, and a door at the far end. */
const SOUND = [
  node('a', 0, 0),
  node('b', 20, 0),
  node('c', 40, 0),
  link('ab', 'a', 'b', [
    [0, 0],
    [20, 0],
  ]),
  link('bc', 'b', 'c', [
    [20, 0],
    [40, 0],
  ]),
  poi('shop', 39, 2),
];
const problems = (features: Feature[]) =>
  checkGraph(features, SAMPLE_ORIGIN).map(({ reason, id }) => `${reason} ${id}`);

describe('checkGraph', () => {
  it('finds nothing wrong with a sound graph', () => expect(problems(SOUND)).toEqual([]));

  it.each([
    [
      'a node that is not there',
      [
        link('x', 'a', 'zz', [
          [0, 0],
          [5, 5],
        ]),
      ],
      ['link-end-missing x'],
    ],
    [
      'a link that ends 3 m away',
      [
        link('x', 'a', 'b', [
          [0, 0],
          [20, 3],
        ]),
      ],
      ['link-not-joined x'],
    ],
    ['two nodes 0.2 m apart', [node('b2', 20.2, 0)], ['nodes-apart b2']],
    [
      'a crossing with no signal',
      [
        link(
          'x',
          'a',
          'b',
          [
            [0, 0],
            [20, 0],
          ],
          { crossing: 's' },
        ),
      ],
      ['crossing-without-signal x'],
    ],
    [
      'a signal of no link',
      [feature('Point', lonLat(0, 0), { kind: 'signal', id: 's', link: 'gone' })],
      ['signal-without-link s'],
    ],
    // The way to the shop is cut; the link under it is closed, and the larger part is the other one or none.
    [
      'a wall across a link',
      [
        wall([
          [30, -5],
          [30, 5],
        ]),
      ],
      ['wall-across-link bc', 'poi-off-graph shop'],
    ],
    [
      'a slow zone across a link: none',
      [
        wall(
          [
            [30, -5],
            [30, 5],
          ],
          'slow',
        ),
      ],
      [],
    ],
    ['a POI far off', [poi('far', 0, 50)], ['poi-off-graph far']],
    [
      'a POI on an island',
      [
        node('i', 0, 100),
        node('j', 10, 100),
        link('ij', 'i', 'j', [
          [0, 100],
          [10, 100],
        ]),
        poi('isle', 5, 101),
      ],
      ['poi-unreachable isle'],
    ],
  ])('lists %s', (_, more, expected) => {
    expect(problems([...SOUND, ...(more as Feature[])])).toEqual(expected);
  });

  it('says where', () => {
    const [found] = checkGraph(
      [
        ...SOUND,
        wall([
          [10, -5],
          [10, 5],
        ]),
      ],
      SAMPLE_ORIGIN,
    );
    const [x, y] = frame.toEnu(found!.lat, found!.lon, SAMPLE_ORIGIN.ellipsoidalHeight);
    expect(Math.hypot(x - 10, y)).toBeLessThan(0.01);
  });
});

describe('graphs', () => {
  it('merge by kind and id: the last stays, twice changes nothing', () => {
    const changed = link(
      'ab',
      'a',
      'b',
      [
        [0, 0],
        [20, 0],
      ],
      { width: 1 },
    );
    const merged = mergeGraphs([SOUND, [changed]]);
    expect(merged).toHaveLength(SOUND.length);
    expect(merged[3]).toEqual(changed);
    expect(mergeGraphs([merged, merged])).toEqual(merged);
  });

  it.each([
    ['{'],
    ['{"type":"Feature"}'],
    [JSON.stringify({ type: 'FeatureCollection', features: [{ properties: { kind: 'road' } }] })],
    [JSON.stringify({ type: 'FeatureCollection', features: [node('', 0, 0)] })],
    [JSON.stringify({ type: 'FeatureCollection', features: [link('l', 'a', 'b', [[0, 0]])] })],
    [
      JSON.stringify({
        type: 'FeatureCollection',
        features: [
          link(
            'l',
            'a',
            'b',
            [
              [0, 0],
              [1, 1],
            ],
            { odd: 1 },
          ),
        ],
      }),
    ],
  ])('are refused by name: %s', (text) => {
    expect(() => parseGraph(text, 'g')).toThrow(/^g: /);
  });
});

describe('tags', () => {
  it.each([
    ['1.5', 1.5],
    ['1.5 m', 1.5],
    ['150 cm', 1.5],
    ["5'", 1.524],
    [`5'6"`, 1.6764],
    ['wide', undefined],
    ['0', undefined],
    [undefined, undefined],
  ])('a width of %j is %j m', (text, expected) => {
    const found = metres(text);
    if (expected === undefined) expect(found).toBeUndefined();
    else expect(found).toBeCloseTo(expected, 9);
  });

  it.each([
    ['5%', 0.05],
    ['-3 %', -0.03],
    [0.02, 0.02],
    ['45°', 1],
    ['up', undefined],
  ])('an incline of %j is %j', (text, expected) => {
    const found = slope(text);
    if (expected === undefined) expect(found).toBeUndefined();
    else expect(found).toBeCloseTo(expected, 9);
  });
});

const OSM_NODES = [
  { id: 1, lat: 37.5, lon: 127 },
  { id: 2, lat: 37.5, lon: 127.0002, tags: { barrier: 'kerb', kerb: 'raised' } },
  { id: 3, lat: 37.5, lon: 127.0004 },
  { id: 4, lat: 37.5002, lon: 127.0002 },
];
const OSM_WAYS = [
  { id: 10, nodes: [1, 2, 3], tags: { highway: 'footway', width: '2', incline: '4%', surface: 'asphalt' } },
  { id: 11, nodes: [2, 4], tags: { highway: 'footway', footway: 'crossing', crossing: 'traffic_signals' } },
  { id: 12, nodes: [1, 4], tags: { highway: 'motorway' } },
];
const overpass = JSON.stringify({
  elements: [
    ...OSM_NODES.map((n) => ({ type: 'node', ...n })),
    ...OSM_WAYS.map((w) => ({ type: 'way', ...w })),
  ],
});
const tagsXml = (tags: object = {}) =>
  Object.entries(tags)
    .map(([k, v]) => `<tag k="${k}" v="${v}"/>`)
    .join('');
const xml = `<?xml version="1.0"?><osm version="0.6">${OSM_NODES.map(
  (n) => `<node id="${n.id}" lat="${n.lat}" lon="${n.lon}">${tagsXml(n.tags)}</node>`,
).join('')}${OSM_WAYS.map(
  (w) => `<way id="${w.id}">${w.nodes.map((n) => `<nd ref="${n}"/>`).join('')}${tagsXml(w.tags)}</way>`,
).join('')}</osm>`;

describe('importOsm', () => {
  it('cuts footways where they meet, the same from JSON and XML', () => {
    const { features, assumed } = importOsm(overpass, 'f');
    expect(importOsm(xml, 'f').features).toEqual(features);
    const links = features.filter(({ properties }) => properties.kind === 'link').map((f) => f.properties);
    expect(links).toMatchObject([
      {
        id: 'osm-10-0',
        from: 'osm-1',
        to: 'osm-2',
        width: 2,
        incline: 0.04,
        surface: 'asphalt',
        kerbHeight: 0.15,
      },
      { id: 'osm-10-1', from: 'osm-2', to: 'osm-3', width: 2 },
      { id: 'osm-11-0', from: 'osm-2', to: 'osm-4', crossing: 'unsurveyed-osm-11-0', surface: 'unknown' },
    ]);
    expect(assumed).toEqual({ width: 1, incline: 1, surface: 1 });
    expect(parseGraph(JSON.stringify({ type: 'FeatureCollection', features }), 'g')).toEqual(features);
    expect(problems([...features])).toEqual(['crossing-without-signal osm-11-0']);
  });

  it.each([
    ['{"elements":1}', 'f'],
    ['<osm><way>', 'f'],
    [JSON.stringify({ elements: [{ type: 'way', ...OSM_WAYS[0] }] }), 'f'],
  ])('refuses %j', (text, file) => {
    expect(() => importOsm(text, file)).toThrow(/^f: /);
  });

  it('never loses the ends of a way, wherever it is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { minLength: 2 }), { minLength: 1 }),
        (ways) => {
          const elements = [
            ...Array.from({ length: 12 }, (_, k) => ({
              type: 'node',
              id: k + 1,
              lat: 37 + k / 100,
              lon: 127,
            })),
            ...ways.map((nodes, k) => ({ type: 'way', id: k, nodes, tags: { highway: 'path' } })),
          ];
          const { features } = importOsm(JSON.stringify({ elements }), 'f');
          const links = features.flatMap((f) => (f.properties.kind === 'link' ? [f] : []));
          const segments = links.reduce((sum, { geometry }) => sum + geometry.coordinates.length - 1, 0);
          expect(segments).toBe(ways.reduce((sum, way) => sum + way.length - 1, 0));
          expect(problems([...features]).filter((text) => text.startsWith('link'))).toEqual([]);
        },
      ),
      { seed: 7, numRuns: 50 },
    );
  });
});

const campus = realData('maps/opensidewalks-campus');
it.skipIf(!campus)('imports the OpenSidewalks campus with every link joined', async () => {
  const read = async (what: string) =>
    gunzipSync(await readFile(join(campus!, `wa.microsoft.graph.${what}.OSW.geojson.gz`))).toString();
  const { features, assumed } = importOpenSidewalks([await read('edges'), await read('nodes')], 'campus');
  const links = features.filter(({ properties }) => properties.kind === 'link');
  const found = checkGraph(features, { lat: 47.64, lon: -122.137, ellipsoidalHeight: 0 });
  const counts: Record<string, number> = {};
  for (const { reason } of found) counts[reason] = (counts[reason] ?? 0) + 1;
  console.info(`${links.length} links; assumed ${JSON.stringify(assumed)}; ${JSON.stringify(counts)}`);
  expect(links.length).toBeGreaterThan(3000);
  expect(counts['link-end-missing'] ?? 0).toBe(0);
  expect(counts['link-not-joined'] ?? 0).toBe(0);
  expect(counts['crossing-without-signal']).toBe(579);
});

describe('map annotate', () => {
  it('writes the merged graph and the next version; once more changes nothing', async () => {
    const [graph, osm] = [join(root, 'g.geojson'), join(root, 'f.osm')];
    await writeFile(graph, JSON.stringify({ type: 'FeatureCollection', features: SOUND }));
    await writeFile(osm, xml);
    const options = { ...COMMON, graph: [graph], osm: [osm] };
    expect((await annotate(map, { ...options, dryRun: true })).version).toBe(1);
    const first = await annotate(map, options);
    expect(first).toMatchObject({ version: 2, assumed: { width: 1 } });
    // The imported ways are the larger part, and nothing joins the shop's to them.
    expect(first.problems).toMatchObject([
      { reason: 'crossing-without-signal', id: 'osm-11-0' },
      { reason: 'poi-unreachable', id: 'shop' },
    ]);
    expect(await verifyMap(map, COMMON)).toEqual([]);
    expect((await annotate(map, options)).version).toBe(2);
  });

  it('with --strict writes nothing and fails', async () => {
    const graph = join(root, 'bad.geojson');
    const features = [
      link('x', 'a', 'zz', [
        [0, 0],
        [5, 5],
      ]),
    ];
    await writeFile(graph, JSON.stringify({ type: 'FeatureCollection', features }));
    const before = await readFile(join(map, 'manifest.json'), 'utf8');
    expect(
      (await annotate(map, { ...COMMON, graph: [graph], strict: true })).problems.length,
    ).toBeGreaterThan(0);
    expect(process.exitCode).toBe(1);
    process.exitCode = undefined;
    expect(await readFile(join(map, 'manifest.json'), 'utf8')).toBe(before);
    await expect(annotate(map, { ...COMMON, graph: ['none'] })).rejects.toMatchObject({
      reason: 'no-such-file',
    });
  });
});
