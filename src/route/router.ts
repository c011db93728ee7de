import { toEcef } from '../math/geodesy.ts';
import { CELL_NODES } from './cells.ts';
import type { GraphFeatures } from './features.ts';
import { type FlatGraph, flatGraph, ONE_WAY } from './flat-graph.ts';
import { LinkGrid, type Snap } from './link-grid.ts';
import { type ArcCost, CellBorders, Overlay } from './overlay.ts';
import { OverlaySearch } from './overlay-search.ts';
import { type LinkCosts, linkCosts, type Profile } from './profile.ts';
import { lineOfSteps } from './route-line.ts';
import { GAVE_UP, Search } from './search.ts';
import { isTimed, isValid, type WallEffects, wallEffects, wallStates } from './walls.ts';

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
  readonly reason: 'no-link-near-start' | 'no-link-near-end' | 'no-way' | 'profile-not-prepared';
  readonly message: string;
}

/** Finds ways on one graph. Not for use by two searches at once: its memory is shared between calls. */
export class Router {
  readonly graph: FlatGraph;
  readonly #grid: LinkGrid;
  readonly #walls: WallEffects;
  readonly #search: Search;
  readonly #cellNodes: number;
  #cells: { borders: CellBorders; search: OverlaySearch } | undefined;
  readonly #prepared = new Map<string, Overlay>();

  /** Throws a Refusal `bad-graph`. @param cellNodes nodes of a cell at most, see `prepare` */
  constructor(
    features: Pick<GraphFeatures, 'walls'> & {
      nodes: Iterable<GraphFeatures['nodes'][number]>;
      links: Iterable<GraphFeatures['links'][number]>;
    },
    cellNodes = CELL_NODES,
  ) {
    this.#cellNodes = cellNodes;
    this.graph = flatGraph(features.nodes, features.links);
    this.#grid = new LinkGrid(this.graph);
    this.#walls = wallEffects(this.graph, this.#grid, features.walls);
    this.#search = new Search(this.graph);
  }

  /**
   * Makes `find` quick for a profile, anywhere on a large graph; the ways stay the same. A graph of one cell needs no
   * such thing. It yields after each cell, so that others get their turn; unfinished, it changes nothing.
   * @param timeMs epoch milliseconds: the walls of this time are prepared for
   */
  *prepare(profile: Profile, timeMs: number): Generator<void, void> {
    if (this.graph.nodeIds.length <= this.#cellNodes || this.isPrepared(profile)) return;
    if (!this.#cells) {
      const borders = new CellBorders(this.graph, this.#cellNodes);
      this.#cells = { borders, search: new OverlaySearch(borders, this.#search) };
    }
    const { borders } = this.#cells;
    const costs = linkCosts(this.graph, profile);
    const slow = this.#arcCosts(costs, timeMs);
    const states = wallStates(this.graph, this.#walls, borders.cells.cell);
    const changes = (link: number) => this.#walls.get(link)?.some(isTimed) ?? false;
    const overlay = new Overlay(borders, states, changes, slow);
    const arcCost = overlay.costs(slow);
    for (let cell = 0; cell < borders.count; cell++) {
      overlay.passing(cell, timeMs, arcCost);
      yield;
    }
    yield* overlay.placeLandmarks((arc) => costs.travel(arc >> 1, false) + costs.wait(arc >> 1));
    this.#prepared.set(keyOf(profile), overlay);
  }

  isPrepared(profile: Profile): boolean {
    return this.#prepared.has(keyOf(profile));
  }

  /** Frees what `prepare` made for a profile. */
  forget(profile: Profile): void {
    this.#prepared.delete(keyOf(profile));
  }

  /**
   * The cheapest way for a profile. Start and end are taken to the nearest link that the profile can use.
   * @param timeMs epoch milliseconds at which virtual walls are judged
   * @param mostSettled for a profile that is not prepared: nodes at which the search gives up (about a microsecond each)
   */
  find(start: LonLat, end: LonLat, profile: Profile, timeMs: number, mostSettled?: number): Route | NoRoute {
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
    const overlay = this.#prepared.get(keyOf(profile));
    const slow = this.#arcCosts(costs, timeMs);
    const input = {
      starts,
      ends,
      goal: toEcef(b.lat, b.lon, 0),
      leastPerMetre: costs.leastPerMetre,
      arcCost: overlay?.costs(slow) ?? slow,
      bound: direct,
    };
    const found = overlay
      ? this.#cells!.search.run(input, toEcef(a.lat, a.lon, 0), overlay, timeMs)
      : this.#search.run({ ...input, mostSettled });
    if (found === GAVE_UP) return notPrepared(profile, mostSettled!);
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

  #arcCosts(costs: LinkCosts, timeMs: number): ArcCost {
    const { length } = this.graph;
    return (arc) => {
      const link = arc >> 1;
      const whole = length[link]!;
      return arc & 1
        ? this.#stretchCost(costs, link, whole, 0, timeMs, true)
        : this.#stretchCost(costs, link, 0, whole, timeMs, true);
    };
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

function keyOf(profile: Profile): string {
  return JSON.stringify(profile);
}

function cheapest<T extends { node: number; cost: number }>(of: readonly T[], node: number): T {
  return of.filter((one) => one.node === node).reduce((a, b) => (b.cost < a.cost ? b : a));
}

function wholeStep(graph: FlatGraph, arc: number): RouteStep {
  const length = graph.length[arc >> 1]!;
  return arc & 1 ? { link: arc >> 1, begin: length, end: 0 } : { link: arc >> 1, begin: 0, end: length };
}

function notPrepared({ name }: Profile, mostSettled: number): NoRoute {
  return {
    ok: false,
    reason: 'profile-not-prepared',
    message: `expected to find the way for profile ${name} among ${mostSettled} nodes, found it further; ask for a nearer place, or for a profile that the service has prepared`,
  };
}

function noLink(which: 'start' | 'end', { lon, lat }: LonLat, { name, maxSnap }: Profile): NoRoute {
  return {
    ok: false,
    reason: `no-link-near-${which}`,
    message: `expected a link that profile ${name} can use within ${maxSnap} m of the ${which} at ${lon}, ${lat}, found none`,
  };
}
