import type { WindowRow } from '../../quality/count-windows.ts';

export type Tell = (
  kind: string,
  severity: 'info' | 'warning' | 'alarm',
  text: string,
  data?: Readonly<Record<string, unknown>>,
) => void;

/** Further dead letters of one sender and reason are told together, after so long on the messages' own clock. */
const AGAIN_NS = 10_000_000_000n;

/** Tells operators what is wrong with the data: once when it begins, and when it is over. */
export class QualityAlarms {
  readonly #tell: Tell;
  readonly #open = new Map<string, WindowRow['verdict']>();
  readonly #letters = new Map<string, { toldAt: bigint; since: number }>();

  constructor(tell: Tell) {
    this.#tell = tell;
  }

  /** Alarms that are on. */
  get count(): number {
    return this.#open.size;
  }

  windows(rows: readonly WindowRow[]): void {
    for (const { channel, window, from, to, expected, found, verdict } of rows) {
      const key = `${from} ${to} ${window} ${channel}`;
      const before = this.#open.get(key) ?? 'ok';
      if (verdict === before) continue;
      const data = { channel, window, from, to, expected, found };
      const numbers = `${channel}: ${found} ${to} of ${Math.round(expected)} (${from}), ${window}`;
      if (verdict === 'ok') {
        this.#open.delete(key);
        this.#tell('counts-good-again', 'info', numbers, data);
      } else {
        this.#open.set(key, verdict);
        this.#tell(
          verdict === 'missing' ? 'messages-missing' : 'messages-too-many',
          verdict === 'missing' ? 'alarm' : 'warning',
          numbers,
          data,
        );
      }
    }
  }

  /** A message that failed; `sender` is who sent it. The first of a sender and reason is told at once. */
  deadLetter(channel: string, sender: string, reason: string, detail: string, at: bigint): void {
    const key = `${sender}\n${channel}\n${reason}`;
    const before = this.#letters.get(key);
    if (before && at - before.toldAt < AGAIN_NS && at >= before.toldAt) {
      before.since++;
      return;
    }
    const count = (before?.since ?? 0) + 1;
    this.#letters.set(key, { toldAt: at, since: 0 });
    this.#tell(
      'dead-letter',
      'warning',
      `${sender} sent ${count === 1 ? 'a message' : `${count} messages`} on ${channel} that cannot be used: ${reason}: ${detail}`,
      { sender, channel, reason, detail, count },
    );
  }
}
