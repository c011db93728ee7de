import type { FlatGraph } from './flat-graph.ts';
import { MinHeap } from './heap.ts';

/** One search: nodes to start from with their costs so far, nodes from which the goal is reached, and the costs. */
export interface SearchInput {
  readonly starts: readonly { node: number; cost: number }[];
  readonly ends: readonly { node: number; cost: number }[];
  /** earth-centred, metres */
  readonly goal: readonly [number, number, number];
  readonly leastPerMetre: number;
  /** cost of an arc (link × 2 + backwards), Infinity where it is closed */
  arcCost(arc: number): number;
  /** better ways are known at this cost; Infinity for none */
  readonly bound: number;
  /** gives up once so many nodes are settled; undefined: never */
  readonly mostSettled?: number | undefined;
}

/** The search gave up: whether there is a way is not known. */
export const GAVE_UP = 'gave-up';

export interface SearchResult {
  readonly cost: number;
  /** in order of travel, without the partial links of start and goal */
  readonly arcs: number[];
  readonly startNode: number;
  readonly endNode: number;
  /** for benchmarks */
  readonly settled: number;
}

/** Rounding of sums of chords must not make the heuristic inadmissible. */
const SLACK = 1 - 1e-9;

/**
 * A* (Hart, Nilsson, Raphael 1968) with the straight line through the Earth as heuristic: no way is shorter, and by the
 * triangle inequality it is consistent, so that a node is settled once. Its arrays are used again by the next search.
 */
export class Search {
  readonly #graph: FlatGraph;
  readonly #cost: Float64Array;
  readonly #cameBy: Int32Array;
  readonly #state: Uint32Array;
  readonly #heap = new MinHeap();
  #run = 0;

  constructor(graph: FlatGraph) {
    this.#graph = graph;
    const nodes = graph.nodeIds.length;
    this.#cost = new Float64Array(nodes);
    this.#cameBy = new Int32Array(nodes);
    // 2 · run: reached; 2 · run + 1: settled. Anything less is of an older run.
    this.#state = new Uint32Array(nodes);
  }

  /** The cheapest way; undefined where there is none below the bound. */
  run(input: SearchInput): SearchResult | typeof GAVE_UP | undefined {
    const { arcStart, arcs, from, to } = this.#graph;
    const reached = this.#newRun();
    const settledMark = reached + 1;
    const [cost, state, cameBy, heap] = [this.#cost, this.#state, this.#cameBy, this.#heap];
    for (const start of input.starts) this.#reach(start.node, start.cost, -1, input, reached);
    let best = input.bound;
    let endNode = -1;
    let settled = 0;
    while (heap.leastKey < best) {
      const node = heap.pop();
      if (state[node] === settledMark) continue;
      state[node] = settledMark;
      if (++settled > (input.mostSettled ?? Number.POSITIVE_INFINITY)) return GAVE_UP;
      const soFar = cost[node]!;
      for (const end of input.ends) {
        if (end.node === node && soFar + end.cost < best) {
          best = soFar + end.cost;
          endNode = node;
        }
      }
      for (let a = arcStart[node]!; a < arcStart[node + 1]!; a++) {
        const arc = arcs[a]!;
        const next = arc & 1 ? from[arc >> 1]! : to[arc >> 1]!;
        if (state[next] === settledMark) continue;
        const total = soFar + input.arcCost(arc);
        if (total < best) this.#reach(next, total, arc, input, reached);
      }
    }
    if (endNode < 0) return undefined;
    const way: number[] = [];
    let node = endNode;
    for (let arc = cameBy[node]!; arc >= 0; arc = cameBy[node]!) {
      way.push(arc);
      node = arc & 1 ? to[arc >> 1]! : from[arc >> 1]!;
    }
    return { cost: best, arcs: way.reverse(), startNode: node, endNode, settled };
  }

  #reach(node: number, cost: number, arc: number, input: SearchInput, reached: number): void {
    if (this.#state[node] === reached && this.#cost[node]! <= cost) return;
    this.#state[node] = reached;
    this.#cost[node] = cost;
    this.#cameBy[node] = arc;
    const { ecef } = this.#graph;
    const [gx, gy, gz] = input.goal;
    const [dx, dy, dz] = [ecef[3 * node]! - gx, ecef[3 * node + 1]! - gy, ecef[3 * node + 2]! - gz];
    this.#heap.push(cost + Math.sqrt(dx * dx + dy * dy + dz * dz) * input.leastPerMetre * SLACK, node);
  }

  #newRun(): number {
    this.#heap.clear();
    if (++this.#run > 2 ** 31 - 2) {
      this.#state.fill(0);
      this.#run = 1;
    }
    return this.#run * 2;
  }
}
