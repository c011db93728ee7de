import type { Cells } from './cells.ts';
import type { FlatGraph } from './flat-graph.ts';

/** Parts of so few nodes are not halved. */
const LEAF_NODES = 16;

/** A part of the graph seen from outside: what it costs to pass through it between the nodes of its border. */
interface Part {
  readonly nodes: number[];
  /** row-major; Infinity where there is no way inside that meets no other node of the border */
  readonly costs: Float64Array;
}

/**
 * What it costs to pass through a cell from each node of its border to each other: nodes inside are eliminated one by
 * one, what goes over them becomes direct (nested dissection, George 1973, over (min, +); as the metric of Customizable
 * Contraction Hierarchies, Dibbelt, Strasser & Wagner 2014).
 */
export class CellCosts {
  readonly #graph: FlatGraph;
  readonly #cells: Cells;
  /** of a node: its row in the part at hand */
  readonly #row: Int32Array;

  constructor(graph: FlatGraph, cells: Cells) {
    this.#graph = graph;
    this.#cells = cells;
    this.#row = new Int32Array(graph.nodeIds.length);
  }

  /** The nodes of a cell that have arcs to or from others, in the order of the rows of `passing`. */
  border(cell: number): Int32Array {
    const { start, nodeAt } = this.#cells;
    const [low, high] = [start[cell]!, start[cell + 1]!];
    return nodeAt.slice(low, high).filter((node) => this.#isBorder(node, low, high));
  }

  /** Costs between the nodes of a cell's border, row-major. @param arcCost Infinity where an arc is closed */
  passing(cell: number, arcCost: (arc: number) => number): Float64Array {
    const { start } = this.#cells;
    return this.#part(start[cell]!, start[cell + 1]!, arcCost).costs;
  }

  #part(low: number, high: number, arcCost: (arc: number) => number): Part {
    if (high - low <= LEAF_NODES) {
      const nodes = [...this.#cells.nodeAt.subarray(low, high)];
      const costs = new Float64Array(nodes.length ** 2).fill(Number.POSITIVE_INFINITY);
      this.#addArcs(nodes, costs, low, high, arcCost);
      return this.#withoutInside({ nodes, costs }, low, high);
    }
    const middle = (low + high) >> 1;
    const a = this.#part(low, middle, arcCost);
    const b = this.#part(middle, high, arcCost);
    const nodes = [...a.nodes, ...b.nodes];
    const costs = new Float64Array(nodes.length ** 2).fill(Number.POSITIVE_INFINITY);
    for (const [{ nodes: own, costs: of }, at] of [
      [a, 0],
      [b, a.nodes.length],
    ] as const) {
      for (let r = 0; r < own.length; r++)
        costs.set(of.subarray(r * own.length, (r + 1) * own.length), (at + r) * nodes.length + at);
    }
    this.#addArcs(nodes, costs, low, high, arcCost, middle);
    return this.#withoutInside({ nodes, costs }, low, high);
  }

  /** Arcs between nodes of [low, high); with `middle`, those from one half to the other only. */
  #addArcs(
    nodes: readonly number[],
    costs: Float64Array,
    low: number,
    high: number,
    arcCost: (arc: number) => number,
    middle?: number,
  ): void {
    const { arcs, arcStart, from, to } = this.#graph;
    const { placeOf } = this.#cells;
    for (let r = 0; r < nodes.length; r++) this.#row[nodes[r]!] = r;
    for (let r = 0; r < nodes.length; r++) {
      const node = nodes[r]!;
      for (let a = arcStart[node]!; a < arcStart[node + 1]!; a++) {
        const arc = arcs[a]!;
        const next = arc & 1 ? from[arc >> 1]! : to[arc >> 1]!;
        const place = placeOf[next]!;
        if (place < low || place >= high) continue;
        if (middle !== undefined && placeOf[node]! < middle === place < middle) continue;
        const at = r * nodes.length + this.#row[next]!;
        costs[at] = Math.min(costs[at]!, arcCost(arc));
      }
    }
  }

  #withoutInside({ nodes, costs }: Part, low: number, high: number): Part {
    const size = nodes.length;
    const isLeft = Uint8Array.from(nodes, () => 1);
    const outs = new Int32Array(size);
    const outCosts = new Float64Array(size);
    for (let k = 0; k < size; k++) {
      if (this.#isBorder(nodes[k]!, low, high)) continue;
      isLeft[k] = 0;
      let count = 0;
      for (let j = 0; j < size; j++) {
        const cost = costs[k * size + j]!;
        if (!isLeft[j] || cost === Number.POSITIVE_INFINITY) continue;
        outs[count] = j;
        outCosts[count++] = cost;
      }
      for (let i = 0; i < size; i++) {
        const cost = costs[i * size + k]!;
        if (isLeft[i] && cost < Number.POSITIVE_INFINITY) lower(costs, i * size, cost, outs, outCosts, count);
      }
    }
    const rest = nodes.filter((_, k) => isLeft[k]);
    const rows = [...nodes.keys()].filter((k) => isLeft[k]);
    const between = new Float64Array(rest.length ** 2);
    for (let r = 0; r < rows.length; r++)
      for (let c = 0; c < rows.length; c++) between[r * rows.length + c] = costs[rows[r]! * size + rows[c]!]!;
    return { nodes: rest, costs: between };
  }

  #isBorder(node: number, low: number, high: number): boolean {
    const { arcs, arcStart, from, to } = this.#graph;
    const { placeOf, into } = this.#cells;
    const isOutside = (other: number) => placeOf[other]! < low || placeOf[other]! >= high;
    for (let a = arcStart[node]!; a < arcStart[node + 1]!; a++)
      if (isOutside(arcs[a]! & 1 ? from[arcs[a]! >> 1]! : to[arcs[a]! >> 1]!)) return true;
    for (let a = into.start[node]!; a < into.start[node + 1]!; a++)
      if (isOutside(into.arcs[a]! & 1 ? to[into.arcs[a]! >> 1]! : from[into.arcs[a]! >> 1]!)) return true;
    return false;
  }
}

/** The innermost loop of the preparation. */
function lower(
  costs: Float64Array,
  row: number,
  cost: number,
  outs: Int32Array,
  outCosts: Float64Array,
  count: number,
): void {
  for (let o = 0; o < count; o++) {
    const at = row + outs[o]!;
    const over = cost + outCosts[o]!;
    if (over < costs[at]!) costs[at] = over;
  }
}
