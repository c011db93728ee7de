import type { Stamp } from '../types.ts';

/** A sweep lasts 5 ms to 1.5 s: see native/include/dilly/point_time.hpp for the drivers and the rule. */
const SHORTEST_SWEEP = 0.005;
export const LONGEST_SWEEP = 1.5;
const FURTHEST_OFFSET = 2 * LONGEST_SWEEP;

/**
 * Offsets from the stamp in seconds, of times in s, µs or ns, relative or since the stamp's epoch; undefined when the
 * unit cannot be told (no span, an absurd one, a value that is not finite) or when the times follow another clock.
 * @param wholeNumbers the driver writes an integer type, which is never seconds
 */
export function pointTimes(raw: Float64Array, wholeNumbers: boolean, stamp: Stamp): Float32Array | undefined {
  const [low, high] = extent(raw);
  const units = [1, 1e6, 1e9].find(
    (perSecond) =>
      high - low >= SHORTEST_SWEEP * perSecond &&
      high - low <= LONGEST_SWEEP * perSecond &&
      !(wholeNumbers && perSecond === 1),
  );
  if (units === undefined) return undefined;
  const furthestFrom = (zero: number) => Math.max(Math.abs(low - zero), Math.abs(high - zero));
  if (furthestFrom(0) <= FURTHEST_OFFSET * units) return Float32Array.from(raw, (t) => t / units);
  // The stamp as whole units and the rest: one double cannot hold both.
  const unitNs = BigInt(1e9 / units);
  const whole = Number(stamp / unitNs);
  const rest = Number(stamp % unitNs) * 1e-9;
  if (furthestFrom(whole) > FURTHEST_OFFSET * units) return undefined;
  return Float32Array.from(raw, (t) => (t - whole) / units - rest);
}

/** NaN for both when a value is not finite or there is none. */
function extent(values: Float64Array): [low: number, high: number] {
  if (values.length === 0 || !values.every(Number.isFinite)) return [Number.NaN, Number.NaN];
  return [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
}
