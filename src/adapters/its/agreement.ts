import type { SignalState } from '../../types.ts';

export type Relation = 'agree' | 'disagree' | 'incomparable';

/** Clocks of vendors that show the same light may be apart by this, ms. */
const CLOCKS_MS = 1500;
/** Without timing a phase may have changed in between, unless both were seen at the same moment, ms. */
const SAME_MOMENT_MS = 500;

/** All other phases of a light together last longer, s: people are given 4 s to begin and a clearance, roads more. */
const OTHER_PHASES_S = 5;

/** What may come next; some feeds do not tell the clearance. */
const FOLLOWS: Readonly<Record<string, readonly string[]>> = {
  stop: ['walk'],
  walk: ['clearance', 'stop'],
  clearance: ['stop'],
};

/** When the phase ends by its own word, earliest and latest (Infinity: it may be prolonged), ms since the Unix epoch. */
function endOf(state: SignalState): { min: number; max: number } | undefined {
  const { remaining, timingSourceTime = state.sourceTime } = state;
  if (!remaining) return undefined;
  const at = (seconds: number) => timingSourceTime + seconds * 1000;
  const max = remaining.max === undefined ? Number.POSITIVE_INFINITY : at(remaining.max);
  return { min: at(remaining.min), max: Math.max(at(remaining.min), max) };
}

/** Whether a phase may be over at `atMs` (since the Unix epoch) by the word on it. */
export function hasEnded(state: SignalState, atMs: number): boolean {
  const end = endOf(state);
  return end !== undefined && end.min - atMs < CLOCKS_MS;
}

/**
 * Whether two vendors can both be right about one signal. Other phases agree never, unless the older word may have run
 * out since; the same phase disagrees where both name its end, further apart than `toleranceS`.
 */
export function relate(a: SignalState, b: SignalState, toleranceS: number): Relation {
  if (a.phase === 'unknown' || b.phase === 'unknown') return 'incomparable';
  const [older, newer] = a.sourceTime <= b.sourceTime ? [a, b] : [b, a];
  const [first, second] = [endOf(older), endOf(newer)];
  if (older.phase === newer.phase) {
    if (!first || !second)
      return newer.sourceTime - older.sourceTime <= 2 * CLOCKS_MS ? 'agree' : 'incomparable';
    const apart = Math.max(first.min - second.max, second.min - first.max);
    return apart <= toleranceS * 1000 ? 'agree' : 'disagree';
  }
  // The newer word may be the earlier one: the clocks of the vendors are apart.
  const turning = second !== undefined && second.min - older.sourceTime <= CLOCKS_MS;
  if (turning && FOLLOWS[newer.phase]?.includes(older.phase)) return 'incomparable';
  if (!first) return newer.sourceTime - older.sourceTime <= SAME_MOMENT_MS ? 'disagree' : 'incomparable';
  return first.min > newer.sourceTime + CLOCKS_MS ? 'disagree' : 'incomparable';
}

/**
 * Why a vendor's new word cannot follow its own last one: another phase before the earliest end that it had named, or
 * out of order, or the same phase with an end that moved out of the range. Undefined where it can.
 */
export function contradiction(
  before: SignalState,
  after: SignalState,
  toleranceS: number,
): string | undefined {
  const end = endOf(before);
  const lights = (state: SignalState) => ['stop', 'walk', 'clearance'].includes(state.phase);
  if (!end || !lights(before) || !lights(after) || after.sourceTime < before.sourceTime) return undefined;
  const early = (end.min - after.sourceTime) / 1000;
  if (after.phase !== before.phase) {
    if (early > CLOCKS_MS / 1000)
      return `${after.phase} ${early.toFixed(1)} s before the end that it named for ${before.phase}`;
    const follows = FOLLOWS[before.phase]?.includes(after.phase) || -early > OTHER_PHASES_S;
    return follows ? undefined : `${after.phase} right after ${before.phase}`;
  }
  const next = endOf(after);
  // The same phase again, long after its end, may be that of the next cycle.
  if (!next || -early > OTHER_PHASES_S) return undefined;
  const moved = Math.max(end.min - next.max, next.min - end.max) / 1000;
  return moved > toleranceS ? `the end of ${after.phase} moved by ${moved.toFixed(1)} s` : undefined;
}

/** Why a phase cannot be there again: the others did not fit in between. `last`: the last word of it before them. */
export function backTooSoon(last: SignalState, after: SignalState): string | undefined {
  const seconds = (after.sourceTime - last.sourceTime) / 1000;
  if (last.phase !== after.phase || !FOLLOWS[after.phase] || seconds >= OTHER_PHASES_S) return undefined;
  return `${after.phase} again after ${seconds.toFixed(1)} s`;
}

/** Whether the light changed when the vendor had said that it would: then it counts in the unit that we read. */
export function endedAsNamed(before: SignalState, after: SignalState, toleranceS: number): boolean {
  const end = endOf(before);
  if (!end || before.phase === after.phase || after.phase === 'unknown') return false;
  return after.sourceTime >= end.min - CLOCKS_MS && after.sourceTime <= end.max + toleranceS * 1000;
}

