import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import type { Cloud, CloudArrays } from '../core.ts';
import { Refusal, type Vec3 } from '../types.ts';

/** A cloud that owns its arrays. `raw` lends them to the portable core's own functions, which never write to them. */
export class PortableCloud implements Cloud {
  #raw: CloudArrays;

  /** Takes the arrays over without a check: for results of our own. */
  constructor(arrays: CloudArrays) {
    this.#raw = arrays;
  }

  get raw(): CloudArrays {
    return this.#raw;
  }

  get size(): number {
    return this.raw.positions.length / 3;
  }

  get hasTimes(): boolean {
    return (this.raw.times?.length ?? 0) > 0;
  }

  get timeRange(): readonly [number, number] | undefined {
    if (!this.hasTimes) return undefined;
    let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const time of this.raw.times!) {
      first = Math.min(first, time);
      last = Math.max(last, time);
    }
    return [first, last];
  }

  get hasNormals(): boolean {
    return (this.raw.normals?.length ?? 0) > 0;
  }

  get spread(): Vec3 {
    if (this.size === 0) return [0, 0, 0];
    const columns = Matrix.from1DArray(this.size, 3, Array.from(this.raw.positions)).center('column');
    const scatter = columns.transpose().mmul(columns).div(this.size);
    const { realEigenvalues } = new EigenvalueDecomposition(scatter, { assumeSymmetric: true });
    const [a, b, c] = realEigenvalues.map((variance) => Math.sqrt(Math.max(0, variance)));
    return [a!, b!, c!];
  }

  arrays(): CloudArrays {
    const copies = Object.entries(this.raw).map(([name, values]) => [name, (values as Float32Array).slice()]);
    return Object.fromEntries(copies) as CloudArrays;
  }

  release(): void {
    this.#raw = { positions: new Float32Array() };
  }
}

const VALUES_PER_POINT = { positions: 3, intensity: 1, times: 1, normals: 3, curvature: 1 } as const;

/** A cloud of copies. Throws a Refusal `bad-argument` (lengths, types) or `not-finite`. */
export function makeCloud(arrays: CloudArrays): PortableCloud {
  const points = arrays?.positions instanceof Float32Array ? arrays.positions.length / 3 : Number.NaN;
  if (!Number.isInteger(points)) {
    throw new Refusal('bad-argument', 'expected positions to be a Float32Array of x y z per point');
  }
  const copies: Record<string, Float32Array> = {};
  for (const [name, perPoint] of Object.entries(VALUES_PER_POINT)) {
    const values: unknown = arrays[name as keyof CloudArrays];
    if (values === undefined) continue;
    if (!(values instanceof Float32Array) || values.length !== perPoint * points) {
      throw new Refusal(
        'bad-argument',
        `expected ${name} to be a Float32Array of ${perPoint * points} values`,
      );
    }
    const bad = values.findIndex((v) => !Number.isFinite(v));
    if (bad >= 0) {
      const at = Math.floor(bad / perPoint);
      throw new Refusal('not-finite', `expected finite ${name}, found NaN or infinity at point ${at}`);
    }
    copies[name] = values.slice();
  }
  return new PortableCloud(copies as unknown as CloudArrays);
}

/**
 * The portable cloud behind a handle, as it is now: the handle may be released while a call works on it. Throws a Refusal
 * `bad-argument` for the handle of another core.
 */
export function portableCloud(cloud: Cloud): PortableCloud {
  if (cloud instanceof PortableCloud) return new PortableCloud(cloud.raw);
  throw new Refusal('bad-argument', 'expected a Cloud made by this core');
}

/** The arrays with only the points of `keep` (indices), in that order. */
export function selectPoints(arrays: CloudArrays, keep: readonly number[]): CloudArrays {
  const out: Record<string, Float32Array> = {};
  for (const [name, values] of Object.entries(arrays) as [keyof CloudArrays, Float32Array][]) {
    const perPoint = VALUES_PER_POINT[name];
    const picked = new Float32Array(perPoint * keep.length);
    keep.forEach((from, to) => {
      for (let k = 0; k < perPoint; k++) picked[perPoint * to + k] = values[perPoint * from + k]!;
    });
    out[name] = picked;
  }
  return out as unknown as CloudArrays;
}

/**
 * The points of all clouds, one after another. Intensity stays where all have it; times, which may count from different
 * stamps, and normals are left out.
 */
export function merge(clouds: readonly PortableCloud[]): PortableCloud {
  const joined = (columns: readonly Float32Array[]) => {
    const out = new Float32Array(columns.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const column of columns) {
      out.set(column, at);
      at += column.length;
    }
    return out;
  };
  const shades = clouds.flatMap(({ raw, size }) => raw.intensity ?? (size === 0 ? new Float32Array() : []));
  const shaded =
    clouds.length > 0 && shades.length === clouds.length && shades.some(({ length }) => length > 0);
  return new PortableCloud({
    positions: joined(clouds.map(({ raw }) => raw.positions)),
    ...(shaded && { intensity: joined(shades) }),
  });
}
