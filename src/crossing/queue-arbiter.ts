import type { SessionAnswer, SessionRequest } from './session-types.ts';

/** How one door or lift is shared; seconds. */
export interface SharingRules {
  /** each grant and renewal, at most */
  readonly lease: number;
  /** one session in all, while others wait */
  readonly maxHold: number;
  /** whoever waits and does not repeat its request for so long is gone */
  readonly patience: number;
  readonly maxQueue: number;
}

interface Claim {
  readonly sessionId: string;
  readonly sequence: number;
  /** where it wants the lift to be */
  readonly floor?: string;
}

/** Who holds a door or lift, who waits, and what was released. Times in ms on the monotonic clock. */
export interface Arbiter {
  readonly holder?: (Claim & { readonly sinceMs: number; readonly leaseUntilMs: number }) | undefined;
  readonly queue: readonly (Claim & { readonly heardAtMs: number })[];
  /** session → its last release: what was sent before it comes too late */
  readonly released: Readonly<Record<string, { readonly sequence: number; readonly atMs: number }>>;
}

export const newArbiter: Arbiter = { queue: [], released: {} };

/** A delayed request that is older than this cannot come any more: releases are remembered so long, s. */
const MEMORY = 600;

/**
 * The vendor's side of sessions: first come, first served; one session at a time. A repeated request gets its answer
 * again and changes nothing. Without a request, time passes: leases end, and the next in the queue is granted.
 */
export function arbitrate(
  arbiter: Arbiter,
  request: SessionRequest | undefined,
  nowMs: number,
  rules: SharingRules,
): { readonly arbiter: Arbiter; readonly answers: readonly SessionAnswer[] } {
  const before = grantNext(passed(arbiter, nowMs, rules), nowMs, rules);
  if (!request) return before;
  const after =
    request.kind === 'release'
      ? release(before.arbiter, request, nowMs)
      : acquire(before.arbiter, request, nowMs, rules);
  const granted = grantNext(after.arbiter, nowMs, rules);
  const own = granted.arbiter.holder?.sessionId === request.sessionId && granted.answers.length > 0;
  const answers = own ? granted.answers : [...after.answers, ...granted.answers];
  return { arbiter: granted.arbiter, answers: [...before.answers, ...answers] };
}

type Ruling = { readonly arbiter: Arbiter; readonly answers: readonly SessionAnswer[] };

/** Without what has run out. */
function passed({ holder, queue, released }: Arbiter, nowMs: number, rules: SharingRules): Arbiter {
  const recent = Object.entries(released).filter(([, { atMs }]) => nowMs - atMs < 1000 * MEMORY);
  return {
    holder: holder && nowMs < holder.leaseUntilMs ? holder : undefined,
    queue: queue.filter(({ heardAtMs }) => nowMs - heardAtMs < 1000 * rules.patience),
    released: Object.fromEntries(recent),
  };
}

function grantNext(arbiter: Arbiter, nowMs: number, rules: SharingRules): Ruling {
  const [next, ...queue] = arbiter.queue;
  if (arbiter.holder || !next) return { arbiter, answers: [] };
  const { heardAtMs: _, ...claim } = next;
  const leaseUntilMs = nowMs + 1000 * Math.min(rules.lease, rules.maxHold);
  const holder = { ...claim, sinceMs: nowMs, leaseUntilMs };
  return { arbiter: { ...arbiter, holder, queue }, answers: [granted(holder, nowMs)] };
}

function acquire(arbiter: Arbiter, request: SessionRequest, nowMs: number, rules: SharingRules): Ruling {
  const { holder, queue, released } = arbiter;
  const { sessionId, sequence, floor } = request;
  const claim: Claim = { sessionId, sequence, ...(floor !== undefined && { floor }) };
  if (sequence <= (released[sessionId]?.sequence ?? 0)) return { arbiter, answers: [] };
  if (holder?.sessionId === sessionId) {
    if (sequence < holder.sequence) return { arbiter, answers: [] };
    const limitMs = queue.length > 0 ? holder.sinceMs + 1000 * rules.maxHold : Number.POSITIVE_INFINITY;
    const renewedMs = Math.min(nowMs + 1000 * rules.lease, limitMs);
    const leaseUntilMs =
      sequence > holder.sequence ? Math.max(holder.leaseUntilMs, renewedMs) : holder.leaseUntilMs;
    const held = { ...claim, sinceMs: holder.sinceMs, leaseUntilMs };
    return { arbiter: { ...arbiter, holder: held }, answers: [granted(held, nowMs)] };
  }
  const at = queue.findIndex((waiting) => waiting.sessionId === sessionId);
  if (at < 0 && queue.length >= rules.maxQueue)
    return { arbiter, answers: [{ sessionId, sequence, kind: 'refused', text: 'the queue is full' }] };
  if (at >= 0 && sequence < queue[at]!.sequence) return { arbiter, answers: [] };
  const waiting = { ...claim, heardAtMs: nowMs };
  const longer = at < 0 ? [...queue, waiting] : queue.with(at, waiting);
  const position = at < 0 ? longer.length : at + 1;
  return {
    arbiter: { ...arbiter, queue: longer },
    answers: [{ sessionId, sequence, kind: 'queued', position }],
  };
}

function release(arbiter: Arbiter, { sessionId, sequence }: SessionRequest, nowMs: number): Ruling {
  const newest = Math.max(sequence, arbiter.released[sessionId]?.sequence ?? 0);
  const held = arbiter.holder?.sessionId === sessionId;
  const claim = held ? arbiter.holder : arbiter.queue.find((waiting) => waiting.sessionId === sessionId);
  // A release that was overtaken by a newer request of its own session says nothing any more.
  if (claim && sequence < claim.sequence) return { arbiter, answers: [] };
  return {
    arbiter: {
      holder: held ? undefined : arbiter.holder,
      queue: arbiter.queue.filter((waiting) => waiting.sessionId !== sessionId),
      released: { ...arbiter.released, [sessionId]: { sequence: newest, atMs: nowMs } },
    },
    answers: [{ sessionId, sequence, kind: 'released' }],
  };
}

function granted(
  { sessionId, sequence, leaseUntilMs }: NonNullable<Arbiter['holder']>,
  nowMs: number,
): SessionAnswer {
  return { sessionId, sequence, kind: 'granted', leaseSeconds: (leaseUntilMs - nowMs) / 1000 };
}
