/** How fast a vendor's raw remaining time falls at one intersection, as far as it was watched. */
export interface UnitCheck {
  readonly verdict: 'unproven' | 'proven' | 'wrong';
  /** the rate last measured over a long span, units a second */
  readonly rate?: number;
  readonly heads: ReadonlyMap<string, Watched>;
}

export interface UnitSample {
  /** ms since the Unix epoch, by the source's clock */
  readonly sourceTime: number;
  readonly raw: number;
  readonly phase: string;
}

interface Watched {
  /** where the long span begins */
  readonly start: UnitSample;
  readonly last: UnitSample;
  /** the count was seen to fall since this phase began */
  readonly steady: boolean;
}

export const UNCHECKED: UnitCheck = { verdict: 'unproven', heads: new Map() };

/** Shorter spans prove nothing: KLID stamps with whole seconds. */
const PROOF_SPAN_MS = 5_000;
/** Stamps of whole seconds over 5 s are off by 20 % at most; a wrong unit is off by ten. */
const TOLERANCE = 0.25;
/** Enough to see that a count does not run ten times too fast. */
const STEADY_SPAN_MS = 1_000;
/** Longer gaps may hide a whole cycle of the signal. */
const MAX_SPAN_MS = 30_000;

/**
 * One more look at the heads of an intersection. A count that falls by `unitsPerSecond` (± 25 %) over at least 5 s of
 * source time while its phase stays proves the unit; another rate refuses it. A count that rises within a phase takes
 * the proof away. A change of phase starts over.
 */
export function checkUnit(
  before: UnitCheck,
  samples: ReadonlyMap<string, UnitSample>,
  unitsPerSecond: number,
): UnitCheck {
  const heads = new Map(before.heads);
  let { verdict, rate } = before;
  let refuted = false;
  for (const [head, sample] of samples) {
    const watched = heads.get(head);
    if (watched && runsOut(watched.last, sample)) {
      heads.set(head, { ...watched, last: sample });
      continue;
    }
    heads.set(head, { start: sample, last: sample, steady: false });
    if (!watched || !continues(watched.last, sample)) continue;
    const { start } = watched;
    const span = (sample.sourceTime - start.sourceTime) / 1000;
    const fallen = start.raw - sample.raw;
    if (sample.raw > watched.last.raw) {
      if (verdict === 'proven') verdict = 'unproven';
    } else if (span * 1000 >= PROOF_SPAN_MS) {
      rate = fallen / span;
      const right = Math.abs(rate / unitsPerSecond - 1) <= TOLERANCE;
      if (right) verdict = 'proven';
      else refuted = true;
      heads.set(head, { start: sample, last: sample, steady: right });
    } else {
      // A stamp of whole seconds may be a second off.
      const tooFast = fallen > unitsPerSecond * (span * (1 + TOLERANCE) + 1);
      if (tooFast) refuted = true;
      const steady = watched.steady || (span * 1000 >= STEADY_SPAN_MS && fallen > 0);
      heads.set(head, { start, last: sample, steady: steady && !tooFast });
    }
  }
  return { verdict: refuted ? 'wrong' : verdict, heads, ...(rate !== undefined && { rate }) };
}

function continues(last: UnitSample, next: UnitSample): boolean {
  const gap = next.sourceTime - last.sourceTime;
  return next.phase === last.phase && gap >= 0 && gap <= MAX_SPAN_MS;
}

/** A count that came to zero falls no longer: it says nothing of the unit, and is as good as it was: no time is left. */
function runsOut(last: UnitSample, next: UnitSample): boolean {
  return next.raw === 0 && continues(last, next);
}

/**
 * Whether the remaining time of a head is to be used: its unit is proven at this intersection, and its count was seen
 * to fall, not too fast, in the phase that shows now. A unit that changes between two phases is so caught within 1 s.
 */
export function timingUsable(check: UnitCheck, head: string): boolean {
  return check.verdict === 'proven' && check.heads.get(head)?.steady === true;
}
