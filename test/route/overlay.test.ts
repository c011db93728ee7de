import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LinkFeature, NodeFeature, WallFeature } from '../../src/route/features.ts';
import type { Profile } from '../../src/route/profile.ts';
import { Router } from '../../src/route/router.ts';
import { BLOCK, City, link, node, ORIGIN, WALKER, wall } from './city.ts';

const SEED = { seed: 9, numRuns: 150 };
const HOUR = 3_600_000;
const DAY = Date.parse('2026-03-01T00:00:00Z');

interface Graph {
  readonly nodes: NodeFeature[];
  readonly links: LinkFeature[];
  readonly walls: WallFeature[];
}

/** Random places and links, one-way, rough, narrow or closed, under walls of which some hold for some hours only. */
const graphs: fc.Arbitrary<Graph> = fc
  .record({
    places: fc.array(fc.tuple(fc.nat(30), fc.nat(30)), { minLength: 6, maxLength: 24 }),
    ways: fc.array(
      fc.record({
        a: fc.nat(23),
        b: fc.nat(23),
        oneWay: fc.boolean(),
        surface: fc.constantFrom('asphalt', 'asphalt', 'sett', 'mud'),
        crossing: fc.boolean(),
        width: fc.constantFrom(0.5, 0.9, 2),
      }),
      { minLength: 10, maxLength: 60 },
    ),
    walls: fc.array(
      fc.record({
        from: fc.tuple(fc.nat(30), fc.nat(30)),
        to: fc.tuple(fc.nat(30), fc.nat(30)),
        type: fc.constantFrom('no_go' as const, 'one_way' as const, 'slow' as const),
        hours: fc.option(fc.tuple(fc.nat(23), fc.nat(23))),
        isOpenEnded: fc.boolean(),
      }),
      { maxLength: 4 },
    ),
  })
  .map(({ places, ways, walls }) => {
    const at = ([x, y]: readonly [number, number]) => [ORIGIN.lon + x * 1e-4, ORIGIN.lat + y * 1e-4];
    const nodes = places.map((place, k) => node(`n${k}`, at(place)[0]!, at(place)[1]!));
    const iso = (hour: number) => new Date(DAY + hour * HOUR).toISOString();
    return {
      nodes,
      links: ways.map(({ a, b, crossing, ...more }, k) =>
        link(`l${k}`, nodes[a % nodes.length]!, nodes[b % nodes.length]!, {
          ...more,
          ...(crossing ? { crossing: 's' } : {}),
        }),
      ),
      walls: walls.map(({ from, to, type, hours, isOpenEnded }, k) =>
        wall(
          `w${k}`,
          type,
          [at(from), at(to)],
          hours ? { validFrom: iso(hours[0]), ...(isOpenEnded ? {} : { validTo: iso(hours[1]) }) } : {},
        ),
      ),
    };
  });
const robots: fc.Arbitrary<Profile> = fc
  .record({
    maxWidth: fc.constantFrom(0.4, 0.9, 1),
    flies: fc.boolean(),
    speed: fc.constantFrom(1, 3),
    signalWait: fc.constantFrom(0, 30),
  })
  .map((more) => ({ ...WALKER, ...more }));

function prepared(graph: Graph, profile: Profile, cellNodes: number, timeMs: number): Router {
  const router = new Router(graph, cellNodes);
  for (const _ of router.prepare(profile, timeMs));
  return router;
}

function placeOf(graph: Graph, k: number, share: number) {
  const [p, q] = graph.links[k % graph.links.length]!.geometry.coordinates as [number[], number[]];
  return { lon: p[0]! + share * (q[0]! - p[0]!), lat: p[1]! + share * (q[1]! - p[1]!) };
}