/** One vendor's fresh word on a signal, and how far the vendor is believed now. */
export interface Voice {
  readonly vendor: string;
  readonly state: SignalState;
  readonly trusted: boolean;
  readonly distrusted: boolean;
}

export interface Settled {
  /** the word to go by; `unknown` where there is none */
  readonly state: SignalState;
  readonly reason?: 'disagreement' | 'uncorroborated' | 'distrusted';
  /** pairs of vendors that bear each other out */
  readonly pairs: readonly (readonly [Voice, Voice])[];
  /** against at least two that agree */
  readonly outvoted: readonly Voice[];
  /** the vendors that are of one mind with the state */
  readonly agreeing: number;
}

/**
 * One word out of all that vendors said of a signal. A fault counts whoever says it. A disagreement is `unknown`, unless
 * two vendors or more stand against fewer. A `walk` that one vendor alone says counts only where that vendor is trusted,
 * or where `alone` says that it kept its word before and nobody else could be asked about this signal, ever; and never against a believed word of
 * another phase, be it older: then that one stands until its vendor says walk too. Voices must not be empty.
 */
export function settle(voices: readonly Voice[], toleranceS: number, alone: boolean): Settled {
  const newestFirst = [...voices].sort((a, b) => b.state.sourceTime - a.state.sourceTime);
  const believed = newestFirst.filter(({ distrusted }) => !distrusted);
  const pairs = pairsOf(newestFirst, 'agree', toleranceS);
  const fault = newestFirst.find(({ state }) => state.phase === 'fault' || state.phase === 'dark');
  if (fault) return { state: fault.state, pairs, outvoted: [], agreeing: 1 };
  if (believed.length === 0)
    return { ...unknown(newestFirst[0]!.state, 'distrusted'), pairs, outvoted: [], agreeing: 0 };
  const friends = (voice: Voice) =>
    believed.filter((other) => other !== voice && relate(voice.state, other.state, toleranceS) === 'agree');
  const foes = (voice: Voice) =>
    believed.filter((other) => relate(voice.state, other.state, toleranceS) === 'disagree');
  const outvoted = believed.filter((voice) =>
    foes(voice).some((foe) => friends(foe).length >= 1 && friends(foe).length > friends(voice).length),
  );
  const standing = believed.filter((voice) => !outvoted.includes(voice));
  if (standing.some((voice) => foes(voice).some((foe) => standing.includes(foe))))
    return { ...unknown(newestFirst[0]!.state, 'disagreement'), pairs, outvoted: [], agreeing: 0 };
  const chosen = choose(standing);
  const agreeing = 1 + friends(chosen).filter((friend) => standing.includes(friend)).length;
  if (chosen.state.phase === 'walk' && agreeing < 2) {
    if (!chosen.trusted && !alone)
      return { ...unknown(chosen.state, 'uncorroborated'), pairs, outvoted, agreeing };
    const against = standing.filter(({ state }) => state.phase !== 'walk' && state.phase !== 'unknown');
    if (against.length > 0) return { state: choose(against).state, pairs, outvoted, agreeing };
  }
  return { state: earliest(chosen, friends(chosen)), pairs, outvoted, agreeing };
}

function pairsOf(voices: readonly Voice[], relation: Relation, toleranceS: number): [Voice, Voice][] {
  return voices.flatMap((a, i) =>
    voices
      .slice(i + 1)
      .filter((b) => relate(a.state, b.state, toleranceS) === relation)
      .map((b): [Voice, Voice] => [a, b]),
  );
}

/** The newest with timing, unless it is 3 s older than the newest that knows the phase. */
function choose(newestFirst: readonly Voice[]): Voice {
  const known = newestFirst.filter(({ state }) => state.phase !== 'unknown');
  const newest = known[0] ?? newestFirst[0]!;
  const timed = known.find(
    ({ state }) => state.phase === newest.state.phase && state.remaining !== undefined,
  );
  return timed && newest.state.sourceTime - timed.state.sourceTime <= 3000 ? timed : newest;
}

/** The state with the earliest of all ends that were named for its phase. */
function earliest({ state }: Voice, friends: readonly Voice[]): SignalState {
  const { remaining, timingSourceTime = state.sourceTime } = state;
  if (!remaining) return state;
  const ends = friends.flatMap((friend) => endOf(friend.state)?.min ?? []);
  const min = Math.max(0, Math.min(remaining.min, ...ends.map((end) => (end - timingSourceTime) / 1000)));
  return min === remaining.min ? state : { ...state, remaining: { ...remaining, min } };
}

function unknown(
  { remaining: _, ...state }: SignalState,
  reason: NonNullable<Settled['reason']>,
): Pick<Settled, 'state' | 'reason'> {
  return { state: { ...state, phase: 'unknown' }, reason };
}
