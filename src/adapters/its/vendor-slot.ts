import { setMaxListeners } from 'node:events';
import {
  type CircuitBreakerPolicy,
  ConsecutiveBreaker,
  circuitBreaker,
  handleAll,
  type IPolicy,
  TimeoutStrategy,
  timeout,
  wrap,
} from 'cockatiel';
import type { SignalAnswer, SignalFeed } from '../../ports.ts';
import type { RouteSignal } from '../../types.ts';
import type { MediatorConfig, VendorConfig } from './its-config.ts';
import type { ItsMetrics } from './its-metrics.ts';
import type { Timing } from './timing.ts';
import { TokenBucket } from './token-bucket.ts';
import type { Usage } from './usage.ts';
import { byIntersection, refusalOf, refuse } from './vendor.ts';

/** What the mediator needs to know of a vendor's configuration. */
export type SlotConfig = Pick<
  VendorConfig,
  'name' | 'provider' | 'aliases' | 'weight' | 'costPerCall' | 'timeoutMs' | 'ratePerSecond' | 'burst'
>;

export interface SlotDeps {
  readonly timing: Timing;
  readonly usage: Usage;
  readonly metrics: ItsMetrics;
  readonly onEvent: (kind: string, detail: string) => void;
}

/** Answers that say nothing against the vendor. */
const NO_FAILURE = new Set(['quota', 'no-such-head', 'not-watched', 'not-carried']);

/** One vendor behind its breaker, its time-out and its token bucket. */
export class VendorSlot {
  readonly config: SlotConfig;
  readonly #feed: SignalFeed;
  readonly #deps: SlotDeps;
  readonly #policy: IPolicy;
  readonly #breaker: CircuitBreakerPolicy;
  readonly #bucket: TokenBucket;
  readonly #closing = new AbortController();
  #openUntilMs = Number.NEGATIVE_INFINITY;
  #opened = 0;
  lastProblem: string | undefined;

