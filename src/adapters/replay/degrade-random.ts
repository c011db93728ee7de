import { Random } from '../../math/random.ts';

/**
 * The random numbers of one purpose: a stream for each name, so that changing one option leaves the others' numbers
 * alone. `seed` is in [0, 2³²).
 */
export function stream(seed: number, name: string): Random {
  // FNV-1a; `Random` takes 53 bits, of which the seed has the low 32.
  let hash = 0x811c9dc5;
  for (const letter of name) hash = Math.imul(hash ^ letter.codePointAt(0)!, 0x01000193);
  return new Random(seed + (hash >>> 11) * 2 ** 32);
}

/** Is `seconds` inside one of the periods [at, at + for)? */
export function within(periods: readonly { at: number; for: number }[], seconds: number): boolean {
  return periods.some((period) => seconds >= period.at && seconds < period.at + period.for);
}
