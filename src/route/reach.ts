import { MinHeap } from './heap.ts';

const UNREACHED = Number.POSITIVE_INFINITY;
/** Of `arc`: the search began here, or came through a cell in one step. */
export const BEGIN = -1;
export const THROUGH = -2;

/** Half of a search from both ends: what was reached, at what cost and from where. Used again by the next search. */
export class Reach {
  readonly cost: Float64Array;
  /** of a node that was reached: the node before it, and the arc from there, or BEGIN or THROUGH */
  readonly before: Int32Array;
  readonly arc: Int32Array;
  readonly #isGiven: Uint8Array;
  readonly #heap = new MinHeap();
  readonly #touched: number[] = [];

  constructor(nodes: number) {
    this.cost = new Float64Array(nodes).fill(UNREACHED);
    this.before = new Int32Array(nodes);
    this.arc = new Int32Array(nodes);
    this.#isGiven = new Uint8Array(nodes);
  }

  get leastKey(): number {
    return this.#heap.leastKey;
  }

  get size(): number {
    return this.#heap.size;
  }

  clear(): void {
    for (const node of this.#touched) this.cost[node] = UNREACHED;
    this.#touched.length = 0;
    this.#heap.clear();
  }

  /** @param cost less than that of the node so far. @param key in order of these the nodes are given */
  lower(node: number, cost: number, before: number, arc: number, key: number): void {
    if (this.cost[node] === UNREACHED) this.#touched.push(node);
    this.cost[node] = cost;
    this.before[node] = before;
    this.arc[node] = arc;
    this.#isGiven[node] = 0;
    this.#heap.push(key, node);
  }

  /** The node of the least key, or -1 where that is an older entry of one that was given already. */
  next(): number {
    const node = this.#heap.pop();
    if (this.#isGiven[node]) return -1;
    this.#isGiven[node] = 1;
    return node;
  }
}
