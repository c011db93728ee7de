import { toEcef } from '../math/geodesy.ts';
import { Refusal } from '../types.ts';
import type { LinkFeature, NodeFeature } from './features.ts';

/** A link may end this far from its node, metres; its end is then moved there. */
const JOIN_TOLERANCE_M = 0.5;

/** Bits of `flags`. */
export const ONE_WAY = 1;
export const STAIRS = 2;
export const CROSSING = 4;
export const DOOR = 8;
export const LIFT = 16;

/**
 * A route graph in flat arrays: about 200 bytes a link besides its id. Arc a of node n is one of
 * [arcStart[n], arcStart[n + 1]); `arcs[a]` is its link × 2, plus 1 where it is taken from `to` to `from`.
 */
export interface FlatGraph {
  readonly nodeIds: readonly string[];
  readonly linkIds: readonly string[];
  readonly linkIndex: ReadonlyMap<string, number>;
  /** of the nodes: x y z, metres, earth-centred, on the ellipsoid */
  readonly ecef: Float64Array;
  readonly arcStart: Int32Array;
  readonly arcs: Int32Array;
  readonly from: Int32Array;
  readonly to: Int32Array;
  /** points of link k: [pointStart[k], pointStart[k + 1]) */
  readonly pointStart: Int32Array;
  readonly lon: Float64Array;
  readonly lat: Float64Array;
  /** metres */
  readonly length: Float64Array;
  readonly width: Float32Array;
  readonly incline: Float32Array;
  readonly kerb: Float32Array;
  /** m/s */
  readonly speedLimit: Float32Array;
  readonly surface: Uint16Array;
  readonly surfaces: readonly string[];
  readonly flags: Uint8Array;
}

/** Throws a Refusal `bad-graph` where a link names no node or does not end at it. Reads each iterable once. */
export function flatGraph(nodes: Iterable<NodeFeature>, links: Iterable<LinkFeature>): FlatGraph {
  const index = new Map<string, number>();
  const nodePlace: number[] = [];
  for (const { properties, geometry } of nodes) {
    index.set(properties.id, index.size);
    nodePlace.push(geometry.coordinates[0]!, geometry.coordinates[1]!);
  }
  const ecef = new Float64Array(index.size * 3);
  for (let n = 0; n < index.size; n++) ecef.set(toEcef(nodePlace[2 * n + 1]!, nodePlace[2 * n]!, 0), 3 * n);

  const linkIndex = new Map<string, number>();
  const surfaces = new Map<string, number>();
  const ends: { from: number[]; to: number[] } = { from: [], to: [] };
  const rows: {
    [name in 'length' | 'width' | 'incline' | 'kerb' | 'speedLimit' | 'surface' | 'flags']: number[];
  } = { length: [], width: [], incline: [], kerb: [], speedLimit: [], surface: [], flags: [] };
  const lon: number[] = [];
  const lat: number[] = [];
  const pointStart = [0];
  for (const { properties: link, geometry } of links) {
    const [from, to] = [index.get(link.from), index.get(link.to)];
    if (from === undefined || to === undefined)
      throw new Refusal(
        'bad-graph',
        `link ${link.id}: expected nodes ${link.from} and ${link.to}, found no ${from === undefined ? link.from : link.to}`,
      );
    linkIndex.set(link.id, linkIndex.size);
    const points = geometry.coordinates.map(([x, y]) => [x!, y!]);
    moveEnd(link.id, points, 0, link.from, nodePlace, from);
    moveEnd(link.id, points, points.length - 1, link.to, nodePlace, to);
    for (const [x, y] of points) {
      lon.push(x!);
      lat.push(y!);
    }
    pointStart.push(lon.length);
    ends.from.push(from);
    ends.to.push(to);
    rows.length.push(lineLength(points));
    rows.width.push(link.width);
    rows.incline.push(link.incline);
    rows.kerb.push(link.kerbHeight);
    rows.speedLimit.push(link.speedLimit);
    if (!surfaces.has(link.surface)) surfaces.set(link.surface, surfaces.size);
    rows.surface.push(surfaces.get(link.surface)!);
    rows.flags.push(
      (link.oneWay ? ONE_WAY : 0) |
        (link.stairs ? STAIRS : 0) |
        (link.crossing === undefined ? 0 : CROSSING) |
        (link.door === undefined ? 0 : DOOR) |
        (link.lift === undefined ? 0 : LIFT),
    );
  }
  return {
    nodeIds: [...index.keys()],
    linkIds: [...linkIndex.keys()],
    linkIndex,
    ecef,
    ...arcsOf(index.size, ends.from, ends.to, rows.flags),
    from: Int32Array.from(ends.from),
    to: Int32Array.from(ends.to),
    pointStart: Int32Array.from(pointStart),
    lon: Float64Array.from(lon),
    lat: Float64Array.from(lat),
    length: Float64Array.from(rows.length),
    width: Float32Array.from(rows.width),
    incline: Float32Array.from(rows.incline),
    kerb: Float32Array.from(rows.kerb),
    speedLimit: Float32Array.from(rows.speedLimit),
    surface: Uint16Array.from(rows.surface),
    surfaces: [...surfaces.keys()],
    flags: Uint8Array.from(rows.flags),
  };
}

/** Straight-line metres between two places of the ellipsoid, degrees. Never longer than any way between them. */
export function chord(lonA: number, latA: number, lonB: number, latB: number): number {
  const [a, b] = [toEcef(latA, lonA, 0), toEcef(latB, lonB, 0)];
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

function lineLength(points: readonly number[][]): number {
  let sum = 0;
  for (let k = 1; k < points.length; k++) {
    const [a, b] = [points[k - 1]!, points[k]!];
    sum += chord(a[0]!, a[1]!, b[0]!, b[1]!);
  }
  return sum;
}

function moveEnd(
  link: string,
  points: number[][],
  at: number,
  nodeId: string,
  places: readonly number[],
  node: number,
): void {
  const [x, y] = points[at]!;
  const [lon, lat] = [places[2 * node]!, places[2 * node + 1]!];
  const gap = chord(x!, y!, lon, lat);
  if (gap > JOIN_TOLERANCE_M)
    throw new Refusal(
      'bad-graph',
      `link ${link}: expected its end within ${JOIN_TOLERANCE_M} m of node ${nodeId} at ${lon}, ${lat}, found ${gap.toFixed(2)} m; move one of them`,
    );
  points[at] = [lon, lat];
}

function arcsOf(nodes: number, from: number[], to: number[], flags: number[]) {
  const arcStart = new Int32Array(nodes + 1);
  const both = (link: number) => !(flags[link]! & ONE_WAY);
  for (let k = 0; k < from.length; k++) {
    arcStart[from[k]! + 1]!++;
    if (both(k)) arcStart[to[k]! + 1]!++;
  }
  for (let n = 0; n < nodes; n++) arcStart[n + 1]! += arcStart[n]!;
  const next = arcStart.slice();
  const arcs = new Int32Array(arcStart[nodes]!);
  for (let k = 0; k < from.length; k++) {
    arcs[next[from[k]!]!++] = 2 * k;
    if (both(k)) arcs[next[to[k]!]!++] = 2 * k + 1;
  }
  return { arcStart, arcs };
}
