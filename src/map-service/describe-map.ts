import type { CloudArrays, Core } from '../core.ts';
import type { Manifest } from '../map/manifest.ts';
import { median } from '../math/statistics.ts';

/** Points whose surroundings say how thick the walls are. */
const SAMPLES = 20_000;
const NEIGHBOURS = 20;

/**
 * How thick surfaces are: the spread of the 20 nearest points about each point's plane, metres, median of up to
 * `SAMPLES` points over all tiles. A crisp map has little more than the sensor's noise and the voxels make.
 */
export class Thickness {
  readonly #core: Core;
  readonly #step: number;
  readonly #spreads: number[] = [];

  constructor(core: Core, points: number) {
    this.#core = core;
    this.#step = Math.max(1, Math.ceil(points / SAMPLES));
  }

  async add(arrays: CloudArrays): Promise<void> {
    const { positions, normals } = arrays;
    if (!normals || positions.length < 3 * NEIGHBOURS) return;
    const tree = await this.#core.kdTree(this.#core.cloud({ positions }));
    const chosen: number[] = [];
    for (let p = 0; p < positions.length / 3; p += this.#step) chosen.push(p);
    const queries = Float32Array.from(chosen.flatMap((p) => [...positions.subarray(3 * p, 3 * p + 3)]));
    const { indices } = tree.knn(queries, NEIGHBOURS);
    chosen.forEach((p, row) => {
      const distances = Array.from({ length: NEIGHBOURS }, (_, k) => {
        const other = indices[NEIGHBOURS * row + k]!;
        return [0, 1, 2].reduce((sum, a) => sum + normals[3 * p + a]! * positions[3 * other + a]!, 0);
      });
      const mean = distances.reduce((sum, d) => sum + d, 0) / NEIGHBOURS;
      this.#spreads.push(Math.sqrt(distances.reduce((sum, d) => sum + (d - mean) ** 2, 0) / NEIGHBOURS));
    });
  }

  /** metres; null where no tile has enough points */
  median(): number | null {
    return this.#spreads.length > 0 ? median(this.#spreads) : null;
  }
}

/** What became of a map from one version to another. */
export interface MapDifference {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
  readonly same: number;
  /** of b less those of a */
  readonly points: number;
  readonly features: FeatureDifference;
  /** what makes the two hard to compare or swap */
  readonly notes: readonly string[];
}
export interface FeatureDifference {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
}

/** Compares two packages by the hashes of their tiles and the ids of their features. */
export function diffMaps(a: Manifest, b: Manifest, graphA: unknown, graphB: unknown): MapDifference {
  const tiles = diffRecords(a.tiles, b.tiles, (x, y) => x.sha256 === y.sha256);
  const total = ({ tiles: all }: Manifest) => Object.values(all).reduce((sum, { points }) => sum + points, 0);
  const notes: string[] = [];
  if (a.tileSize !== b.tileSize)
    notes.push(`tiles of ${a.tileSize} m and ${b.tileSize} m: the same id is not the same place`);
  if (JSON.stringify(a.frame) !== JSON.stringify(b.frame))
    notes.push('the origins differ: every tile lies elsewhere');
  if (a.mapId !== b.mapId) notes.push(`two maps, ${a.mapId} and ${b.mapId}`);
  else if (b.version <= a.version) notes.push(`version ${b.version} does not rise above ${a.version}`);
  return {
    ...tiles,
    same: Object.keys(a.tiles).length - tiles.removed.length - tiles.changed.length,
    points: total(b) - total(a),
    features: diffRecords(featuresById(graphA), featuresById(graphB), (x, y) => x === y),
    notes,
  };
}

function diffRecords<T>(
  a: Readonly<Record<string, T>>,
  b: Readonly<Record<string, T>>,
  same: (x: T, y: T) => boolean,
): FeatureDifference {
  const has = (record: Readonly<Record<string, T>>, id: string) => Object.hasOwn(record, id);
  return {
    added: Object.keys(b).filter((id) => !has(a, id)),
    removed: Object.keys(a).filter((id) => !has(b, id)),
    changed: Object.keys(a).filter((id) => has(b, id) && !same(a[id]!, b[id]!)),
  };
}

/** kind/id → the feature as text. */
function featuresById(graph: unknown): Record<string, string> {
  const { features = [] } = (graph ?? {}) as { features?: { properties?: { kind?: string; id?: string } }[] };
  return Object.fromEntries(
    features.map((f, n) => [`${f.properties?.kind ?? '?'}/${f.properties?.id ?? n}`, JSON.stringify(f)]),
  );
}
