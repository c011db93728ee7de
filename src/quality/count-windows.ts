import { BUCKET_S, type CountLedger } from './count-ledger.ts';

export type WindowName = 'minute' | 'ten-minutes' | 'drive';
const WINDOWS: readonly { name: WindowName; buckets: number }[] = [
  { name: 'minute', buckets: 60 / BUCKET_S },
  { name: 'ten-minutes', buckets: 600 / BUCKET_S },
  { name: 'drive', buckets: Number.POSITIVE_INFINITY },
];

/** Two days of spans: a longer drive is compared as a whole only. */
const MOST_SPANS = (48 * 3600) / BUCKET_S;

/** Where messages are counted on their way: the sensor's rate, the robot, its disk, the service's door, its reader. */
export const STAGES = ['sensor', 'received', 'recorded', 'uploaded', 'accepted'] as const;
export type Stage = (typeof STAGES)[number];

/** One channel in one window: what should have come to a stage, and what did. */
export interface WindowRow {
  readonly channel: string;
  readonly window: WindowName;
  /** the way's two ends: `expected` was counted at `from`, `found` at `to` */
  readonly from: Stage;
  readonly to: Stage;
  readonly expected: number;
  readonly found: number;
  readonly verdict: 'ok' | 'missing' | 'too-many';
}

export interface Comparison {
  readonly from: Stage;
  readonly to: Stage;
  readonly channels: readonly string[];
  /** whole spans that are compared, both included */
  readonly first: number;
  readonly last: number;
  readonly expected: (channel: string, first: number, last: number) => number;
  readonly found: CountLedger;
  /** share of the expected that may be missing or too much */
  readonly tolerance: number;
  /** and so many messages beside: the ends of a window cut through a period */
  readonly slack: number;
}

/** The windows that end with the last whole span: one minute, ten minutes, the drive. None before there is a span. */
export function compareWindows(given: Comparison): WindowRow[] {
  const { from, to, first, last, tolerance, slack } = given;
  if (last < first) return [];
  return WINDOWS.flatMap(({ name, buckets }) => {
    const begin = Math.max(first, last - buckets + 1);
    return given.channels.map((channel): WindowRow => {
      const expected = given.expected(channel, begin, last);
      const found = given.found.between(channel, begin, last);
      const spread = tolerance * expected + slack;
      const verdict = found < expected - spread ? 'missing' : found > expected + spread ? 'too-many' : 'ok';
      return { channel, window: name, from, to, expected, found, verdict };
    });
  });
}

/** Every window of a finished drive, sliding span by span; the worst of each channel and length. */
export function worstWindows(given: Comparison): WindowRow[] {
  const worst = new Map<string, WindowRow>();
  for (let last = given.first; last <= given.last; last++) {
    for (const row of compareWindows({ ...given, last })) {
      // The drive has one window only, its whole.
      if (row.window === 'drive' && last < given.last) continue;
      const key = `${row.channel}\n${row.window}`;
      const before = worst.get(key);
      if (!before || gapOf(row) > gapOf(before)) worst.set(key, row);
    }
  }
  return [...worst.values()];
}

function gapOf({ expected, found, verdict }: WindowRow): number {
  return verdict === 'ok' ? Math.abs(expected - found) * 1e-9 : Math.abs(expected - found);
}

/** The worst windows of two counts of one finished drive, which must be equal to the message. */
export function comparedDrives(
  from: Stage,
  to: Stage,
  expected: CountLedger,
  found: CountLedger,
): WindowRow[] {
  const spans = [expected.span, found.span].filter((span) => span !== undefined);
  if (spans.length === 0) return [];
  const given: Comparison = {
    from,
    to,
    channels: [...new Set([...expected.channels, ...found.channels])].sort(),
    first: Math.min(...spans.map(([first]) => first)),
    last: Math.max(...spans.map(([, last]) => last)),
    expected: (channel, first, last) => expected.between(channel, first, last),
    found,
    tolerance: 0,
    slack: 0,
  };
  if (given.last - given.first <= MOST_SPANS) return worstWindows(given);
  // Stamps that are years apart are no drive to slide along: its whole tells what is missing.
  return compareWindows(given).filter(({ window }) => window === 'drive');
}
