import type { FlatGraph } from './flat-graph.ts';
import { Bounds } from './landmarks.ts';
import type { CellBorders, Overlay, Passing } from './overlay.ts';
import { BEGIN, Reach, THROUGH } from './reach.ts';
import { GAVE_UP, type Search, type SearchInput, type SearchResult } from './search.ts';

/** A cost found by other sums than the one that is looked for may differ in its last digits. */
const ROUNDING = 1e-9;

/** Rounding of sums of chords must not make the estimate too high. */
const SLACK = 1 - 1e-9;

type Ecef = readonly [number, number, number];

/**
 * A* from both ends (Goldberg & Harrelson 2005, the consistent mean of both estimates of Ikeda et al. 1994): link by
 * link in the cells where the way begins and ends, and through each other cell in one step (Customizable Route
 * Planning, Delling, Goldberg, Pajor & Werneck 2017, with one level). Nodes are slots here.
 */
export class OverlaySearch {
  readonly #graph: FlatGraph;
  readonly #borders: CellBorders;
  readonly #plain: Search;
  readonly #ahead: Reach;
  readonly #back: Reach;
  #settled = 0;
  #best = Number.POSITIVE_INFINITY;
  #input!: SearchInput;
  #begin: Ecef = [0, 0, 0];
  #bounds = new Bounds([]);

  constructor(borders: CellBorders, plain: Search) {
    this.#graph = borders.graph;
    this.#borders = borders;
    this.#plain = plain;
    this.#ahead = new Reach(borders.graph.nodeIds.length);
    this.#back = new Reach(borders.graph.nodeIds.length);
  }

  /** The cheapest way; undefined where there is none below the bound. @param begin earth-centred, metres */
  run(input: SearchInput, begin: Ecef, overlay: Overlay, timeMs: number): SearchResult | undefined {
    const [ahead, back] = [this.#ahead, this.#back];
    ahead.clear();
    back.clear();
    this.#settled = 0;
    this.#best = input.bound;
    this.#input = input;
    this.#begin = begin;
    this.#bounds = overlay.landmarks.between(input.starts, input.ends);
    const { cells, nodeOf, slotOf } = this.#borders;
    const open = new Set([...input.starts, ...input.ends].map(({ node }) => cells.cell[node]!));
    for (const { node, cost } of input.starts) this.#lower(ahead, true, slotOf[node]!, cost, BEGIN, BEGIN);
    for (const { node, cost } of input.ends) this.#lower(back, false, slotOf[node]!, cost, BEGIN, BEGIN);
    const passings: (Passing | undefined)[] = new Array(this.#borders.count);
    let meeting = -1;
    // The estimates of both sides cancel out in the sum of the keys.
    while (ahead.leastKey + back.leastKey < this.#best) {
      const isAhead = ahead.size <= back.size ? ahead.size > 0 : back.size === 0;
      const [near, far] = isAhead ? [ahead, back] : [back, ahead];
      const slot = near.next();
      if (slot < 0) continue;
      this.#settled++;
      const total = near.cost[slot]! + far.cost[slot]!;
      if (total < this.#best) {
        this.#best = total;
        meeting = slot;
      }
      const node = nodeOf[slot]!;
      const isOpen = open.has(cells.cell[node]!);
      if (!isOpen) {
        const cell = cells.cell[node]!;
        const passing = passings[cell] ?? overlay.passing(cell, timeMs, input.arcCost);
        passings[cell] = passing;
        this.#through(near, isAhead, slot, isAhead ? passing.from : passing.into);
      }
      this.#along(near, isAhead, slot, isOpen);
    }
    return meeting < 0 ? undefined : this.#way(meeting, input);
  }

  /** Along the arcs of a node; only along those out of its cell where the cell is passed in one step. */
  #along(reach: Reach, isAhead: boolean, slot: number, isOpen: boolean) {
    const { cells, nodeOf, slotOf } = this.#borders;
    const { cell, into } = cells;
    const { arcs, arcStart, from, to } = this.#graph;
    const [list, start] = isAhead ? [arcs, arcStart] : [into.arcs, into.start];
    const node = nodeOf[slot]!;
    for (let a = start[node]!; a < start[node + 1]!; a++) {
      const arc = list[a]!;
      const next = (arc & 1) === (isAhead ? 1 : 0) ? from[arc >> 1]! : to[arc >> 1]!;
      if (!isOpen && cell[next] === cell[node]) continue;
      this.#lower(reach, isAhead, slotOf[next]!, reach.cost[slot]! + this.#input.arcCost(arc), slot, arc);
    }
  }

  #through(reach: Reach, isAhead: boolean, slot: number, costs: Float64Array) {
    const { cells, borderStart, nodeOf } = this.#borders;
    const cell = cells.cell[nodeOf[slot]!]!;
    const first = borderStart[cell]!;
    const size = borderStart[cell + 1]! - first;
    const row = (slot - first) * size;
    const reached = reach.cost;
    const soFar = reached[slot]!;
    for (let k = 0; k < size; k++) {
      const cost = soFar + costs[row + k]!;
      if (cost < reached[first + k]!) this.#lower(reach, isAhead, first + k, cost, slot, THROUGH);
    }
  }

