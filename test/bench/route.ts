import createGraph from 'ngraph.graph';
import { aStar } from 'ngraph.path';
import { Random } from '../../src/math/random.ts';
import { percentile } from '../../src/math/statistics.ts';
import { chord } from '../../src/route/flat-graph.ts';
import { type LonLat, Router } from '../../src/route/router.ts';
import { City, WALKER } from '../route/city.ts';
import { note } from './measure.ts';
import type { Row } from './row.ts';

/** 708² corners, 2 · 708 · 707 links. */
const SIDE = 708;
const TRIPS = 300;
/** A delivery on a pavement, metres as the crow flies. */
const DELIVERY_M = 5000;
/** The peer takes seconds a trip. */
const PEER_TRIPS = 20;

/** A city of 1,001,112 links: memory, and how long ways take over deliveries and over the whole city. */
export async function run(): Promise<Row[]> {
  const city = new City(SIDE, 7);
  globalThis.gc?.();
  const before = process.memoryUsage();
  const start = performance.now();
  const router = new Router({ nodes: city.nodes(), links: city.links(), walls: [] });
  const built = (performance.now() - start) / 1000;
  const preparing = performance.now();
  for (const _ of router.prepare(WALKER, 0));
  const prepared = (performance.now() - preparing) / 1000;
  globalThis.gc?.();
  const after = process.memoryUsage();
  const bytes = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers;
  note(
    `${router.graph.linkIds.length} links, built in ${built.toFixed(1)} s, a profile prepared in ${prepared.toFixed(1)} s`,
  );
  const anywhere = trips(router, Number.POSITIVE_INFINITY, TRIPS);
  const delivery = trips(router, DELIVERY_M, TRIPS);
  const rows: Row[] = [
    { id: 'route.1M.memory', value: bytes / 1e6, unit: 'MB', bar: { of: 'value', at: 'most', limit: 1000 } },
    { id: 'route.1M.rss', value: after.rss / 1e6, unit: 'MB', bar: { of: 'value', at: 'most', limit: 1000 } },
    { id: 'route.1M.build', value: built, unit: 's' },
    { id: 'route.1M.prepare', value: prepared, unit: 's' },
    ...figures('delivery', timesOf(router, delivery)),
    ...figures('anywhere', timesOf(router, anywhere)),
  ];
  const peerTrips = delivery.slice(0, PEER_TRIPS);
  const ours = percentile(timesOf(router, peerTrips), 50);
  const peer = percentile(peerTimes(router, peerTrips), 50);
  rows.push({
    id: 'route.1M.peer.p50',
    value: ours,
    unit: 'ms',
    peer: 'ngraph.path',
    peerValue: peer,
    ratio: peer / ours,
  });
  return rows;
}

interface Trip {
  readonly from: number;
  readonly to: number;
  readonly a: LonLat;
  readonly b: LonLat;
}

function trips({ graph }: Router, withinM: number, count: number): Trip[] {
  const random = new Random(11);
  // All links leave or reach the corners, so that a corner's place is that of a link's first point.
  const place = (link: number): LonLat => ({
    lon: graph.lon[graph.pointStart[link]!]!,
    lat: graph.lat[graph.pointStart[link]!]!,
  });
  const found: Trip[] = [];
  while (found.length < count) {
    const [k, m] = [random, random].map((r) => Math.floor(r.uniform(0, graph.linkIds.length))) as [
      number,
      number,
    ];
    const [a, b] = [place(k), place(m)];
    if (chord(a.lon, a.lat, b.lon, b.lat) > withinM) continue;
    found.push({ from: graph.from[k]!, to: graph.from[m]!, a, b });
  }
  return found;
}

function timesOf(router: Router, list: readonly Trip[]): number[] {
  for (const { a, b } of list.slice(0, 20)) router.find(a, b, WALKER, 0);
  return list.map(({ a, b }) => {
    const start = performance.now();
    router.find(a, b, WALKER, 0);
    return performance.now() - start;
  });
}

function figures(name: string, times: readonly number[]): Row[] {
  const bar = { of: 'value', at: 'most', limit: 50 } as const;
  return [
    { id: `route.1M.${name}.p50`, value: percentile(times, 50), unit: 'ms' },
    { id: `route.1M.${name}.p99`, value: percentile(times, 99), unit: 'ms', bar },
  ];
}

/** The same graph, costs and heuristic in the peer; one-way links and limits as its links' costs. */
function peerTimes({ graph }: Router, list: readonly Trip[]): number[] {
  const peer = createGraph<number, number>();
  const cost = (k: number) =>
    graph.kerb[k]! > 0.06
      ? Number.POSITIVE_INFINITY
      : (graph.length[k]! / 2) * (graph.surfaces[graph.surface[k]!] === 'sett' ? 2 : 1) +
        (graph.flags[k]! & 4 ? WALKER.signalWait : 0);
  for (let k = 0; k < graph.linkIds.length; k++) {
    if (cost(k) === Number.POSITIVE_INFINITY) continue;
    peer.addLink(graph.from[k]!, graph.to[k]!, cost(k));
    if (!(graph.flags[k]! & 1)) peer.addLink(graph.to[k]!, graph.from[k]!, cost(k));
  }
  const { ecef } = graph;
  const finder = aStar(peer, {
    oriented: true,
    distance: (_a, _b, link) => link.data,
    heuristic: (a, b) => {
      const [m, n] = [Number(a.id) * 3, Number(b.id) * 3];
      return Math.hypot(ecef[m]! - ecef[n]!, ecef[m + 1]! - ecef[n + 1]!, ecef[m + 2]! - ecef[n + 2]!) / 2;
    },
  });
  return list.map(({ from, to }) => {
    const start = performance.now();
    finder.find(from, to);
    return performance.now() - start;
  });
}
