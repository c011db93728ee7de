import type { FlatGraph } from './flat-graph.ts';

/** Nodes of a cell at most. Smaller cells: longer searches over their borders; larger: longer preparation. */
export const CELL_NODES = 4096;
/** Directions in which a part may be cut, halves of a turn. */
const DIRECTIONS = [0, 0.25, 0.5, 0.75];

/** Arcs that end at each node; `arcs` as in the graph. */
export interface ArcsInto {
  readonly start: Int32Array;
  readonly arcs: Int32Array;
}

/**
 * The nodes of a graph in an order in which each half, quarter, eighth … lies close together with few links to the
 * rest. The ranges [start[c], start[c + 1]) are the cells; halving one again at (low + high) >> 1 gives its parts.
 */
export interface Cells {
  /** place in the order → node, and back */
  readonly nodeAt: Int32Array;
  readonly placeOf: Int32Array;
  readonly start: Int32Array;
  /** of each node */
  readonly cell: Int32Array;
  readonly into: ArcsInto;
}

/**
 * Halves by the median along that direction which cuts the fewest arcs (the geometric half of inertial flow,
 * Schild & Sommer 2015). Any division gives right ways; a good one gives quick ones.
 */
export function cellsOf(graph: FlatGraph, cellNodes = CELL_NODES): Cells {
  const nodes = graph.nodeIds.length;
  const halver = new Halver(graph);
  const start = [0];
  const halve = (low: number, high: number): void => {
    const isCell = high - low <= cellNodes && start.at(-1) === low;
    if (isCell) start.push(high);
    if (high - low <= 2) return;
    halver.halve(low, high);
    const middle = (low + high) >> 1;
    halve(low, middle);
    halve(middle, high);
  };
  halve(0, nodes);
  const placeOf = new Int32Array(nodes);
  const cell = new Int32Array(nodes);
  for (let c = 0; c + 1 < start.length; c++) {
    for (let p = start[c]!; p < start[c + 1]!; p++) {
      placeOf[halver.order[p]!] = p;
      cell[halver.order[p]!] = c;
    }
  }
  return { nodeAt: halver.order, placeOf, start: Int32Array.from(start), cell, into: arcsInto(graph) };
}

class Halver {
  readonly order: Int32Array;
  readonly #graph: FlatGraph;
  readonly #x: Float64Array;
  readonly #y: Float64Array;
  readonly #keys: Float64Array;
  readonly #side: Int32Array;
  #mark = 0;

  constructor(graph: FlatGraph) {
    const { ecef } = graph;
    const nodes = ecef.length / 3;
    this.#graph = graph;
    this.order = Int32Array.from({ length: nodes }, (_, n) => n);
    this.#keys = new Float64Array(nodes);
    this.#side = new Int32Array(nodes);
    // Longitude shrunk by the first node's latitude, and latitude (geocentric), as a plane: only closeness counts.
    const shrink = nodes > 0 ? Math.hypot(ecef[0]!, ecef[1]!) / Math.hypot(ecef[0]!, ecef[1]!, ecef[2]!) : 1;
    this.#x = Float64Array.from(
      { length: nodes },
      (_, n) => Math.atan2(ecef[3 * n + 1]!, ecef[3 * n]!) * shrink,
    );
    this.#y = Float64Array.from({ length: nodes }, (_, n) =>
      Math.atan2(ecef[3 * n + 2]!, Math.hypot(ecef[3 * n]!, ecef[3 * n + 1]!)),
    );
  }

  /** Reorders [low, high) so that few arcs join its halves. */
  halve(low: number, high: number): void {
    let best = { direction: 0, arcs: Number.POSITIVE_INFINITY };
    for (const direction of DIRECTIONS) {
      this.#sortAlong(direction, low, high);
      const arcs = this.#arcsBetween(low, high);
      if (arcs < best.arcs) best = { direction, arcs };
    }
    if (best.direction !== DIRECTIONS.at(-1)) this.#sortAlong(best.direction, low, high);
  }

  #sortAlong(direction: number, low: number, high: number): void {
    const [cos, sin] = [Math.cos(direction * Math.PI), Math.sin(direction * Math.PI)];
    const [order, keys, x, y] = [this.order, this.#keys, this.#x, this.#y];
    for (let p = low; p < high; p++) keys[p] = cos * x[order[p]!]! + sin * y[order[p]!]!;
    select(keys, order, low, high - 1, (low + high) >> 1);
  }

  #arcsBetween(low: number, high: number): number {
    const middle = (low + high) >> 1;
    const [order, side] = [this.order, this.#side];
    const { arcs, arcStart, from, to } = this.#graph;
    this.#mark += 2;
    for (let p = low; p < high; p++) side[order[p]!] = this.#mark + (p < middle ? 0 : 1);
    let count = 0;
    for (let p = low; p < high; p++) {
      const node = order[p]!;
      const other = side[node]! ^ 1;
      for (let a = arcStart[node]!; a < arcStart[node + 1]!; a++) {
        const arc = arcs[a]!;
        if (side[arc & 1 ? from[arc >> 1]! : to[arc >> 1]!] === other) count++;
      }
    }
    return count;
  }
}

/** Quickselect (Hoare 1961): the k-th least key stands at k, with none greater before it and none less behind it. */
function select(keys: Float64Array, values: Int32Array, low: number, high: number, k: number): void {
  let [left, right] = [low, high];
  while (left < right) {
    const pivot = keys[(left + right) >> 1]!;
    let [i, j] = [left, right];
    while (i <= j) {
      while (keys[i]! < pivot) i++;
      while (keys[j]! > pivot) j--;
      if (i > j) break;
      const [key, value] = [keys[i]!, values[i]!];
      keys[i] = keys[j]!;
      values[i] = values[j]!;
      keys[j] = key;
      values[j] = value;
      i++;
      j--;
    }
    if (k <= j) right = j;
    else if (k >= i) left = i;
    else return;
  }
}

function arcsInto({ arcs, from, to, nodeIds }: FlatGraph): ArcsInto {
  const start = new Int32Array(nodeIds.length + 1);
  const head = (arc: number) => (arc & 1 ? from[arc >> 1]! : to[arc >> 1]!);
  for (const arc of arcs) start[head(arc) + 1]!++;
  for (let n = 0; n < nodeIds.length; n++) start[n + 1]! += start[n]!;
  const next = start.slice();
  const into = new Int32Array(arcs.length);
  for (const arc of arcs) into[next[head(arc)]!++] = arc;
  return { start, arcs: into };
}
