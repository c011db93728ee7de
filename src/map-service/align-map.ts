import { enuFrame, type Geodetic } from '../math/geodesy.ts';
import { Random } from '../math/random.ts';
import { norm, sub } from '../math/vec3.ts';
import { Refusal, type Vec3 } from '../types.ts';
import type { ControlPoint } from './control-points.ts';
import { applySimilarity, fitRobust, type Similarity } from './umeyama.ts';

export interface Residual {
  readonly name: string;
  readonly inlier: boolean;
  /** metres: fitted minus given, east north up, and its length */
  readonly error: Vec3;
  readonly length: number;
  /** where the point was fitted */
  readonly place: Vec3;
}

export interface Alignment {
  /** of the new map */
  readonly origin: Geodetic;
  readonly T_map_local: Similarity;
  readonly residuals: readonly Residual[];
}

/**
 * Where a local map lies on the Earth. The new origin is where the local zero comes to lie, so that coordinates stay
 * small. Throws a Refusal `alignment-undetermined`.
 */
export function alignMap(
  points: readonly ControlPoint[],
  options: { readonly withScale: boolean; readonly tolerance: number; readonly seed: number },
): Alignment {
  if (points.length < 3)
    throw new Refusal('alignment-undetermined', `expected three or more points, found ${points.length}`);
  let origin = points[0]!.global;
  const local = points.map((point) => point.local);
  for (let round = 0; ; round++) {
    const frame = enuFrame(origin);
    const global = points.map(({ global: g }) => frame.toEnu(g.lat, g.lon, g.ellipsoidalHeight));
    const { transform, inliers } = fitRobust(local, global, { ...options, random: new Random(options.seed) });
    // Each round moves the origin to the local zero; its axes turn a little with it, so once is not enough.
    if (round < 3) {
      origin = frame.toGeodetic(applySimilarity(transform, [0, 0, 0]));
      continue;
    }
    const residuals = points.map(({ name }, k) => {
      const place = applySimilarity(transform, local[k]!);
      const error = sub(place, global[k]!);
      return { name, inlier: inliers[k]!, error, length: norm(error), place };
    });
    return { origin, T_map_local: transform, residuals };
  }
}
