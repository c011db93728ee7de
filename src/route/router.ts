import { toEcef } from '../math/geodesy.ts';
import type { GraphFeatures } from './features.ts';
import { type FlatGraph, flatGraph, ONE_WAY } from './flat-graph.ts';
import { LinkGrid, type Snap } from './link-grid.ts';
import { type LinkCosts, linkCosts, type Profile } from './profile.ts';
import { lineOfSteps } from './route-line.ts';
import { Search } from './search.ts';
import { isValid, type WallEffects, wallEffects } from './walls.ts';

/** Degrees. */
export interface LonLat {
  readonly lon: number;
  readonly lat: number;
}

/** A link of a route, or a part of it: metres from the link's `from`; `end` < `begin` where it is taken backwards. */
export interface RouteStep {
  readonly link: number;
  readonly begin: number;
  readonly end: number;
}

export interface Route {
  readonly ok: true;
  readonly steps: readonly RouteStep[];
  /** lon, lat along the way */
  readonly line: readonly (readonly [number, number])[];
  /** metres */
  readonly length: number;
  /** seconds */
  readonly cost: number;
  readonly settled: number;
}
export interface NoRoute {
  readonly ok: false;
  readonly reason: 'no-link-near-start' | 'no-link-near-end' | 'no-way';
  readonly message: string;
}

/** Finds ways on one graph. Not for use by two searches at once: its memory is shared between calls. */
export class Router {
  readonly graph: FlatGraph;
  readonly #grid: LinkGrid;
  readonly #walls: WallEffects;
  readonly #search: Search;

  /** Throws a Refusal `bad-graph`. */
  constructor(
    features: Pick<GraphFeatures, 'walls'> & {
      nodes: Iterable<GraphFeatures['nodes'][number]>;
      links: Iterable<GraphFeatures['links'][number]>;
    },
  ) {
    this.graph = flatGraph(features.nodes, features.links);
    this.#grid = new LinkGrid(this.graph);
    this.#walls = wallEffects(this.graph, this.#grid, features.walls);
    this.#search = new Search(this.graph);
  }

  /**
   * The cheapest way for a profile. Start and end are taken to the nearest link that the profile can use.
   * @param timeMs epoch milliseconds at which virtual walls are judged
   */
  find(start: LonLat, end: LonLat, profile: Profile, timeMs: number): Route | NoRoute {
    const costs = linkCosts(this.graph, profile);
    const usable = (link: number) => costs.travel(link, false) < Number.POSITIVE_INFINITY;
    const a = this.#grid.nearest(start.lon, start.lat, profile.maxSnap, usable);
    if (!a) return noLink('start', start, profile);
    const b = this.#grid.nearest(end.lon, end.lat, profile.maxSnap, usable);
    if (!b) return noLink('end', end, profile);
    const stretch = (link: number, begin: number, to: number, waits: boolean) =>
      this.#stretchCost(costs, link, begin, to, timeMs, waits);
    const { length, from, to } = this.graph;
    // Whoever starts on a crossing or in a door stands there already: no wait.
    const direct = a.link === b.link ? stretch(a.link, a.along, b.along, false) : Number.POSITIVE_INFINITY;
    const [lengthA, lengthB] = [length[a.link]!, length[b.link]!];
    const starts = [
      { node: to[a.link]!, cost: stretch(a.link, a.along, lengthA, false), at: lengthA },
      { node: from[a.link]!, cost: stretch(a.link, a.along, 0, false), at: 0 },
    ].filter(({ cost }) => cost < Number.POSITIVE_INFINITY);
    const ends = [
      { node: from[b.link]!, cost: stretch(b.link, 0, b.along, true), at: 0 },
      { node: to[b.link]!, cost: stretch(b.link, lengthB, b.along, true), at: lengthB },
    ].filter(({ cost }) => cost < Number.POSITIVE_INFINITY);
    const found = this.#search.run({
      starts,
      ends,
      goal: toEcef(b.lat, b.lon, 0),
      leastPerMetre: costs.leastPerMetre,
      arcCost: (arc) => {
        const link = arc >> 1;
        const whole = length[link]!;
        return arc & 1 ? stretch(link, whole, 0, true) : stretch(link, 0, whole, true);
      },
      bound: direct,
    });
    if (found) {
      const first = cheapest(starts, found.startNode);
      const last = cheapest(ends, found.endNode);
      const steps = [
        { link: a.link, begin: a.along, end: first.at },
        ...found.arcs.map((arc) => wholeStep(this.graph, arc)),
        { link: b.link, begin: last.at, end: b.along },
      ];
      return this.#route(a, steps, found.cost, found.settled);
    }
    if (direct < Number.POSITIVE_INFINITY)
      return this.#route(a, [{ link: a.link, begin: a.along, end: b.along }], direct, 0);
    return {
      ok: false,
      reason: 'no-way',
      message: `expected a way from link ${this.graph.linkIds[a.link]} to link ${this.graph.linkIds[b.link]} for profile ${profile.name}, found none; its limits or a virtual wall close every way`,
    };
  }

  #route(start: Snap, all: RouteStep[], cost: number, settled: number): Route {
    const moving = all.filter(({ begin, end }) => begin !== end);
    const steps = moving.length > 0 ? moving : [{ link: start.link, begin: start.along, end: start.along }];
    const length = steps.reduce((sum, { begin, end }) => sum + Math.abs(end - begin), 0);
    return { ok: true, steps, line: lineOfSteps(this.graph, steps), length, cost, settled };
  }

  /** Seconds from one place of a link to another; Infinity where it is closed. */
  #stretchCost(
    costs: LinkCosts,
    link: number,
    begin: number,
    end: number,
    timeMs: number,
    waits: boolean,
  ): number {
    const backward = end < begin;
    if (backward && this.graph.flags[link]! & ONE_WAY) return Number.POSITIVE_INFINITY;
    let slow = false;
    const effects = this.#walls.size > 0 ? this.#walls.get(link) : undefined;
    for (const effect of effects ?? []) {
      if (!isValid(effect, timeMs)) continue;
      if (effect.end < Math.min(begin, end) || effect.begin > Math.max(begin, end)) continue;
      if (backward ? effect.blocksBackward : effect.blocksForward) return Number.POSITIVE_INFINITY;
      slow ||= effect.slow;
    }
    const travel = costs.travel(link, slow);
    const whole = this.graph.length[link]!;
    const share = whole > 0 ? Math.abs(end - begin) / whole : 0;
    return (
      (share === 1 ? travel : travel === Number.POSITIVE_INFINITY ? travel : travel * share) +
      (waits && begin !== end ? costs.wait(link) : 0)
    );
  }
}

function cheapest<T extends { node: number; cost: number }>(of: readonly T[], node: number): T {
  return of.filter((one) => one.node === node).reduce((a, b) => (b.cost < a.cost ? b : a));
}

function wholeStep(graph: FlatGraph, arc: number): RouteStep {
  const length = graph.length[arc >> 1]!;
  return arc & 1 ? { link: arc >> 1, begin: length, end: 0 } : { link: arc >> 1, begin: 0, end: length };
}

function noLink(which: 'start' | 'end', { lon, lat }: LonLat, { name, maxSnap }: Profile): NoRoute {
  return {
    ok: false,
    reason: `no-link-near-${which}`,
    message: `expected a link that profile ${name} can use within ${maxSnap} m of the ${which} at ${lon}, ${lat}, found none`,
  };
}
