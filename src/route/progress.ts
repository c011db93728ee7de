type XY = readonly [x: number, y: number];

/** Where a robot is on its route. */
export interface Progress {
  /** metres from the start */
  readonly along: number;
  readonly remaining: number;
  /** metres to the route's nearest point; > 0 left of it, < 0 right */
  readonly offset: number;
}

/** Steps back by noise are followed this far, metres. */
const BACK_M = 2;

/**
 * The nearest point of a route, looked for ahead of where the robot was, so that a route that meets itself does not
 * make it jump.
 * @param line the route, ENU metres, at least one point
 * @param last metres along the route at the last call; undefined looks everywhere
 * @param reachM how far the robot can have come since, metres
 */
export function progressAlong(line: readonly XY[], at: XY, last?: number, reachM = 30): Progress {
  const total = lengthOf(line);
  const low = last === undefined ? 0 : Math.min(total, Math.max(0, last - BACK_M));
  const high = last === undefined ? total : Math.min(total, Math.max(0, last + reachM));
  let best = {
    along: 0,
    offset: Math.hypot(at[0] - line[0]![0], at[1] - line[0]![1]),
    gap: Number.POSITIVE_INFINITY,
  };
  let before = 0;
  for (let k = 0; k + 1 < line.length; k++) {
    const [a, b] = [line[k]!, line[k + 1]!];
    const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
    const length = Math.hypot(dx, dy);
    if (length > 0 && before <= high && before + length >= low) {
      const wanted = before + ((at[0] - a[0]) * dx + (at[1] - a[1]) * dy) / length;
      const along = Math.min(Math.max(wanted, before, low), before + length, high);
      const t = (along - before) / length;
      const [rx, ry] = [at[0] - a[0] - t * dx, at[1] - a[1] - t * dy];
      const gap = Math.hypot(rx, ry);
      if (gap < best.gap) best = { along, gap, offset: dx * ry - dy * rx >= 0 ? gap : -gap };
    }
    before += length;
  }
  return { along: best.along, remaining: total - best.along, offset: best.offset };
}

function lengthOf(line: readonly XY[]): number {
  let sum = 0;
  for (let k = 1; k < line.length; k++)
    sum += Math.hypot(line[k]![0] - line[k - 1]![0], line[k]![1] - line[k - 1]![1]);
  return sum;
}