describe('a prepared profile', () => {
  it('finds ways of the same cost as the plain search, at any hour, whatever the cells', () => {
    let found = 0;
    fc.assert(
      fc.property(
        graphs,
        robots,
        fc.integer({ min: 2, max: 8 }),
        fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat(23), fc.double({ min: 0, max: 1, noNaN: true })), {
          minLength: 4,
          maxLength: 8,
        }),
        (graph, profile, cellNodes, trips) => {
          const quick = prepared(graph, profile, cellNodes, DAY);
          const plain = new Router(graph);
          for (const [a, b, hour, share] of trips) {
            const time = DAY + hour * HOUR;
            const ends = [placeOf(graph, a, share), placeOf(graph, b, 1 - share)] as const;
            const [one, other] = [quick.find(...ends, profile, time), plain.find(...ends, profile, time)];
            expect(one.ok).toBe(other.ok);
            if (!one.ok || !other.ok) continue;
            found++;
            expect(one.cost).toBeCloseTo(other.cost, 6);
            expect(continuous(quick, one.steps)).toBe(true);
          }
        },
      ),
      SEED,
    );
    expect(found).toBeGreaterThan(200);
  });

  it('does so on a city of many cells', () => {
    const city = new City(24, 3);
    const graph = { nodes: [...city.nodes()], links: [...city.links()], walls: [] };
    const [quick, plain] = [prepared(graph, WALKER, 40, 0), new Router(graph)];
    const place = fc
      .tuple(fc.double({ min: 0, max: 23, noNaN: true }), fc.double({ min: 0, max: 23, noNaN: true }))
      .map(([x, y]) => ({ lon: ORIGIN.lon + x * BLOCK, lat: ORIGIN.lat + y * BLOCK }));
    fc.assert(
      fc.property(place, place, (a, b) => {
        const [one, other] = [quick.find(a, b, WALKER, 0), plain.find(a, b, WALKER, 0)];
        if (!one.ok || !other.ok) return one.ok === other.ok;
        return Math.abs(one.cost - other.cost) < 1e-6;
      }),
      { ...SEED, numRuns: 300 },
    );
  });

  it('is one profile: another is found by the plain search, and a half-prepared one too', () => {
    const city = new City(10, 1);
    const graph = { nodes: [...city.nodes()], links: [...city.links()], walls: [] };
    const router = new Router(graph, 20);
    const steps = router.prepare(WALKER, 0);
    steps.next();
    expect(router.isPrepared(WALKER)).toBe(false);
    for (const _ of steps);
    expect(router.isPrepared(WALKER)).toBe(true);
    const slower = { ...WALKER, speed: 0.5 };
    expect(router.isPrepared(slower)).toBe(false);
    const ends = [placeOf(graph, 0, 0), placeOf(graph, 170, 1)] as const;
    expect(router.find(...ends, slower, 0)).toEqual(new Router(graph).find(...ends, slower, 0));
    router.forget(WALKER);
    expect(router.isPrepared(WALKER)).toBe(false);
  });

  it('may look as far as it likes; one that is not prepared gives up and says so where it is told to', () => {
    const city = new City(30, 1);
    const graph = { nodes: [...city.nodes()], links: [...city.links()], walls: [] };
    const router = prepared(graph, WALKER, 60, 0);
    const ends = [placeOf(graph, 0, 0), placeOf(graph, 1700, 1)] as const;
    const whole = router.find(...ends, WALKER, 0);
    expect(router.find(...ends, WALKER, 0, 10)).toEqual(whole);
    const other = { ...WALKER, name: 'guest', speed: 0.5 };
    expect(router.find(...ends, other, 0, 1000)).toMatchObject({ ok: true });
    const refused = router.find(...ends, other, 0, 10);
    expect(refused).toMatchObject({ ok: false, reason: 'profile-not-prepared' });
    expect((refused as { message: string }).message).toContain('profile guest among 10 nodes');
  });

  it('is helped by landmarks: fewer nodes are settled than a plain search needs', () => {
    const city = new City(60, 5);
    const graph = { nodes: [...city.nodes()], links: [...city.links()], walls: [] };
    const [router, plain] = [prepared(graph, WALKER, 60, 0), new Router(graph)];
    let [with_, without] = [0, 0];
    for (let k = 0; k < 20; k++) {
      const ends = [placeOf(graph, 311 * k, 0.3), placeOf(graph, 5000 - 173 * k, 0.7)] as const;
      const [a, b] = [router.find(...ends, WALKER, 0), plain.find(...ends, WALKER, 0)];
      if (!a.ok || !b.ok) continue;
      expect(a.cost).toBeCloseTo(b.cost, 6);
      with_ += a.settled;
      without += b.settled;
    }
    expect(without).toBeGreaterThan(0);
    expect(with_).toBeLessThan(0.6 * without);
  });
});

/** Each step begins at the node where the one before it ended. */
function continuous(
  { graph }: Router,
  steps: readonly { link: number; begin: number; end: number }[],
): boolean {
  return steps.every((step, k) => {
    const before = steps[k - 1];
    if (!before) return true;
    const ended = before.end > before.begin ? graph.to[before.link] : graph.from[before.link];
    const begins = step.end > step.begin ? graph.from[step.link] : graph.to[step.link];
    return ended === begins;
  });
}
