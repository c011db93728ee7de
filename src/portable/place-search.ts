import { setImmediate as nextTurn } from 'node:timers/promises';
import type { PlaceArea } from '../core.ts';
import { throwIfCancelled } from './cancel.ts';
import { PLACE_CELL, type PlaceFrame, type PlaceScan } from './place-grid.ts';

/** These are those of native/include/dilly/place_search.hpp, where the reasons are. */
const TURN = Math.PI / 120;
const COUNT = 24;
const APART = 2;
const APART_TURN = 0.18;
const SHARE = 0.6;
const BATCH = 128;
const NODES = 1_500_000;

export interface PlaceFound {
  readonly x: number;
  readonly y: number;
  readonly turn: number;
  readonly score: number;
}

interface Node {
  readonly score: number;
  readonly level: number;
  readonly turn: number;
  readonly i: number;
  readonly j: number;
}

/** Branch and bound over the plane for each heading. */
export class PlaceSearcher {
  readonly #pyramid: { frame: PlaceFrame; levels: readonly Uint16Array[] };
  readonly #scan: PlaceScan;
  readonly #side: number;
  readonly #first: readonly [number, number];
  readonly #turns: number[] = [];
  readonly #cells: Int32Array[];
  readonly #queue: Node[] = [];

  constructor(
    pyramid: { frame: PlaceFrame; levels: readonly Uint16Array[] },
    scan: PlaceScan,
    [x, y]: readonly number[],
    { reach, turn }: PlaceArea,
  ) {
    this.#pyramid = pyramid;
    this.#scan = scan;
    const half = Math.ceil(reach / PLACE_CELL);
    this.#side = 2 * half + 1;
    this.#first = [x! - half * PLACE_CELL, y! - half * PLACE_CELL];
    const round = turn >= Math.PI - TURN / 2;
    const turns = Math.ceil((round ? Math.PI : turn) / TURN - 1e-9);
    for (let k = -turns; k <= turns - (round ? 1 : 0); k++) this.#turns.push(k * TURN);
    this.#cells = this.#turns.map((angle) => {
      const [c, s] = [Math.cos(angle), Math.sin(angle)];
      const { frame } = pyramid;
      return Int32Array.from(scan.places, ([px, py]) =>
        frame.at(
          frame.cellOf(this.#first[0] + c * px - s * py, 0),
          frame.cellOf(this.#first[1] + s * px + c * py, 1),
        ),
      );
    });
  }

  async run(
    signal: AbortSignal | undefined,
  ): Promise<{ places: PlaceFound[]; nodes: number; complete: boolean }> {
    const places: PlaceFound[] = [];
    let nodes = 0;
    this.#openRoots();
    for (;;) {
      const best = this.#queue[0];
      if (
        !best ||
        best.score === 0 ||
        (places[0] && best.score < SHARE * places[0].score * this.#scan.places.length)
      )
        break;
      if (best.level === 0) {
        this.#pop();
        if (!this.#isKnown(best, places)) places.push(this.#placeOf(best));
        if (places.length >= COUNT) break;
      } else if (nodes > NODES) {
        return { places, nodes, complete: false };
      } else {
        nodes += this.#openBest(places);
        await nextTurn();
        throwIfCancelled(signal, 'looking for places');
      }
    }
    return { places, nodes, complete: true };
  }

  #openRoots(): void {
    const level = this.#pyramid.levels.length - 1;
    const step = 1 << level;
    for (let turn = 0; turn < this.#turns.length; turn++)
      for (let j = 0; j < this.#side; j += step)
        for (let i = 0; i < this.#side; i += step) this.#add(level, turn, i, j);
  }

  #openBest(found: readonly PlaceFound[]): number {
    const nodes: Node[] = [];
    while (nodes.length < BATCH && (this.#queue[0]?.level ?? 0) > 0) nodes.push(this.#pop()!);
    for (const { level, turn, i, j } of nodes) {
      const step = 1 << (level - 1);
      for (const dj of [0, step])
        for (const di of [0, step]) {
          const child = { level: level - 1, turn, i: i + di, j: j + dj };
          if (child.i < this.#side && child.j < this.#side && !this.#isKnown(child, found))
            this.#add(child.level, turn, child.i, child.j);
        }
    }
    return nodes.length;
  }

  #add(level: number, turn: number, i: number, j: number): void {
    const grid = this.#pyramid.levels[level]!;
    const shift = this.#pyramid.frame.at(i, j);
    const cells = this.#cells[turn]!;
    const { bits } = this.#scan;
    let score = 0;
    for (let k = 0; k < cells.length; k++) if ((grid[cells[k]! + shift]! & bits[k]!) !== 0) score++;
    push(this.#queue, { score, level, turn, i, j });
  }

  #pop(): Node | undefined {
    return pop(this.#queue);
  }

  #isKnown(node: Omit<Node, 'score'>, found: readonly PlaceFound[]): boolean {
    const { x, y, turn } = this.#placeOf({ ...node, score: 0 });
    const wide = ((1 << node.level) - 1) * PLACE_CELL;
    return found.some((place) => {
      const dx = Math.max(Math.abs(x - place.x), Math.abs(x + wide - place.x));
      const dy = Math.max(Math.abs(y - place.y), Math.abs(y + wide - place.y));
      const apart = Math.abs(turn - place.turn);
      return dx < APART && dy < APART && Math.min(apart, 2 * Math.PI - apart) < APART_TURN;
    });
  }

  #placeOf({ i, j, turn, score }: Node): PlaceFound {
    return {
      x: this.#first[0] + i * PLACE_CELL,
      y: this.#first[1] + j * PLACE_CELL,
      turn: this.#turns[turn]!,
      score: score / this.#scan.places.length,
    };
  }
}

/** Whether a comes before b: the better, of equals the smaller square, then in a fixed order. */
function isBefore(a: Node, b: Node): boolean {
  return (b.score - a.score || a.level - b.level || a.turn - b.turn || a.j - b.j || a.i - b.i) < 0;
}

/** A binary heap, the first on top. */
function push(heap: Node[], node: Node): void {
  let at = heap.push(node) - 1;
  while (at > 0) {
    const above = (at - 1) >> 1;
    if (!isBefore(node, heap[above]!)) break;
    heap[at] = heap[above]!;
    at = above;
  }
  heap[at] = node;
}

function pop(heap: Node[]): Node | undefined {
  const top = heap[0];
  const last = heap.pop();
  if (heap.length === 0 || !last) return top;
  let at = 0;
  for (;;) {
    let below = 2 * at + 1;
    if (below >= heap.length) break;
    if (below + 1 < heap.length && isBefore(heap[below + 1]!, heap[below]!)) below++;
    if (!isBefore(heap[below]!, last)) break;
    heap[at] = heap[below]!;
    at = below;
  }
  heap[at] = last;
  return top;
}
