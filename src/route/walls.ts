import type { WallFeature } from './features.ts';
import { chord, type FlatGraph } from './flat-graph.ts';
import type { LinkGrid } from './link-grid.ts';

/** What a virtual wall does to a stretch of a link. */
export interface WallEffect {
  readonly wall: WallFeature;
  /** metres from the link's `from` */
  readonly begin: number;
  readonly end: number;
  readonly blocksForward: boolean;
  readonly blocksBackward: boolean;
  readonly slow: boolean;
  /** epoch ms */
  readonly validFrom: number;
  readonly validTo: number;
}
export type WallEffects = ReadonlyMap<number, readonly WallEffect[]>;

type XY = readonly [number, number];

/**
 * Which links each wall touches. A touch counts. A `one_way` wall may be crossed from its right to its left only,
 * seen from its first point to its last.
 */
export function wallEffects(graph: FlatGraph, grid: LinkGrid, walls: readonly WallFeature[]): WallEffects {
  const effects = new Map<number, WallEffect[]>();
  for (const wall of walls) {
    const lines = linesOf(wall);
    const xs = lines.flat().map(([x]) => x);
    const ys = lines.flat().map(([, y]) => y);
    const near = grid.within(Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys));
    for (const link of near) {
      const hits = hitsOf(graph, link, lines, wall.geometry.type === 'Polygon');
      if (hits.length === 0) continue;
      const { type, validFrom, validTo } = wall.properties;
      const along = hits.map((hit) => hit.along);
      const effect: WallEffect = {
        wall,
        begin: Math.min(...along),
        end: Math.max(...along),
        blocksForward: type === 'no_go' || (type === 'one_way' && hits.some((hit) => hit.side >= 0)),
        blocksBackward: type === 'no_go' || (type === 'one_way' && hits.some((hit) => hit.side <= 0)),
        slow: type === 'slow',
        validFrom: validFrom === undefined ? Number.NEGATIVE_INFINITY : Date.parse(validFrom),
        validTo: validTo === undefined ? Number.POSITIVE_INFINITY : Date.parse(validTo),
      };
      effects.set(link, [...(effects.get(link) ?? []), effect]);
    }
  }
  return effects;
}

/** Whether a wall holds at a time (epoch ms): from `validFrom` until just before `validTo`. */
export function isValid(effect: WallEffect, timeMs: number): boolean {
  return timeMs >= effect.validFrom && timeMs < effect.validTo;
}

/** Whether a wall comes or goes at some time. */
export function isTimed({ validFrom, validTo }: WallEffect): boolean {
  return validFrom > Number.NEGATIVE_INFINITY || validTo < Number.POSITIVE_INFINITY;
}

/** For each cell of nodes, a word for which of its links' walls that come and go hold at a time (epoch ms). */
export function wallStates(
  { from }: FlatGraph,
  walls: WallEffects,
  cellOfNode: Int32Array,
): (cell: number, timeMs: number) => string {
  const timed = new Map<number, WallEffect[]>();
  for (const [link, effects] of walls) {
    const changing = effects.filter(isTimed);
    const cell = cellOfNode[from[link]!]!;
    if (changing.length > 0) timed.set(cell, [...(timed.get(cell) ?? []), ...changing]);
  }
  return (cell, timeMs) =>
    (timed.get(cell) ?? []).map((effect) => (isValid(effect, timeMs) ? '1' : '0')).join('');
}

export function linesOf(wall: WallFeature): XY[][] {
  const { geometry } = wall;
  const rings = geometry.type === 'Polygon' ? geometry.coordinates : [geometry.coordinates];
  return rings.map((ring) => ring.map(([x, y]): XY => [x!, y!]));
}

/** Where a link meets the wall. `side` > 0: the link goes from the wall's left to its right. */
function hitsOf(
  graph: FlatGraph,
  link: number,
  lines: readonly XY[][],
  area: boolean,
): { along: number; side: number }[] {
  const hits: { along: number; side: number }[] = [];
  let before = 0;
  for (let p = graph.pointStart[link]!; p < graph.pointStart[link + 1]!; p++) {
    const a: XY = [graph.lon[p]!, graph.lat[p]!];
    if (area && inside(a, lines)) hits.push({ along: before, side: 0 });
    if (p + 1 === graph.pointStart[link + 1]) break;
    const b: XY = [graph.lon[p + 1]!, graph.lat[p + 1]!];
    const length = chord(...a, ...b);
    for (const line of lines) {
      for (let k = 0; k + 1 < line.length; k++) {
        const side = cross(a, b, line[k]!, line[k + 1]!);
        for (const t of meetings(a, b, line[k]!, line[k + 1]!))
          hits.push({ along: before + t * length, side });
      }
    }
    before += length;
  }
  return hits;
}

/** Shares of a→b at which it meets c→d; both ends of the common stretch where they lie on one line. */
function meetings(a: XY, b: XY, c: XY, d: XY): number[] {
  const along = cross(a, b, c, d);
  const ac: XY = [c[0] - a[0], c[1] - a[1]];
  const ab: XY = [b[0] - a[0], b[1] - a[1]];
  const cd: XY = [d[0] - c[0], d[1] - c[1]];
  if (along !== 0) {
    const t = (ac[0] * cd[1] - ac[1] * cd[0]) / along;
    const u = (ac[0] * ab[1] - ac[1] * ab[0]) / along;
    return t >= 0 && t <= 1 && u >= 0 && u <= 1 ? [t] : [];
  }
  const squared = ab[0] ** 2 + ab[1] ** 2;
  if (squared === 0 || ac[0] * ab[1] - ac[1] * ab[0] !== 0) return [];
  const at = (q: XY) => ((q[0] - a[0]) * ab[0] + (q[1] - a[1]) * ab[1]) / squared;
  const [low, high] = [Math.min(at(c), at(d)), Math.max(at(c), at(d))];
  return high < 0 || low > 1 ? [] : [Math.max(0, low), Math.min(1, high)];
}

/** (b − a) × (d − c): positive where c→d points to the left of a→b. */
function cross(a: XY, b: XY, c: XY, d: XY): number {
  return (b[0] - a[0]) * (d[1] - c[1]) - (b[1] - a[1]) * (d[0] - c[0]);
}

/** Even-odd rule over all rings, so that holes are outside. */
function inside([x, y]: XY, rings: readonly XY[][]): boolean {
  let odd = false;
  for (const ring of rings) {
    for (let k = 0; k + 1 < ring.length; k++) {
      const [[ax, ay], [bx, by]] = [ring[k]!, ring[k + 1]!];
      if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) odd = !odd;
    }
  }
  return odd;
}
