import { MinHeap } from './heap.ts';
import type { ArcCost, CellBorders } from './overlay.ts';

/** Landmarks lie at the rim of the graph in so many directions. */
const DIRECTIONS = 6;
/** Nodes whose reach is tried until more than half of the graph is reached: some lie on islands. */
const TRIES = 8;
/** Nodes that are settled between two yields: a few milliseconds. */
const SETTLED_A_TURN = 4096;
/** Of all estimates so many are used in a search, those that say most of its begin and end. */
const USED = 3;

type Place = readonly { readonly node: number; readonly cost: number }[];

/** Costs from a landmark to each slot, or from each slot to it; Infinity where there is no way. */
interface Distances {
  readonly isFrom: boolean;
  readonly of: Float64Array;
}

/** One table as it serves one search; seconds. */
interface Estimate extends Distances {
  /** least of the end's costs and distances, and of the begin's */
  readonly end: number;
  readonly begin: number;
}

/**
 * Costs to and from places at the rim of a graph, out of which a search gets lower bounds by the triangle inequality
 * (ALT, Goldberg & Harrelson 2005). They hold at any time: walls that come and go count as open.
 */
export class Landmarks {
  readonly #tables: readonly Distances[];
  readonly #slotOf: Int32Array;

  private constructor(tables: readonly Distances[], slotOf: Int32Array) {
    this.#tables = tables;
    this.#slotOf = slotOf;
  }

  /** Yields now and then. @param leastCost of an arc at any time, Infinity where it is always closed */
  static *on(borders: CellBorders, leastCost: ArcCost): Generator<void, Landmarks> {
    const tables: Distances[] = [];
    for (const slot of yield* rim(borders, leastCost)) {
      tables.push({ isFrom: true, of: yield* distances(borders, leastCost, slot, true) });
      tables.push({ isFrom: false, of: yield* distances(borders, leastCost, slot, false) });
    }
    return new Landmarks(tables, borders.slotOf);
  }

  /** The bounds for one search. */
  between(starts: Place, ends: Place): Bounds {
    const least = (place: Place, of: Float64Array, sign: number) =>
      place.reduce(
        (low, { node, cost }) => Math.min(low, cost + sign * of[this.#slotOf[node]!]!),
        Number.POSITIVE_INFINITY,
      );
    const estimates = this.#tables
      .map(({ isFrom, of }): Estimate & { way: number } => {
        const sign = isFrom ? 1 : -1;
        const [begin, end] = [least(starts, of, -sign), least(ends, of, sign)];
        return { isFrom, of, begin, end, way: begin + end };
      })
      // A landmark that has no way to one of them says nothing.
      .filter(({ begin, end }) => Number.isFinite(begin) && Number.isFinite(end))
      .sort((a, b) => b.way - a.way);
    return new Bounds(estimates.slice(0, USED));
  }
}

/** Least costs from a slot to the end of one search, and from its begin to a slot; seconds. */
export class Bounds {
  readonly #estimates: readonly Estimate[];

  constructor(estimates: readonly Estimate[]) {
    this.#estimates = estimates;
  }

  /** @param other a bound that is known already */
  toEnd(slot: number, other: number): number {
    let most = other;
    for (const { isFrom, of, end } of this.#estimates) {
      const bound = isFrom ? end - of[slot]! : end + of[slot]!;
      if (bound > most) most = bound;
    }
    return most;
  }

  fromBegin(slot: number, other: number): number {
    let most = other;
    for (const { isFrom, of, begin } of this.#estimates) {
      const bound = isFrom ? begin + of[slot]! : begin - of[slot]!;
      if (bound > most) most = bound;
    }
    return most;
  }
}

/** The outermost slots, one for each direction, of the part of the graph that most of it is. */
function* rim(borders: CellBorders, cost: ArcCost): Generator<void, number[]> {
  const { ecef } = borders.graph;
  const nodes = borders.nodeOf.length;
  let best: { count: number; of: Float64Array } = { count: 0, of: new Float64Array() };
  for (let k = 0; k < TRIES && 2 * best.count <= nodes; k++) {
    const of = yield* distances(borders, cost, Math.floor(((k + 0.5) / TRIES) * nodes), true);
    const count = of.reduce((sum, seconds) => sum + (seconds < Number.POSITIVE_INFINITY ? 1 : 0), 0);
    if (count > best.count) best = { count, of };
  }
  if (nodes === 0) return [];
  // Longitude and latitude (geocentric) of nodes, as a plane: only who lies outermost counts.
  const place = (slot: number) => {
    const at = 3 * borders.nodeOf[slot]!;
    const [x, y, z] = [ecef[at]!, ecef[at + 1]!, ecef[at + 2]!];
    return [Math.atan2(y, x), Math.atan2(z, Math.hypot(x, y))] as const;
  };
  const slots = new Set<number>();
  for (let d = 0; d < DIRECTIONS; d++) {
    const [cos, sin] = [Math.cos((2 * Math.PI * d) / DIRECTIONS), Math.sin((2 * Math.PI * d) / DIRECTIONS)];
    let outermost = { slot: -1, at: Number.NEGATIVE_INFINITY };
    for (let slot = 0; slot < nodes; slot++) {
      if (best.of[slot] === Number.POSITIVE_INFINITY) continue;
      const [lon, lat] = place(slot);
      const at = cos * lon + sin * lat;
      if (at > outermost.at) outermost = { slot, at };
    }
    if (outermost.slot >= 0) slots.add(outermost.slot);
    yield;
  }
  return [...slots];
}

/** Dijkstra over all nodes (slots here), along the arcs or against them. */
function* distances(
  borders: CellBorders,
  arcCost: ArcCost,
  begin: number,
  isFrom: boolean,
): Generator<void, Float64Array> {
  const { nodeOf, slotOf, cells } = borders;
  const { arcs, arcStart, from, to } = borders.graph;
  const [list, start] = isFrom ? [arcs, arcStart] : [cells.into.arcs, cells.into.start];
  const of = new Float64Array(nodeOf.length).fill(Number.POSITIVE_INFINITY);
  if (of.length === 0) return of;
  const heap = new MinHeap();
  of[begin] = 0;
  heap.push(0, begin);
  for (let count = 1; heap.size > 0; count++) {
    const soFar = heap.leastKey;
    const slot = heap.pop();
    if (soFar > of[slot]!) continue;
    const node = nodeOf[slot]!;
    for (let a = start[node]!; a < start[node + 1]!; a++) {
      const arc = list[a]!;
      const next = slotOf[(arc & 1) === (isFrom ? 1 : 0) ? from[arc >> 1]! : to[arc >> 1]!]!;
      const total = soFar + arcCost(arc);
      if (total >= of[next]!) continue;
      of[next] = total;
      heap.push(total, next);
    }
    if (count % SETTLED_A_TURN === 0) yield;
  }
  return of;
}
