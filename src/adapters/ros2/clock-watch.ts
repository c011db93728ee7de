import type { Stamp } from '../../types.ts';

/** So many messages in a row must agree that the clock is another one: one wild stamp is one wild stamp. */
const CONFIRMATIONS = 4;

/** Tells a clock that leapt from a sensor that was silent: stamps are compared with a steady clock. */
export class ClockWatch {
  readonly #tolerance: number;
  readonly #seen = new Map<
    string,
    { stamp: Stamp; steadyMs: number; odd: Stamp | undefined; count: number }
  >();

  /** @param tolerance seconds that stamps may leap */
  constructor(tolerance: number) {
    this.#tolerance = tolerance;
  }

  /**
   * Looks at one stamp. Seconds of the jump (> 0: forwards) where it has just been confirmed. Stamps that stand still or
   * run slower are no jump (a recording that is paused); those that run ahead of time or back are.
   */
  jump(channel: string, stamp: Stamp, steadyMs: number): number | undefined {
    const last = this.#seen.get(channel);
    if (!last) {
      this.#seen.set(channel, { stamp, steadyMs, odd: undefined, count: 0 });
      return undefined;
    }
    const leap = this.#leap(last.stamp, stamp, steadyMs - last.steadyMs);
    if (leap === undefined) {
      this.#seen.set(channel, { stamp, steadyMs, odd: undefined, count: 0 });
      return undefined;
    }
    const agrees = last.odd !== undefined && Math.abs(seconds(last.odd, stamp)) <= this.#tolerance;
    last.count = agrees ? last.count + 1 : 1;
    last.odd = stamp;
    if (last.count < CONFIRMATIONS) return undefined;
    this.#seen.clear();
    this.#seen.set(channel, { stamp, steadyMs, odd: undefined, count: 0 });
    return leap;
  }

  #leap(before: Stamp, stamp: Stamp, elapsedMs: number): number | undefined {
    const moved = seconds(before, stamp);
    const ahead = moved - elapsedMs / 1000;
    if (ahead > this.#tolerance) return ahead;
    return moved < -this.#tolerance ? ahead : undefined;
  }
}

function seconds(from: Stamp, to: Stamp): number {
  return Number(to - from) * 1e-9;
}

/** A jump is told for so long. */
const SHOWN_MS = 30_000;

/** What is said of the last jump, until it is of no interest any more. */
export class JumpNotice {
  #text = '';
  #untilMs = Number.NEGATIVE_INFINITY;

  /** @param leap seconds */
  begin(channel: string, leap: number, nowMs: number): string {
    this.#untilMs = nowMs + SHOWN_MS;
    this.#text = `the clock of ${channel} jumped by ${leap.toFixed(1)} s: localization begins anew from the last pose; check time synchronisation`;
    return this.#text;
  }

  at(nowMs: number): string | undefined {
    return nowMs < this.#untilMs ? this.#text : undefined;
  }
}
