import { Refusal } from '../types.ts';

/** Throws a Refusal `cancelled` once the signal is aborted. */
export function throwIfCancelled(signal: AbortSignal | undefined, doing: string): void {
  if (signal?.aborted) throw new Refusal('cancelled', `cancelled while ${doing}`);
}