  #lower(reach: Reach, isAhead: boolean, slot: number, cost: number, before: number, arc: number) {
    if (cost >= reach.cost[slot]!) return;
    const node = this.#borders.nodeOf[slot]!;
    const { goal, leastPerMetre } = this.#input;
    const toEnd = SLACK * this.#bounds.toEnd(slot, this.#metres(node, goal) * leastPerMetre);
    const toBegin = SLACK * this.#bounds.fromBegin(slot, this.#metres(node, this.#begin) * leastPerMetre);
    if (cost + (isAhead ? toEnd : toBegin) >= this.#best) return;
    const mean = (toEnd - toBegin) / 2;
    reach.lower(slot, cost, before, arc, isAhead ? cost + mean : cost - mean);
  }

  #metres(node: number, [x, y, z]: Ecef): number {
    const { ecef } = this.#graph;
    const [dx, dy, dz] = [ecef[3 * node]! - x, ecef[3 * node + 1]! - y, ecef[3 * node + 2]! - z];
    return Math.sqrt(dx * dx + dy * dy + dz * dz);
  }

  #way(meeting: number, input: SearchInput): SearchResult {
    const arcs: number[] = [];
    const hops: { from: number; to: number; arc: number; cost: number }[] = [];
    const [ahead, back] = [this.#ahead, this.#back];
    let startNode = meeting;
    for (; ahead.arc[startNode] !== BEGIN; startNode = ahead.before[startNode]!) {
      const before = ahead.before[startNode]!;
      const cost = ahead.cost[startNode]! - ahead.cost[before]!;
      hops.push({ from: before, to: startNode, arc: ahead.arc[startNode]!, cost });
    }
    hops.reverse();
    let endNode = meeting;
    for (; back.arc[endNode] !== BEGIN; endNode = back.before[endNode]!) {
      const next = back.before[endNode]!;
      hops.push({
        from: endNode,
        to: next,
        arc: back.arc[endNode]!,
        cost: back.cost[endNode]! - back.cost[next]!,
      });
    }
    let cost = ahead.cost[startNode]!;
    const { nodeOf } = this.#borders;
    for (const hop of hops) {
      const one =
        hop.arc === THROUGH
          ? this.#within({ ...hop, from: nodeOf[hop.from]!, to: nodeOf[hop.to]! }, input)
          : [hop.arc];
      for (const arc of one) {
        arcs.push(arc);
        cost += input.arcCost(arc);
      }
    }
    return {
      cost: cost + back.cost[endNode]!,
      arcs,
      startNode: nodeOf[startNode]!,
      endNode: nodeOf[endNode]!,
      settled: this.#settled,
    };
  }

  /** The arcs of one step through a cell. */
  #within(hop: { from: number; to: number; cost: number }, input: SearchInput): number[] {
    const { cell } = this.#borders.cells;
    const { ecef, from, to } = this.#graph;
    const inside = cell[hop.to]!;
    const found = this.#plain.run({
      starts: [{ node: hop.from, cost: 0 }],
      ends: [{ node: hop.to, cost: 0 }],
      goal: [ecef[3 * hop.to]!, ecef[3 * hop.to + 1]!, ecef[3 * hop.to + 2]!],
      leastPerMetre: input.leastPerMetre,
      arcCost: (arc) =>
        cell[arc & 1 ? from[arc >> 1]! : to[arc >> 1]!] === inside
          ? input.arcCost(arc)
          : Number.POSITIVE_INFINITY,
      bound: hop.cost * (1 + ROUNDING) + ROUNDING,
    });
    if (!found || found === GAVE_UP) throw new Error(`a way through cell ${inside} is lost`);
    this.#settled += found.settled;
    return found.arcs;
  }
}
