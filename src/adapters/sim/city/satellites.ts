import type { RayScene } from '../../../core.ts';
import type { EnuFrame } from '../../../math/geodesy.ts';
import { cholesky, choleskySolve } from '../../../math/matrix.ts';
import type { Random } from '../../../math/random.ts';
import { add } from '../../../math/vec3.ts';
import type { GnssFix, Stamp, Vec3 } from '../../../types.ts';

/** Satellites of GPS, Galileo and others that stand higher than 10° at one time. */
const SATELLITES = 22;
/** m, 1 sigma of a pseudorange: seen, and by way of a wall; what the receiver believes of each */
const SEEN_SIGMA = 0.8;
const ECHO_SIGMA = 3;
const BELIEVED_SIGMA = 1.5;
/** A wall further away than this sends nothing back that is strong enough, m. */
const ECHO_REACH = 60;
/** s: carrier smoothing in the receiver makes errors last */
const SMOOTHING = 8;

interface Satellite {
  azimuth: number;
  readonly elevation: number;
  readonly drift: number;
  noise: number;
}

/** A receiver between towers: what stands in the way, and which wall sends it by another way, is cast in the city. */
export class CityGnss {
  readonly #random: Random;
  readonly #frame: EnuFrame;
  readonly #satellites: Satellite[];

  constructor(frame: EnuFrame, random: Random) {
    this.#random = random;
    this.#frame = frame;
    this.#satellites = Array.from({ length: SATELLITES }, () => ({
      azimuth: random.uniform(0, 2 * Math.PI),
      // even over the sphere above 10°
      elevation: Math.asin(random.uniform(Math.sin(Math.PI / 18), 1)),
      drift: random.uniform(-1, 1) * 1e-4,
      noise: random.gaussian(0, 1),
    }));
  }

  /** `position`: of the antenna, m. `period`: s since the last reading. A position of fewer than five is none. */
  async read(stamp: Stamp, scene: RayScene, position: Vec3, period: number): Promise<GnssFix> {
    const keep = Math.exp(-period / SMOOTHING);
    for (const one of this.#satellites) {
      one.azimuth += one.drift * period;
      one.noise = keep * one.noise + Math.sqrt(1 - keep * keep) * this.#random.gaussian();
    }
    const errors = await this.#errors(scene, position);
    const used = errors.filter((one) => one !== undefined);
    const solved = used.length >= 5 ? solve(used) : undefined;
    const place = this.#frame.toGeodetic(add(position, solved?.error ?? [0, 0, 0]));
    const variance = solved?.variance ?? [0, 0, 0];
    return {
      stamp,
      frameId: 'gnss',
      status: solved ? 0 : -1,
      latitude: solved ? place.lat : Number.NaN,
      longitude: solved ? place.lon : Number.NaN,
      altitude: solved ? place.ellipsoidalHeight : Number.NaN,
      covariance: [variance[0], 0, 0, 0, variance[1], 0, 0, 0, variance[2]],
      covarianceType: solved ? 2 : 0,
    };
  }

  /** Of each satellite: its direction and the error of its range; undefined where it is not received. */
  async #errors(scene: RayScene, [x, y, z]: Vec3) {
    const towards = this.#satellites.map(({ azimuth, elevation }): Vec3 => {
      const flat = Math.cos(elevation);
      return [flat * Math.cos(azimuth), flat * Math.sin(azimuth), Math.sin(elevation)];
    });
    // Straight to it; and level to the wall on the other side, from which it may come as well.
    const away = this.#satellites.map(({ azimuth }): Vec3 => [-Math.cos(azimuth), -Math.sin(azimuth), 0]);
    const { ranges } = await scene.cast({
      directions: Float64Array.from([...towards, ...away].flat()),
      poses: Float64Array.of(x, y, z, 0, 0, 0, 1),
      times: Float64Array.of(0),
      moving: new Float64Array(0),
      maxRange: 300,
    });
    return this.#satellites.map(({ elevation, noise }, i) => {
      const direction = towards[i]!;
      if (ranges[i] === Number.POSITIVE_INFINITY) return { direction, error: SEEN_SIGMA * noise };
      const wall = ranges[SATELLITES + i]!;
      if (wall > ECHO_REACH) return undefined;
      // One reflection at an upright wall at distance d: the way is longer by 2 d cos(elevation).
      return { direction, error: 2 * wall * Math.cos(elevation) + ECHO_SIGMA * noise };
    });
  }
}

/**
 * Least squares over the ranges: p = (GᵀG)⁻¹ Gᵀ e with rows (−direction, 1); the receiver down-weights what does not fit
 * once (Huber), as receivers do. The error is in the sense of the position that comes out.
 */
function solve(
  ranges: readonly { direction: Vec3; error: number }[],
): { error: Vec3; variance: Vec3 } | undefined {
  let weights = ranges.map(() => 1);
  let result: Float64Array = new Float64Array(4);
  let inverse: Float64Array = new Float64Array(16);
  for (let round = 0; round < 4; round++) {
    const normal = new Float64Array(16);
    const right = new Float64Array(4);
    ranges.forEach(({ direction, error }, i) => {
      const row = [-direction[0], -direction[1], -direction[2], 1];
      for (let a = 0; a < 4; a++) {
        right[a]! += weights[i]! * row[a]! * error;
        for (let b = 0; b < 4; b++) normal[4 * a + b]! += weights[i]! * row[a]! * row[b]!;
      }
    });
    const factor = cholesky(normal, 4);
    if (!factor) return undefined;
    result = choleskySolve(factor, right, 4, 1);
    inverse = choleskySolve(
      factor,
      Float64Array.from({ length: 16 }, (_, k) => (k % 5 === 0 ? 1 : 0)),
      4,
      4,
    );
    weights = ranges.map(({ direction, error }) => {
      const fitted =
        -direction[0] * result[0]! - direction[1] * result[1]! - direction[2] * result[2]! + result[3]!;
      return Math.min(1, (2 * BELIEVED_SIGMA) / Math.max(1e-6, Math.abs(error - fitted)));
    });
  }
  const variance = (k: number) => BELIEVED_SIGMA ** 2 * inverse[5 * k]!;
  return { error: [result[0]!, result[1]!, result[2]!], variance: [variance(0), variance(1), variance(2)] };
}
