import { CellCosts } from './cell-costs.ts';
import { type Cells, cellsOf } from './cells.ts';
import type { FlatGraph } from './flat-graph.ts';
import { Landmarks } from './landmarks.ts';

/** Costs of one profile's arcs (link × 2 + backwards) at one time, seconds; Infinity where it is closed. */
export type ArcCost = (arc: number) => number;

/** What it costs to pass through a cell at one time. */
export interface Passing {
  /** row-major, from each node of the border to each other, and the other way round */
  readonly from: Float64Array;
  readonly into: Float64Array;
}

/** The cells of a graph and the nodes of their borders; the same for every profile. */
export class CellBorders {
  readonly graph: FlatGraph;
  readonly cells: Cells;
  readonly costs: CellCosts;
  /** the nodes anew: first the borders, cell by cell, so that a row of costs meets its nodes side by side */
  readonly nodeOf: Int32Array;
  readonly slotOf: Int32Array;
  /** slots of the border of cell c: [borderStart[c], borderStart[c + 1]) */
  readonly borderStart: Int32Array;

  constructor(graph: FlatGraph, cellNodes?: number) {
    this.graph = graph;
    this.cells = cellsOf(graph, cellNodes);
    this.costs = new CellCosts(graph, this.cells);
    const each = Array.from({ length: this.count }, (_, c) => this.costs.border(c));
    this.borderStart = new Int32Array(this.count + 1);
    each.forEach((border, c) => {
      this.borderStart[c + 1] = this.borderStart[c]! + border.length;
    });
    const nodes = graph.nodeIds.length;
    this.nodeOf = new Int32Array(nodes);
    this.slotOf = new Int32Array(nodes).fill(-1);
    let slot = 0;
    const give = (node: number) => {
      if (this.slotOf[node]! >= 0) return;
      this.slotOf[node] = slot;
      this.nodeOf[slot++] = node;
    };
    for (const border of each) border.forEach(give);
    this.cells.nodeAt.forEach(give);
  }

  get count(): number {
    return this.cells.start.length - 1;
  }
}

/**
 * The costs of one profile, prepared: a search then passes a cell in one step. Where walls come and go by the hour only
 * their cells are prepared again, when somebody next passes there.
 */
export class Overlay {
  readonly borders: CellBorders;
  /** of an arc; NaN where walls come and go */
  readonly #costs: Float64Array;
  readonly #passing: (Passing & { readonly state: string })[] = [];
  readonly #stateOf: (cell: number, timeMs: number) => string;
  #landmarks: Landmarks | undefined;

  /**
   * @param stateOf a word for the walls that hold in a cell at a time: the costs are the same while it is
   * @param isTimed whether the cost of a link changes with the time
   */
  constructor(
    borders: CellBorders,
    stateOf: (cell: number, timeMs: number) => string,
    isTimed: (link: number) => boolean,
    arcCost: ArcCost,
  ) {
    this.borders = borders;
    this.#stateOf = stateOf;
    this.#costs = new Float64Array(2 * borders.graph.linkIds.length).fill(Number.POSITIVE_INFINITY);
    for (const arc of borders.graph.arcs) this.#costs[arc] = isTimed(arc >> 1) ? Number.NaN : arcCost(arc);
  }

  get landmarks(): Landmarks {
    if (!this.#landmarks) throw new Error('expected landmarks, found none: place them first');
    return this.#landmarks;
  }

  /** Yields now and then. @param leastCost of arcs whose cost changes with the time: the least that it is ever */
  *placeLandmarks(leastCost: ArcCost): Generator<void, void> {
    this.#landmarks = yield* Landmarks.on(this.borders, this.costs(leastCost));
  }

  /** As `arcCost`, of which only arcs are asked whose cost changes with the time. */
  costs(arcCost: ArcCost): ArcCost {
    const costs = this.#costs;
    return (arc) => {
      const cost = costs[arc]!;
      return Number.isNaN(cost) ? arcCost(arc) : cost;
    };
  }

  /** The costs of passing a cell; prepares them where that was not done for these walls. */
  passing(cell: number, timeMs: number, arcCost: ArcCost): Passing {
    const state = this.#stateOf(cell, timeMs);
    const held = this.#passing[cell];
    if (held?.state === state) return held;
    const from = this.borders.costs.passing(cell, arcCost);
    const made = { from, into: transposed(from), state };
    this.#passing[cell] = made;
    return made;
  }
}

function transposed(square: Float64Array): Float64Array {
  const size = Math.sqrt(square.length);
  const turned = new Float64Array(square.length);
  for (let r = 0; r < size; r++) for (let c = 0; c < size; c++) turned[c * size + r] = square[r * size + c]!;
  return turned;
}
