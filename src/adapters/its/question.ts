import type { SignalAnswer, Traffic } from '../../ports.ts';
import type { Timing } from './timing.ts';
import type { VendorSlot } from './vendor-slot.ts';

export interface Question {
  /** in the order of being asked */
  readonly slots: readonly VendorSlot[];
  readonly deadlineMs: number;
  /** so long before the deadline the next vendor is asked beside the one that does not answer */
  readonly hedgeMs: number;
  readonly ask: (slot: VendorSlot) => Promise<SignalAnswer>;
  /** Whether what is known by now will do; `nearly`: it will, but the next vendor is to be heard too, without waiting. */
  readonly enough: () => 'yes' | 'nearly' | 'no';
}

export interface Outcome {
  readonly traffic: Traffic;
  /** vendors that gave states */
  readonly answered: number;
  /** of the others */
  readonly problems: readonly { readonly vendor: string; readonly reason: string; readonly detail: string }[];
}

/**
 * Asks one vendor after the other: the next one when an answer fails or is not enough, or, besides, when the deadline
 * nears. Ends when it is enough, when nobody is left, or at the deadline; answers that come later are still heard by
 * `ask`, and nobody waits for them.
 */
export function runQuestion(question: Question, timing: Timing): Promise<Outcome> {
  const { slots, deadlineMs, hedgeMs, ask, enough } = question;
  const problems: Outcome['problems'][number][] = [];
  let traffic: Traffic = { calls: 0, bytes: 0 };
  let next = 0;
  let running = 0;
  let answered = 0;
  let done = false;
  return new Promise((resolve) => {
    const finish = () => {
      if (done) return;
      done = true;
      cancelHedge();
      cancelDeadline();
      resolve({ traffic, answered, problems });
    };
    const start = (): boolean => {
      const slot = slots[next++];
      if (!slot) return false;
      running++;
      void ask(slot).then((answer) => {
        running--;
        traffic = {
          calls: traffic.calls + answer.traffic.calls,
          bytes: traffic.bytes + answer.traffic.bytes,
        };
        if (answer.ok) answered++;
        else problems.push({ vendor: slot.config.name, reason: answer.reason, detail: answer.detail });
        // Also an answer that nobody waits for bears another one out, or not.
        const found = answer.ok ? enough() : 'no';
        if (done) return;
        if (found === 'nearly') start();
        if (found !== 'no') finish();
        else if (!start() && running === 0) finish();
      });
      return true;
    };
    const left = Math.max(0, deadlineMs - timing.nowMs());
    const cancelDeadline = timing.after(left, finish);
    const cancelHedge = left > hedgeMs ? timing.after(left - hedgeMs, start) : () => {};
    if (!start()) finish();
  });
}
