import { enuFrame } from '../../math/geodesy.ts';
import type { Random } from '../../math/random.ts';
import { add, scale } from '../../math/vec3.ts';
import type { GnssFix, Vec3 } from '../../types.ts';
import type { GnssDegradation } from './degrade-config.ts';
import { stream, within } from './degrade-random.ts';

/** A fix is due this part of its period early, because receivers' clocks and ours do not tick together. */
const EARLY = 0.05;

/** Spoils the fixes of one channel. Noise is drawn for every fix of the source, so that outages do not shift it. */
export class GnssSpoiler {
  readonly #config: GnssDegradation;
  readonly #white: Random;
  readonly #bias: WanderingDirection;
  readonly #jumps: readonly { at: number; for: number; offset: Vec3 }[];
  #due = 0;
  #last: GnssFix | undefined;

  constructor(config: GnssDegradation, seed: number, channel: string) {
    this.#config = config;
    this.#white = stream(seed, `gnss white ${channel}`);
    this.#bias = new WanderingDirection(stream(seed, `gnss bias ${channel}`), config.bias.driftRate);
    const directions = stream(seed, `gnss jumps ${channel}`);
    this.#jumps = config.jumps.map(({ size, ...period }) => ({
      ...period,
      offset: scale(unit(directions.uniform(0, 2 * Math.PI)), size),
    }));
  }

  /** The fix as the robot gets it, `seconds` after the source's start; undefined where it gets none. */
  apply(fix: GnssFix, seconds: number): GnssFix | undefined {
    const offset = this.#offset(seconds);
    if (within(this.#config.outages, seconds) || !this.#isDue(seconds)) return undefined;
    const spoiled = this.#claim(moved(fix, offset), seconds);
    const frozen = this.#last && within(this.#config.freeze, seconds);
    const given = frozen ? { ...this.#last!, stamp: fix.stamp } : spoiled;
    this.#last = given;
    return given;
  }

  #offset(seconds: number): Vec3 {
    const noise: Vec3 = [this.#white.gaussian(), this.#white.gaussian(), this.#white.gaussian()];
    const bias = scale(unit(this.#bias.at(seconds)), this.#config.bias.magnitude);
    const jumps = this.#jumps.filter((jump) => within([jump], seconds));
    return jumps.reduce((sum, jump) => add(sum, jump.offset), add(scale(noise, this.#config.white), bias));
  }

  #isDue(seconds: number): boolean {
    const { rate } = this.#config;
    if (rate === undefined) return true;
    const early = EARLY / rate;
    if (seconds < this.#due - early) return false;
    // Keep to the grid of due times, but begin it anew after a gap.
    this.#due = Math.max(this.#due, seconds - early) + 1 / rate;
    return true;
  }

  #claim(fix: GnssFix, seconds: number): GnssFix {
    const { covariance, claimed, alternateEvery, white, bias } = this.#config;
    if (covariance === 'source') return fix;
    const honest =
      covariance === 'honest' ||
      (covariance === 'alternate' && Math.floor(seconds / alternateEvery) % 2 === 0);
    const added = white ** 2 + bias.magnitude ** 2;
    return honest
      ? {
          ...fix,
          covariance: withAdded(fix.covariance, added),
          covarianceType: Math.max(2, fix.covarianceType),
        }
      : { ...fix, covariance: withAdded([], claimed ** 2), covarianceType: 2 };
  }
}

/** A direction in the plane, radians, that walks at random from a random start: knots 1 s apart, linear between. */
class WanderingDirection {
  readonly #random: Random;
  readonly #driftRate: number;
  readonly #knots: number[];

  constructor(random: Random, driftRate: number) {
    this.#random = random;
    this.#driftRate = driftRate;
    this.#knots = [random.uniform(0, 2 * Math.PI)];
  }

  /** The walk depends on time alone, not on how often it is asked. `seconds` below 0 count as 0. */
  at(seconds: number): number {
    const knot = Math.max(0, Math.floor(seconds));
    while (this.#knots.length < knot + 2) {
      this.#knots.push(this.#knots.at(-1)! + this.#driftRate * this.#random.gaussian());
    }
    const [from, to] = [this.#knots[knot]!, this.#knots[knot + 1]!];
    return from + (to - from) * Math.max(0, seconds - knot);
  }
}

function moved(fix: GnssFix, offset: Vec3): GnssFix {
  const { latitude, longitude, altitude } = fix;
  // A receiver without a fix says NaN: nothing to move.
  const still = offset.every((metres) => metres === 0) || !Number.isFinite(latitude + longitude + altitude);
  if (still) return fix;
  const there = enuFrame({ lat: latitude, lon: longitude, ellipsoidalHeight: altitude }).toGeodetic(offset);
  return { ...fix, latitude: there.lat, longitude: there.lon, altitude: there.ellipsoidalHeight };
}

function withAdded(covariance: readonly number[], variance: number): number[] {
  return Array.from({ length: 9 }, (_, i) => (covariance[i] ?? 0) + (i % 4 === 0 ? variance : 0));
}

function unit(angle: number): Vec3 {
  return [Math.cos(angle), Math.sin(angle), 0];
}
