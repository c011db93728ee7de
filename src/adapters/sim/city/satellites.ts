import type { RayScene } from '../../../core.ts';
import type { EnuFrame } from '../../../math/geodesy.ts';
import { cholesky, choleskySolve } from '../../../math/matrix.ts';
import type { Random } from '../../../math/random.ts';
import { add, scale } from '../../../math/vec3.ts';
import type { GnssFix, Stamp, Vec3 } from '../../../types.ts';

/** Satellites of GPS, Galileo and others that stand higher than 10° at one time. */
const SATELLITES = 22;
/** m, 1 sigma of a pseudorange: seen, and by way of a wall. */
const SEEN_SIGMA = 0.8;
const ECHO_SIGMA = 3;
/**
 * What the receiver believes of each, m, by how strong it is: a wall takes 6 dB or more, which tells an echo from what
 * is seen, though not how long its way was. Estimates.
 */
const BELIEVED = { seen: 1.2, echo: 6 } as const;
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
  #last: GnssFix | undefined;

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

  /**
   * `position`: of the antenna, m. `period`: s since the last reading. With fewer than five satellites the receiver says
   * that it has no fix, and repeats its last place; undefined where it never had one.
   */
  async read(stamp: Stamp, scene: RayScene, position: Vec3, period: number): Promise<GnssFix | undefined> {
    const keep = Math.exp(-period / SMOOTHING);
    for (const one of this.#satellites) {
      one.azimuth += one.drift * period;
      one.noise = keep * one.noise + Math.sqrt(1 - keep * keep) * this.#random.gaussian();
    }
    const used = (await this.#ranges(scene, position)).filter((one) => one !== undefined);
    const solved = used.length >= 5 ? solve(used) : undefined;
    if (!solved) return this.#last && { ...this.#last, stamp, status: -1 };
    const { lat, lon, ellipsoidalHeight } = this.#frame.toGeodetic(add(position, solved.error));
    const [x, y, z] = solved.variance;
    this.#last = {
      stamp,
      frameId: 'gnss',
      status: 0,
      latitude: lat,
      longitude: lon,
      altitude: ellipsoidalHeight,
      covariance: [x, 0, 0, 0, y, 0, 0, 0, z],
      covarianceType: 2,
    };
    return this.#last;
  }

  /** Of each satellite: its direction, the error of its range and what is believed; undefined where it is not received. */
  async #ranges(scene: RayScene, antenna: Vec3): Promise<(Range | undefined)[]> {
    const towards = this.#satellites.map(({ azimuth, elevation }) => unit(azimuth, elevation));
    // A wall that faces the satellite sends it down to the antenna as steeply as it comes.
    const mirrored = this.#satellites.map(({ azimuth, elevation }) => unit(azimuth + Math.PI, elevation));
    const direct = await look(scene, [antenna], [...towards, ...mirrored]);
    const walls = direct.slice(SATELLITES);
    const places = mirrored.map((way, i) => add(antenna, scale(way, Math.min(ECHO_REACH, walls[i]!) - 0.1)));
    const beyond = await look(scene, places, towards);
    return this.#satellites.map(({ elevation, noise }, i) => {
      const direction = towards[i]!;
      if (direct[i] === Number.POSITIVE_INFINITY)
        return { direction, error: SEEN_SIGMA * noise, sigma: BELIEVED.seen };
      // Nothing to send it on, or what sends it on does not see the satellite.
      if (walls[i]! > ECHO_REACH || beyond[i] !== Number.POSITIVE_INFINITY) return undefined;
      // One reflection at an upright wall at the level distance d: the way is longer by 2 d cos(elevation).
      const level = walls[i]! * Math.cos(elevation);
      const error = 2 * level * Math.cos(elevation) + ECHO_SIGMA * noise;
      return { direction, error, sigma: BELIEVED.echo };
    });
  }
}

interface Range {
  readonly direction: Vec3;
  readonly error: number;
  readonly sigma: number;
}

function unit(azimuth: number, elevation: number): Vec3 {
  const flat = Math.cos(elevation);
  return [flat * Math.cos(azimuth), flat * Math.sin(azimuth), Math.sin(elevation)];
}

/** Metres to the first surface; Infinity: the sky. The same number of directions from each place, in their order. */
async function look(scene: RayScene, places: readonly Vec3[], directions: readonly Vec3[]) {
  const { ranges } = await scene.cast({
    directions: Float64Array.from(directions.flat()),
    poses: Float64Array.from(places.flatMap((at) => [...at, 0, 0, 0, 1])),
    times: new Float64Array(places.length),
    moving: new Float64Array(0),
    maxRange: 300,
  });
  return ranges;
}

/**
 * Weighted least squares over the ranges: p = (GᵀWG)⁻¹ GᵀW e with rows (−direction, 1); what does not fit is weighted
 * down (Huber). The variance is scaled by how badly the ranges fit, as receivers do. The error is in the sense of the
 * position that comes out.
 */
function solve(ranges: readonly Range[]): { error: Vec3; variance: Vec3 } | undefined {
  let weights = ranges.map(({ sigma }) => sigma ** -2);
  let result: Float64Array = new Float64Array(4);
  let inverse: Float64Array = new Float64Array(16);
  let misfit = 1;
  for (let round = 0; round < 6; round++) {
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
    const residuals = ranges.map(({ direction: [x, y, z], error }) => {
      const fitted = -x * result[0]! - y * result[1]! - z * result[2]! + result[3]!;
      return error - fitted;
    });
    const sum = residuals.reduce((total, r, i) => total + weights[i]! * r * r, 0);
    misfit = Math.max(1, sum / Math.max(1, ranges.length - 4));
    weights = ranges.map(
      ({ sigma }, i) => sigma ** -2 * Math.min(1, (1.5 * sigma) / Math.max(1e-6, Math.abs(residuals[i]!))),
    );
  }
  const variance = (k: number) => misfit * inverse[5 * k]!;
  return { error: [result[0]!, result[1]!, result[2]!], variance: [variance(0), variance(1), variance(2)] };
}
