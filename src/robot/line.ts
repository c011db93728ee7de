import { progressAlong } from '../route/progress.ts';

export type XY = readonly [x: number, y: number];

/** Metres. */
export function lengthOf(line: readonly XY[]): number {
  let sum = 0;
  for (let k = 1; k < line.length; k++) sum += distance(line[k - 1]!, line[k]!);
  return sum;
}

/** What lies between two places on a line, metres from its start; at least one point. */
export function partOf(line: readonly XY[], from: number, to: number): XY[] {
  const part: XY[] = [];
  let before = 0;
  for (let k = 0; k + 1 < line.length; k++) {
    const [a, b] = [line[k]!, line[k + 1]!];
    const length = distance(a, b);
    const [low, high] = [Math.max(from, before), Math.min(to, before + length)];
    if (low <= high && length > 0) {
      const at = (along: number): XY => {
        const t = (along - before) / length;
        return [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])];
      };
      part.push(at(low), at(high));
    }
    before += length;
  }
  return part.length > 0 ? part : [line[from <= 0 ? 0 : line.length - 1]!];
}

/**
 * Where a line meets another one, between two places on it, metres from its start; where they do not meet, what is
 * nearest to the middle of the other.
 */
export function meetingWith(line: readonly XY[], other: readonly XY[], from: number, to: number): number {
  const start = Math.max(0, from);
  const part = partOf(line, start, to);
  let before = start;
  for (let k = 0; k + 1 < part.length; k++) {
    for (let n = 0; n + 1 < other.length; n++) {
      const t = share(part[k]!, part[k + 1]!, other[n]!, other[n + 1]!);
      if (t !== undefined) return before + t * distance(part[k]!, part[k + 1]!);
    }
    before += distance(part[k]!, part[k + 1]!);
  }
  const [first, last] = [other[0]!, other.at(-1)!];
  return start + progressAlong(part, [(first[0] + last[0]) / 2, (first[1] + last[1]) / 2]).along;
}

/** The share of a→b at which it meets c→d. */
function share(a: XY, b: XY, c: XY, d: XY): number | undefined {
  const [ab, cd, ac]: [XY, XY, XY] = [
    [b[0] - a[0], b[1] - a[1]],
    [d[0] - c[0], d[1] - c[1]],
    [c[0] - a[0], c[1] - a[1]],
  ];
  const across = ab[0] * cd[1] - ab[1] * cd[0];
  const t = (ac[0] * cd[1] - ac[1] * cd[0]) / across;
  const u = (ac[0] * ab[1] - ac[1] * ab[0]) / across;
  return t >= 0 && t <= 1 && u >= 0 && u <= 1 ? t : undefined;
}

function distance(a: XY, b: XY): number {
  return Math.hypot(b[0] - a[0], b[1] - a[1]);
}
