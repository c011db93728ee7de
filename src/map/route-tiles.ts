import { distanceToSquare, tileAt, tileId } from './tile-grid.ts';

export type XY = readonly [x: number, y: number];

/** A tile of a route, and the part of the way on which it is within reach; metres from the start of the line. */
export interface RouteTile {
  readonly id: string;
  readonly from: number;
  readonly to: number;
}

export interface RouteTiles {
  /** ENU, metres, in order of travel */
  readonly line: readonly XY[];
  /** in order of first need, the nearer of two first */
  readonly tiles: readonly RouteTile[];
}

/**
 * Which tiles come within `radius` metres of a robot that moves along the line, and when. Half a step is added to the
 * radius: what lies between two places that are looked at is not missed.
 */
export function routeTiles(line: readonly XY[], radius: number, tileSize: number): RouteTiles {
  const step = tileSize / 4;
  const found = new Map<number, { i: number; j: number; from: number; to: number; nearest: number }>();
  placesOn(line, step, (x, y, along) =>
    squaresNear(x, y, radius + step / 2, tileSize, (i, j, distance) => {
      // A number is looked up many times faster than an id; 2²⁶ tiles a side are enough for any map.
      const key = i * 2 ** 26 + j;
      const known = found.get(key);
      if (known) known.to = along;
      else found.set(key, { i, j, from: along, to: along, nearest: distance });
    }),
  );
  const tiles = [...found.values()];
  tiles.sort((a, b) => a.from - b.from || a.nearest - b.nearest || a.i - b.i || a.j - b.j);
  return { line, tiles: tiles.map(({ i, j, from, to }) => ({ id: tileId(i, j), from, to })) };
}

/** Where on the line a place is nearest to: metres from its start, and metres beside it (infinite without a line). */
export function progressOn(line: readonly XY[], [x, y]: XY): { along: number; beside: number } {
  let best = { along: 0, beside: line[0] ? Math.hypot(x - line[0][0], y - line[0][1]) : Infinity };
  let start = 0;
  for (let k = 1; k < line.length; k++) {
    const [[ax, ay], [bx, by]] = [line[k - 1]!, line[k]!];
    const length = Math.hypot(bx - ax, by - ay);
    const share = length > 0 ? ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length ** 2 : 0;
    const t = Math.min(1, Math.max(0, share));
    const beside = Math.hypot(x - ax - t * (bx - ax), y - ay - t * (by - ay));
    if (beside < best.beside) best = { along: start + t * length, beside };
    start += length;
  }
  return best;
}

/** Ids of the squares within `radius` metres of a place, in order of column and row. */
export function cellsNear(x: number, y: number, radius: number, tileSize: number): string[] {
  const ids: string[] = [];
  squaresNear(x, y, radius, tileSize, (i, j) => ids.push(tileId(i, j)));
  return ids;
}

/** Calls, for generators cost most of the time of a route: a thousand squares for each 100 m. */
function squaresNear(
  x: number,
  y: number,
  radius: number,
  tileSize: number,
  visit: (i: number, j: number, distance: number) => void,
): void {
  // A square that ends where the circle begins is as near as one that begins where it ends.
  const first = (value: number) => Math.ceil((value - radius) / tileSize) - 1;
  const last = tileAt(x + radius, y + radius, tileSize);
  for (let i = first(x); i <= last.i; i++) {
    for (let j = first(y); j <= last.j; j++) {
      const distance = distanceToSquare(x, y, i, j, tileSize);
      if (distance <= radius) visit(i, j, distance);
    }
  }
}

function placesOn(
  line: readonly XY[],
  step: number,
  visit: (x: number, y: number, along: number) => void,
): void {
  let start = 0;
  if (line[0]) visit(line[0][0], line[0][1], 0);
  for (let k = 1; k < line.length; k++) {
    const [[ax, ay], [bx, by]] = [line[k - 1]!, line[k]!];
    const length = Math.hypot(bx - ax, by - ay);
    const pieces = Math.max(1, Math.ceil(length / step));
    for (let n = 1; n <= pieces; n++) {
      const t = n / pieces;
      visit(ax + t * (bx - ax), ay + t * (by - ay), start + t * length);
    }
    start += length;
  }
}
