import { chord, type FlatGraph } from './flat-graph.ts';

/** Cells a side at most: 4 million cells of 4 bytes. */
const MAX_SIDE = 2048;
/** Metres of a degree of latitude, rounded down (110.574 km at the equator is the least of WGS 84). */
const METRES_PER_DEGREE = 110_574;

/** A place on a link. */
export interface Snap {
  readonly link: number;
  /** metres from the link's `from` */
  readonly along: number;
  /** metres from the place that was asked for */
  readonly distance: number;
  readonly lon: number;
  readonly lat: number;
}

/** Segments of links by the cells of a grid over degrees. */
export class LinkGrid {
  readonly #graph: FlatGraph;
  readonly #linkOfPoint: Int32Array;
  readonly #west: number;
  readonly #south: number;
  readonly #cell: number;
  readonly #columns: number;
  readonly #rows: number;
  readonly #start: Int32Array;
  readonly #segments: Int32Array;

  constructor(graph: FlatGraph) {
    this.#graph = graph;
    const { lon, lat, pointStart } = graph;
    const box = [Infinity, Infinity, -Infinity, -Infinity];
    for (let p = 0; p < lon.length; p++) {
      box[0] = Math.min(box[0]!, lon[p]!);
      box[1] = Math.min(box[1]!, lat[p]!);
      box[2] = Math.max(box[2]!, lon[p]!);
      box[3] = Math.max(box[3]!, lat[p]!);
    }
    const [west, south, east, north] = lon.length > 0 ? box : [0, 0, 0, 0];
    const side = Math.max(east! - west!, north! - south!, 1e-4);
    const cells = Math.min(MAX_SIDE, Math.max(1, Math.ceil(Math.sqrt(lon.length / 2))));
    this.#west = west!;
    this.#south = south!;
    this.#cell = side / cells;
    this.#columns = Math.floor((east! - west!) / this.#cell) + 1;
    this.#rows = Math.floor((north! - south!) / this.#cell) + 1;
    this.#linkOfPoint = new Int32Array(lon.length);
    for (let k = 0; k + 1 < pointStart.length; k++)
      this.#linkOfPoint.fill(k, pointStart[k], pointStart[k + 1]);
    this.#start = new Int32Array(this.#columns * this.#rows + 1);
    this.#eachEntry((cell) => this.#start[cell + 1]!++);
    for (let c = 0; c + 1 < this.#start.length; c++) this.#start[c + 1]! += this.#start[c]!;
    const next = this.#start.slice();
    this.#segments = new Int32Array(this.#start.at(-1)!);
    this.#eachEntry((cell, segment) => {
      this.#segments[next[cell]!++] = segment;
    });
  }

  /** The nearest place on a link that `usable` takes, within `maxM` metres. */
  nearest(lon: number, lat: number, maxM: number, usable: (link: number) => boolean): Snap | undefined {
    const kx = Math.cos((lat * Math.PI) / 180);
    const ringM = this.#cell * METRES_PER_DEGREE * Math.max(kx, 1e-3);
    const column = Math.floor((lon - this.#west) / this.#cell);
    const row = Math.floor((lat - this.#south) / this.#cell);
    const rings = Math.ceil(maxM / ringM);
    let best: { segment: number; t: number; distance: number } | undefined;
    for (let ring = 0; ring <= rings; ring++) {
      if (best && best.distance <= (ring - 1) * ringM) break;
      for (let j = row - ring; j <= row + ring; j++) {
        const step = Math.abs(j - row) === ring ? 1 : 2 * ring;
        for (let i = column - ring; i <= column + ring; i += Math.max(1, step)) {
          for (const segment of this.#at(i, j)) {
            const near = this.#onSegment(segment, lon, lat, kx);
            if (near.distance > maxM || (best && near.distance >= best.distance)) continue;
            if (usable(this.#linkOfPoint[segment]!)) best = { segment, ...near };
          }
        }
      }
    }
    return best && this.#snap(best.segment, best.t, best.distance);
  }

  /** The links whose segments' cells touch a box in degrees; a superset of those that touch it. */
  within(west: number, south: number, east: number, north: number): Set<number> {
    const found = new Set<number>();
    for (let j = this.#row(south); j <= this.#row(north); j++)
      for (let i = this.#column(west); i <= this.#column(east); i++)
        for (const segment of this.#at(i, j)) found.add(this.#linkOfPoint[segment]!);
    return found;
  }

  #at(i: number, j: number): Int32Array {
    if (i < 0 || j < 0 || i >= this.#columns || j >= this.#rows) return this.#segments.subarray(0, 0);
    const cell = j * this.#columns + i;
    return this.#segments.subarray(this.#start[cell], this.#start[cell + 1]);
  }

  #column(lon: number): number {
    return Math.min(this.#columns - 1, Math.max(0, Math.floor((lon - this.#west) / this.#cell)));
  }

  #row(lat: number): number {
    return Math.min(this.#rows - 1, Math.max(0, Math.floor((lat - this.#south) / this.#cell)));
  }

  /** A segment is known by its first point. */
  #eachEntry(visit: (cell: number, segment: number) => void): void {
    const { lon, lat } = this.#graph;
    for (let p = 0; p + 1 < lon.length; p++) {
      if (this.#linkOfPoint[p] !== this.#linkOfPoint[p + 1]) continue;
      const [i0, i1] = [lon[p]!, lon[p + 1]!].sort((a, b) => a - b).map((x) => this.#column(x));
      const [j0, j1] = [lat[p]!, lat[p + 1]!].sort((a, b) => a - b).map((y) => this.#row(y));
      for (let j = j0!; j <= j1!; j++) for (let i = i0!; i <= i1!; i++) visit(j * this.#columns + i, p);
    }
  }

  /** Nearest point of a segment in the plane around the place; good to 1e-3 of the distance within a kilometre. */
  #onSegment(p: number, lon: number, lat: number, kx: number): { t: number; distance: number } {
    const { lon: x, lat: y } = this.#graph;
    const [ax, ay] = [(x[p]! - lon) * kx, y[p]! - lat];
    const [dx, dy] = [(x[p + 1]! - x[p]!) * kx, y[p + 1]! - y[p]!];
    const squared = dx * dx + dy * dy;
    const t = squared > 0 ? Math.min(1, Math.max(0, -(ax * dx + ay * dy) / squared)) : 0;
    // 111.2 km a degree: mean of the sphere; only for ranking and for `maxSnap`.
    return { t, distance: Math.hypot(ax + t * dx, ay + t * dy) * 111_195 };
  }

  #snap(segment: number, t: number, distance: number): Snap {
    const { lon, lat, pointStart, length } = this.#graph;
    const link = this.#linkOfPoint[segment]!;
    const at = (values: Float64Array) => values[segment]! + t * (values[segment + 1]! - values[segment]!);
    const place = { lon: at(lon), lat: at(lat) };
    let along = chord(lon[segment]!, lat[segment]!, place.lon, place.lat);
    for (let p = pointStart[link]!; p < segment; p++)
      along += chord(lon[p]!, lat[p]!, lon[p + 1]!, lat[p + 1]!);
    return { link, along: Math.min(along, length[link]!), distance, ...place };
  }
}
