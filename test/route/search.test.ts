import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { flatGraph, ONE_WAY } from '../../src/route/flat-graph.ts';
import { MinHeap } from '../../src/route/heap.ts';
import { LinkGrid } from '../../src/route/link-grid.ts';
import { linkCosts } from '../../src/route/profile.ts';
import { Router } from '../../src/route/router.ts';
import { BLOCK, City, link, node, ORIGIN, WALKER } from './city.ts';

const SEED = { seed: 4, numRuns: 60 };

/** A random small graph; links may be doubled, one-way, rough, closed or lead back to where they began. */
const graphs = fc
  .record({
    places: fc.array(fc.tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 40 })), {
      minLength: 2,
      maxLength: 9,
    }),
    ways: fc.array(
      fc.record({
        a: fc.nat(8),
        b: fc.nat(8),
        oneWay: fc.boolean(),
        surface: fc.constantFrom('asphalt', 'sett', 'mud'),
        crossing: fc.boolean(),
        speedLimit: fc.constantFrom(0.5, 1, 5),
        width: fc.constantFrom(0.5, 0.9, 2),
      }),
      { minLength: 1, maxLength: 16 },
    ),
  })
  .map(({ places, ways }) => {
    const nodes = places.map(([x, y], k) => node(`n${k}`, ORIGIN.lon + x * 1e-4, ORIGIN.lat + y * 1e-4));
    const links = ways.map(({ a, b, crossing, ...more }, k) =>
      link(`l${k}`, nodes[a % nodes.length]!, nodes[b % nodes.length]!, {
        ...more,
        ...(crossing ? { crossing: 's' } : {}),
      }),
    );
    return { nodes, links, walls: [] };
  });

describe('search', () => {
  it('costs what Bellman and Ford find, between any two places on links', () => {
    let found = 0;
    fc.assert(
      fc.property(
        graphs,
        fc.nat(),
        fc.nat(),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (graph, a, b, t) => {
          const at = (k: number, share: number) => {
            const [p, q] = graph.links[k % graph.links.length]!.geometry.coordinates as [number[], number[]];
            return { lon: p[0]! + share * (q[0]! - p[0]!), lat: p[1]! + share * (q[1]! - p[1]!) };
          };
          const [start, end] = [at(a, t), at(b, 1 - t)];
          const route = new Router(graph).find(start, end, WALKER, 0);
          const expected = bruteForce(graph, start, end);
          if (!route.ok) return expected === Number.POSITIVE_INFINITY;
          found++;
          return Math.abs(route.cost - expected) < 1e-6;
        },
      ),
      { ...SEED, numRuns: 400 },
    );
    expect(found).toBeGreaterThan(100);
  });

  it('is the same when its memory is used again, and adds up to its steps', () => {
    const city = new City(12, 1);
    const graph = { nodes: [...city.nodes()], links: [...city.links()], walls: [] };
    const used = new Router(graph);
    fc.assert(
      fc.property(fc.nat(143), fc.nat(143), (a, b) => {
        const [start, end] = [a, b].map((k) => {
          const [lon, lat] = city.corner(k).geometry.coordinates;
          return { lon: lon!, lat: lat! };
        }) as [{ lon: number; lat: number }, { lon: number; lat: number }];
        const route = used.find(start, end, WALKER, 0);
        expect(new Router(graph).find(start, end, WALKER, 0)).toEqual(route);
        if (!route.ok) return;
        for (const [k, step] of route.steps.entries()) {
          if (step.end < step.begin) expect(used.graph.flags[step.link]! & ONE_WAY).toBe(0);
          if (k > 0) expect(startNode(used, step)).toBe(endNode(used, route.steps[k - 1]!));
        }
      }),
      SEED,
    );
  });

  function startNode({ graph }: Router, { link, begin, end }: { link: number; begin: number; end: number }) {
    return end > begin ? graph.from[link] : graph.to[link];
  }
  function endNode({ graph }: Router, { link, begin, end }: { link: number; begin: number; end: number }) {
    return end > begin ? graph.to[link] : graph.from[link];
  }
});

