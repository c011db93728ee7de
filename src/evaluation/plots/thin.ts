/** A place on a chart; y is null where a line must break. */
export type Point = readonly [x: number, y: number | null];
/** A place on the ground, metres east and north. */
export type Place = readonly [east: number, north: number];

/**
 * A series thinned to its extremes: of each of `columns` equal steps of x the lowest and the highest value stay, in
 * order, and a null where a gap began; so no peak is lost however many points there are. x must not fall. Values
 * that are not finite count as gaps.
 */
export function thin(points: readonly Point[], columns: number): Point[] {
  if (points.length <= 2 * columns) return points.map(([x, y]) => [x, finite(y)]);
  return columnsOf(points, columns).flatMap(extremes);
}

/** Of each column of dots the extremes and three others stay: extremes alone would show an empty middle. */
export function thinDots(points: readonly Point[], columns: number): Point[] {
  if (points.length <= 5 * columns) return [...points];
  return columnsOf(points, columns).flatMap((column) => {
    const quarters = [0.25, 0.5, 0.75].map((share) => column[Math.floor(share * column.length)]!);
    return [...new Set([...extremes(column), ...quarters])];
  });
}

/** The points cut into runs, each within one of `columns` equal steps of x. */
function columnsOf(points: readonly Point[], columns: number): Point[][] {
  const first = points[0]![0];
  const width = (points.at(-1)![0] - first) / columns || 1;
  const columnOf = ([x]: Point) => Math.floor((x - first) / width);
  const runs: Point[][] = [];
  for (let start = 0; start < points.length; ) {
    let end = start;
    while (end < points.length && columnOf(points[end]!) === columnOf(points[start]!)) end++;
    runs.push(points.slice(start, end));
    start = end;
  }
  return runs;
}

function extremes(points: readonly Point[]): Point[] {
  let low = -1;
  let high = -1;
  let gap = -1;
  points.forEach(([, value], index) => {
    const y = finite(value);
    if (y === null) {
      if (gap < 0) gap = index;
      return;
    }
    if (low < 0 || y < points[low]![1]!) low = index;
    if (high < 0 || y > points[high]![1]!) high = index;
  });
  const order = [...new Set([low, high, gap])].filter((index) => index >= 0).sort((a, b) => a - b);
  return order.map((index) => [points[index]![0], finite(points[index]![1])]);
}

/** A null after every step of x longer than a second and five times the usual, so that no line bridges an outage. */
export function breakGaps(points: readonly Point[]): Point[] {
  const steps = points.slice(1).map(([x], index) => x - points[index]![0]);
  const usual = Float64Array.from(steps).sort()[steps.length >> 1] ?? 0;
  const limit = Math.max(1, 5 * usual);
  return points.flatMap((point, index) =>
    (steps[index] ?? 0) > limit ? [point, [point[0], null] as Point] : [point],
  );
}

/**
 * A way on the ground with about `limit` places at most. What retraces an earlier stretch to `step` metres is dropped
 * first: it would be drawn over it. Then near places go, from `step` on, ever coarser.
 */
export function thinWay(way: readonly (Place | null)[], step: number, limit: number): (Place | null)[] {
  const fresh = way.length <= limit ? way : withoutRetraced(way, step);
  // Ends always stay, so a way of nothing but ends never fits; beyond 10 km coarser cannot help.
  for (let coarse = step; coarse < 10_000; coarse *= 2) {
    const kept = withStep(fresh, coarse);
    if (kept.length <= limit) return kept;
  }
  return withStep(fresh, 10_000);
}

/** The way without the moves between squares of `step` metres that were made before; it breaks there. */
function withoutRetraced(way: readonly (Place | null)[], step: number): (Place | null)[] {
  const squareOf = ([east, north]: Place) => `${Math.floor(east / step)},${Math.floor(north / step)}`;
  const made = new Set<string>();
  const kept: (Place | null)[] = [];
  let last: Place | null = null;
  for (const place of way) {
    const square = place === null ? undefined : squareOf(place);
    if (square !== undefined && last !== null && squareOf(last) === square) continue;
    const move = last === null || square === undefined ? undefined : `${squareOf(last)} ${square}`;
    const again = move !== undefined && made.has(move);
    if (move !== undefined) made.add(move);
    // A move after a break needs the place that it starts from.
    if (kept.at(-1) === null && last !== null && !again) kept.push(last);
    if (place !== null && !again) kept.push(place);
    else if (kept.length > 0 && kept.at(-1) !== null) kept.push(null);
    last = place;
  }
  return kept;
}

function withStep(way: readonly (Place | null)[], step: number): (Place | null)[] {
  let last: Place | null = null;
  return way.filter((place, index) => {
    const end = index === way.length - 1 || way[index + 1] === null;
    const near = place !== null && last !== null && Math.hypot(place[0] - last[0], place[1] - last[1]) < step;
    if (near && !end) return false;
    last = place;
    return true;
  });
}

/** One place for each square of `step` metres, squares doubling until at most `limit` places are left. */
export function thinPlaces(places: readonly Place[], step: number, limit: number): Place[] {
  const squares = new Map<string, Place>();
  for (const place of places) {
    const key = `${Math.floor(place[0] / step)},${Math.floor(place[1] / step)}`;
    if (!squares.has(key)) squares.set(key, place);
  }
  return squares.size <= limit ? [...squares.values()] : thinPlaces([...squares.values()], 2 * step, limit);
}

function finite(value: number | null): number | null {
  return value !== null && Number.isFinite(value) ? value : null;
}