  constructor(config: SlotConfig, feed: SignalFeed, times: MediatorConfig, deps: SlotDeps) {
    this.config = config;
    this.#feed = feed;
    this.#deps = deps;
    // One question for each intersection may listen at once.
    setMaxListeners(0, this.#closing.signal);
    this.#bucket = new TokenBucket(config.ratePerSecond, config.burst, deps.timing.nowMs());
    // The breaker's own pause goes by the wall clock, which may step; ours by the monotonic one.
    this.#breaker = circuitBreaker(
      handleAll.orWhenResult(
        (answer) => !(answer as SignalAnswer).ok && !NO_FAILURE.has((answer as { reason: string }).reason),
      ),
      { halfOpenAfter: Number.NEGATIVE_INFINITY, breaker: new ConsecutiveBreaker(times.breakerFailures) },
    );
    this.#breaker.onBreak(() => {
      const pause = Math.min(times.breakerMaxMs, times.breakerOpenMs * 2 ** Math.min(this.#opened++, 20));
      this.#openUntilMs = deps.timing.nowMs() + pause;
      deps.metrics.breakerOpen.set({ vendor: config.name }, 1);
      deps.onEvent(
        'breaker-open',
        `${config.name}: left alone for ${pause} ms after ${this.lastProblem ?? 'failures'}`,
      );
    });
    this.#breaker.onReset(() => {
      this.#opened = 0;
      this.#openUntilMs = Number.NEGATIVE_INFINITY;
      deps.metrics.breakerOpen.set({ vendor: config.name }, 0);
      deps.onEvent('breaker-closed', `${config.name}: answers again`);
    });
    this.#policy = wrap(this.#breaker, timeout(config.timeoutMs, TimeoutStrategy.Aggressive));
    deps.metrics.breakerOpen.set({ vendor: config.name }, 0);
  }

  /** The signal by this vendor's ids; undefined where it does not carry it. */
  own(signal: RouteSignal): RouteSignal | undefined {
    const alias = this.config.aliases[signal.signalId];
    if (alias) return { ...signal, ...alias };
    return signal.provider === this.config.provider ? signal : undefined;
  }

  /** Why it is not to be asked now; undefined where it may be. */
  unavailable(): 'breaker-open' | 'quota' | undefined {
    const now = this.#deps.timing.nowMs();
    if (now < this.#openUntilMs) return 'breaker-open';
    return this.#bucket.available(now) < 1 ? 'quota' : undefined;
  }

  watch(signals: readonly RouteSignal[]): void {
    this.#feed.watch(signals.flatMap((signal) => this.own(signal) ?? []));
  }

  close(): Promise<void> {
    this.#closing.abort();
    return this.#feed.close();
  }

  /** One question about signals of one intersection. Never rejects. */
  async ask(signals: readonly RouteSignal[], deadlineMs: number, abort?: AbortSignal): Promise<SignalAnswer> {
    const { timing, metrics } = this.#deps;
    const { name } = this.config;
    const own = signals.flatMap((signal) => this.own(signal) ?? []);
    if (own.length === 0) return refuse('not-carried', `${name} carries none of these signals`);
    const reason = this.unavailable();
    if (reason || !this.#bucket.take(timing.nowMs()))
      return refuse(reason ?? 'quota', `${name} is left alone`);
    const startMs = timing.nowMs();
    let answer: SignalAnswer;
    try {
      answer = await this.#policy.execute(async ({ signal }) => {
        const found = await askEach(this.#feed, own, deadlineMs, signal);
        if (!found.ok) this.lastProblem = `${found.reason}: ${found.detail}`;
        return found;
      }, abort ?? this.#closing.signal);
    } catch (error) {
      const cancelled = (error as { isTaskCancelledError?: boolean }).isTaskCancelledError === true;
      const { detail } = refusalOf(error);
      answer = refuse(cancelled ? 'timeout' : 'failed', `${name}: ${detail}`, { calls: 1, bytes: 0 });
      this.lastProblem = `${answer.ok ? '' : answer.reason}: ${detail}`;
    }
    metrics.answerSeconds.observe({ vendor: name }, (timing.nowMs() - startMs) / 1000);
    this.#account(answer);
    return answer;
  }

  /** Counts traffic that came by itself too. */
  meter(traffic: SignalAnswer['traffic'], failure?: string): void {
    const { usage, metrics } = this.#deps;
    const { name, costPerCall } = this.config;
    if (traffic.calls > 0) metrics.calls.inc({ vendor: name }, traffic.calls);
    if (traffic.bytes > 0) metrics.bytes.inc({ vendor: name }, traffic.bytes);
    if (traffic.calls > 0) metrics.cost.inc({ vendor: name }, traffic.calls * costPerCall);
    if (failure !== undefined) metrics.errors.inc({ vendor: name, reason: failure });
    if (traffic.calls + traffic.bytes > 0 || failure !== undefined)
      usage.add(name, traffic, failure !== undefined, costPerCall);
  }

  /** For the operator's page. */
  status(): { name: string; breaker: 'open' | 'closed'; pausedMs: number; lastProblem?: string } {
    const now = this.#deps.timing.nowMs();
    return {
      name: this.config.name,
      breaker: now < this.#openUntilMs ? 'open' : 'closed',
      pausedMs: Math.max(0, this.#bucket.pausedUntilMs - now),
      ...(this.lastProblem !== undefined && { lastProblem: this.lastProblem }),
    };
  }

  #account(answer: SignalAnswer): void {
    const { timing, onEvent } = this.#deps;
    this.meter(answer.traffic, answer.ok ? undefined : answer.reason);
    if (answer.ok) {
      this.#bucket.goodAnswer();
      // A question of two requests was let through by one token.
      if (answer.traffic.calls > 1) this.#bucket.take(timing.nowMs(), answer.traffic.calls - 1);
    } else if (answer.reason === 'quota' || answer.retryAfterMs !== undefined) {
      this.#bucket.quotaAnswer(timing.nowMs(), answer.retryAfterMs);
      onEvent('quota', `${this.config.name}: ${answer.detail}`);
    }
  }
}

/** One question for each intersection: what is one on our map may be two for a vendor. */
async function askEach(
  feed: SignalFeed,
  signals: readonly RouteSignal[],
  deadlineMs: number,
  abort: AbortSignal,
): Promise<SignalAnswer> {
  const [first, ...others] = [...byIntersection(signals).values()];
  if (others.length === 0) return feed.ask(first!, deadlineMs, abort);
  const answers = await Promise.all([first!, ...others].map((group) => feed.ask(group, deadlineMs, abort)));
  const traffic = answers.reduce(
    (sum, answer) => ({ calls: sum.calls + answer.traffic.calls, bytes: sum.bytes + answer.traffic.bytes }),
    { calls: 0, bytes: 0 },
  );
  const states = answers.flatMap((answer) => (answer.ok ? answer.states : []));
  const refused = answers.flatMap((answer) => (answer.ok ? answer.refused : [answer]));
  return states.length > 0 ? { ok: true, states, refused, traffic } : { ...answers[0]!, traffic };
}
