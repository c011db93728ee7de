import type { Agent } from 'undici';
import type { SignalAnswer, Traffic } from '../../ports.ts';
import type { RouteSignal, SignalState } from '../../types.ts';
import { HEADS, type HeadRow, rawRemaining, readHeads, type Spelling, withTiming } from './heads.ts';
import { getBody, HttpRefusal, makeAgent } from './http-get.ts';
import type { VendorConfig } from './its-config.ts';
import { phaseOfName } from './phases.ts';
import { checkUnit, timingUsable, UNCHECKED, type UnitCheck, type UnitSample } from './unit-check.ts';
import { byIntersection, refusalOf, refuse, type Vendor, type VendorContext } from './vendor.ts';

export type HttpConfig = Exclude<VendorConfig, { kind: 'mqtt-spat' }>;

/** What differs between the feeds: which urls to get for an intersection, and how to read the bodies. */
export interface HttpFeed {
  readonly spelling: Spelling;
  urls(intersection: string): URL[];
  /** Rows with names of states and with timing, of the bodies in the order of `urls`. Throws Refusals. */
  rows(bodies: readonly Uint8Array[], intersection: string): { names: HeadRow; timing: HeadRow };
}

/**
 * A feed over HTTP: one request per intersection at a time, whoever asks for which of its signals, and only while one
 * of them is watched. Remaining times are held back until their unit is proven at that intersection.
 */
export class HttpVendor implements Vendor {
  readonly #config: HttpConfig;
  readonly #context: VendorContext;
  readonly #feed: HttpFeed;
  readonly #agent: Agent;
  readonly #closing = new AbortController();
  readonly #running = new Map<string, Promise<SignalAnswer>>();
  readonly #units = new Map<string, UnitCheck>();
  #watched = new Map<string, RouteSignal[]>();

  constructor(config: HttpConfig, context: VendorContext, feed: HttpFeed) {
    this.#config = config;
    this.#context = context;
    this.#feed = feed;
    this.#agent = makeAgent(config.timeoutMs);
  }

  watch(signals: readonly RouteSignal[]): void {
    this.#watched = byIntersection(signals);
    for (const id of this.#units.keys()) if (!this.#watched.has(id)) this.#units.delete(id);
  }

  async ask(signals: readonly RouteSignal[], deadlineMs: number, abort?: AbortSignal): Promise<SignalAnswer> {
    const intersection = signals[0]?.externalId;
    const all = intersection === undefined ? undefined : this.#watched.get(intersection);
    if (intersection === undefined || !all)
      return refuse('not-watched', `intersection ${intersection}: no signal of it is within query distance`);
    let running = this.#running.get(intersection);
    const shared = running !== undefined;
    if (!running) {
      running = this.#get(intersection, all, deadlineMs, abort).finally(() =>
        this.#running.delete(intersection),
      );
      this.#running.set(intersection, running);
    }
    const answer = await running;
    const traffic = shared ? { calls: 0, bytes: 0 } : answer.traffic;
    if (!answer.ok) return { ...answer, traffic };
    const states = answer.states.filter(({ signalId }) => signals.some((one) => one.signalId === signalId));
    return states.length > 0
      ? { ...answer, traffic, states }
      : refuse('no-such-head', answer.refused.map(({ detail }) => detail).join('; '), traffic);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#agent.destroy();
  }

  async #get(
    intersection: string,
    signals: readonly RouteSignal[],
    deadlineMs: number,
    abort: AbortSignal | undefined,
  ): Promise<SignalAnswer> {
    const { timing } = this.#context;
    const { timeoutMs, maxBytes } = this.#config;
    const late = new AbortController();
    const cancel = timing.after(Math.min(timeoutMs, Math.max(0, deadlineMs - timing.nowMs())), () =>
      late.abort(),
    );
    const signal = AbortSignal.any([late.signal, this.#closing.signal, ...(abort ? [abort] : [])]);
    let traffic: Traffic = { calls: 0, bytes: 0 };
    try {
      const urls = this.#feed.urls(intersection);
      traffic = { calls: urls.length, bytes: 0 };
      const options = { agent: this.#agent, abort: signal, maxBytes, wallMs: timing.wallMs() };
      const bodies = await Promise.all(urls.map((url) => getBody(url, options)));
      traffic = { calls: urls.length, bytes: bodies.reduce((sum, { length }) => sum + length, 0) };
      const { names, timing: counts } = this.#feed.rows(bodies, intersection);
      return { ...this.#read(signals, names, counts), ok: true, traffic };
    } catch (error) {
      late.abort(); // the other request of a pair
      const { reason, detail } = refusalOf(error);
      if (error instanceof HttpRefusal)
        return refuse(reason, detail, { ...traffic, bytes: error.bytes }, error.retryAfterMs);
      return refuse(reason, detail, traffic);
    } finally {
      cancel();
    }
  }

  #read(signals: readonly RouteSignal[], names: HeadRow, timing: HeadRow) {
    const { spelling } = this.#feed;
    const { name, unitsPerSecond } = this.#config;
    const unit = checkUnit(
      this.#units.get(names.intersection) ?? UNCHECKED,
      samplesOf(names, timing, spelling),
      unitsPerSecond,
    );
    this.#units.set(names.intersection, unit);
    const { readings, refused } = readHeads(
      signals,
      names,
      timing,
      spelling,
      name,
      this.#context.timing.nowMs(),
    );
    const states = readings.map((reading): SignalState => {
      const usable = timingUsable(unit, reading.signal.head);
      if (!usable && reading.raw !== undefined) {
        const detail = `signal ${reading.state.signalId}: ${unit.verdict}, ${unit.rate?.toFixed(1) ?? 'no'} units a second seen, ${unitsPerSecond} expected`;
        refused.push({ reason: `unit-${unit.verdict === 'wrong' ? 'wrong' : 'unproven'}`, detail });
      }
      return withTiming(reading, usable ? unitsPerSecond : undefined);
    });
    for (const note of refused) this.#context.onNote(name, note);
    return { states, refused };
  }
}

/** All heads of an intersection, of which any proves the unit. */
function samplesOf(names: HeadRow, timing: HeadRow, spelling: Spelling): Map<string, UnitSample> {
  const samples = new Map<string, UnitSample>();
  for (const head of HEADS) {
    const raw = rawRemaining(timing.row, head, spelling);
    const name = names.row[`${head}Pdsg${spelling.state}`];
    const phase = typeof name === 'string' ? phaseOfName(name.trim()) : undefined;
    if (raw !== undefined && phase) samples.set(head, { sourceTime: timing.sourceTime, raw, phase });
  }
  return samples;
}
