import type { Turn } from '../core.ts';
import { Refusal } from '../types.ts';
import { LONGEST_SWEEP } from './point-time.ts';

/** Points looked at to find the order, and how much of them must go round as one: see native/include/dilly/turn_times.hpp. */
const SAMPLES = 4096;
const LEAST = 64;
const ALIKE_COLUMNS = 0.9;
const ALIKE_POINTS = 0.7;

/** How far round a point lies, in turns. */
const turnsOf = (positions: Float32Array, i: number) =>
  Math.atan2(positions[3 * i + 1]!, positions[3 * i]!) / (2 * Math.PI);

interface FoundTurn {
  /** share of the turn that had passed when the point at this place of the message was fired */
  readonly share: (place: number) => number;
  /** of the azimuth's change */
  readonly sign: number;
  /** turns */
  readonly start: number;
}

/**
 * The time of each point, in seconds from the stamp, from how far the sensor had turned when it fired; undefined where
 * that cannot be told.
 * @param places where each of the points stood in a message of `width` × `height`
 */
export function turnTimes(
  positions: Float32Array,
  places: readonly number[],
  { width, height }: { readonly width: number; readonly height: number },
  turn: Turn,
): Float32Array | undefined {
  if (turn.told === 'none' || places.length === 0) return undefined;
  const found =
    turn.told === 'order'
      ? findTurn(positions, places, width, height)
      : {
          share: () => 0.5,
          sign: turn.direction === 'clockwise' ? -1 : 1,
          start: turn.start / (2 * Math.PI),
        };
  if (!found) return undefined;
  return Float32Array.from(places, (place, i) => {
    const passed = found.sign * (turnsOf(positions, i) - found.start);
    const whole = Math.floor(found.share(place) - passed + 0.5);
    return (passed + whole - turn.stampAt) * turn.period;
  });
}

/** A column or a row of the message for each firing, or points one by one as they were fired; undefined: none of them. */
function findTurn(
  positions: Float32Array,
  places: readonly number[],
  width: number,
  height: number,
): FoundTurn | undefined {
  if (places.length < LEAST) return undefined;
  const isFlat = width === 1 || height === 1;
  const step = Math.floor(places.length / SAMPLES) + 1;
  const shares = isFlat
    ? [(place: number) => place / (width * height)]
    : [(place: number) => (place % width) / width, (place: number) => Math.floor(place / width) / height];
  let best: FoundTurn | undefined;
  let most = 0;
  for (const share of shares)
    for (const sign of [-1, 1]) {
      let [c, s, c0, s0, count] = [0, 0, 0, 0, 0];
      for (let i = 0; i < places.length; i += step, count++) {
        const u = share(places[i]!);
        const angle = 2 * Math.PI * (turnsOf(positions, i) - sign * u);
        c += Math.cos(angle);
        s += Math.sin(angle);
        if (isFlat && u > 1 / 64) continue;
        c0 += Math.cos(angle);
        s0 += Math.sin(angle);
      }
      const alike = Math.hypot(c, s) / count;
      if (alike < (isFlat ? ALIKE_POINTS : ALIKE_COLUMNS) || alike <= most) continue;
      most = alike;
      best = { share, sign, start: Math.atan2(s0, c0) / (2 * Math.PI) };
    }
  return best;
}

/** Throws a Refusal `bad-argument`: what the native core refuses, it refuses too. */
export function checkTurn({ told, direction, period, stampAt, start }: Turn): void {
  const sound =
    ['none', 'order', 'azimuth'].includes(told) &&
    ['clockwise', 'counter-clockwise'].includes(direction) &&
    period > 0 &&
    period <= LONGEST_SWEEP &&
    Math.abs(stampAt) <= 1 &&
    Math.abs(start) <= 2 * Math.PI;
  if (!sound) {
    const found = JSON.stringify({ told, direction, period, stampAt, start });
    throw new Refusal(
      'bad-argument',
      `expected a turn of a period to 1.5 s, stampAt within ±1, start within ±2π; found ${found}`,
    );
  }
}