describe('heap', () => {
  it('gives what sorting gives', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ noNaN: true }), { minLength: 1, maxLength: 3000 }), (keys) => {
        const heap = new MinHeap();
        keys.forEach((key, k) => {
          heap.push(key, k);
        });
        const sorted = [...keys].sort((a, b) => a - b);
        return sorted.every((key) => heap.leastKey === key && keys[heap.pop()] === key) && heap.size === 0;
      }),
      SEED,
    );
  });
});

describe('nearest link', () => {
  it('is the nearest of all', () => {
    const city = new City(9, 2);
    const graph = flatGraph(city.nodes(), city.links());
    const grid = new LinkGrid(graph);
    const place = fc.double({ min: -3, max: 12, noNaN: true });
    fc.assert(
      fc.property(place, place, (x, y) => {
        const [lon, lat] = [ORIGIN.lon + x * BLOCK, ORIGIN.lat + y * BLOCK];
        const all = [...city.links()].map(({ geometry }) => distanceTo(geometry.coordinates, lon, lat));
        const least = Math.min(...all);
        const found = grid.nearest(lon, lat, 80, () => true);
        if (!found) return least > 80;
        return Math.abs(found.distance - least) < 1e-6;
      }),
      { ...SEED, numRuns: 300 },
    );
  });
});

function distanceTo(line: readonly (readonly number[])[], lon: number, lat: number): number {
  const [a, b] = line as [number[], number[]];
  const k = Math.cos((lat * Math.PI) / 180);
  const [ax, ay, dx, dy] = [(a[0]! - lon) * k, a[1]! - lat, (b[0]! - a[0]!) * k, b[1]! - a[1]!];
  const t = Math.min(1, Math.max(0, -(ax * dx + ay * dy) / (dx * dx + dy * dy)));
  return Math.hypot(ax + t * dx, ay + t * dy) * 111_195;
}

/** Bellman-Ford over nodes, from the same snapped places. */
function bruteForce(
  { nodes, links }: { nodes: ReturnType<typeof node>[]; links: ReturnType<typeof link>[] },
  start: { lon: number; lat: number },
  end: { lon: number; lat: number },
): number {
  const graph = flatGraph(nodes, links);
  const costs = linkCosts(graph, WALKER);
  const grid = new LinkGrid(graph);
  const usable = (k: number) => costs.travel(k, false) < Number.POSITIVE_INFINITY;
  const a = grid.nearest(start.lon, start.lat, WALKER.maxSnap, usable);
  const b = grid.nearest(end.lon, end.lat, WALKER.maxSnap, usable);
  if (!a || !b) return Number.POSITIVE_INFINITY;
  const both = (k: number) => !(graph.flags[k]! & ONE_WAY);
  const share = (k: number, metres: number) =>
    graph.length[k]! > 0 ? (costs.travel(k, false) * metres) / graph.length[k]! : 0;
  const best = nodes.map(() => Number.POSITIVE_INFINITY);
  const lower = (n: number, cost: number) => {
    best[n] = Math.min(best[n]!, cost);
  };
  lower(graph.to[a.link]!, share(a.link, graph.length[a.link]! - a.along));
  if (both(a.link) || a.along === 0) lower(graph.from[a.link]!, share(a.link, a.along));
  for (let round = 0; round < nodes.length; round++) {
    for (let k = 0; k < links.length; k++) {
      const cost = costs.travel(k, false) + (graph.length[k]! > 0 ? costs.wait(k) : 0);
      lower(graph.to[k]!, best[graph.from[k]!]! + cost);
      if (both(k)) lower(graph.from[k]!, best[graph.to[k]!]! + cost);
    }
  }
  const tail = (metres: number) => share(b.link, metres) + (metres > 0 ? costs.wait(b.link) : 0);
  let total = best[graph.from[b.link]!]! + tail(b.along);
  const rest = graph.length[b.link]! - b.along;
  if (both(b.link) || rest === 0) total = Math.min(total, best[graph.to[b.link]!]! + tail(rest));
  if (a.link === b.link && (both(a.link) || b.along >= a.along))
    total = Math.min(total, share(a.link, Math.abs(b.along - a.along)));
  return total;
}
