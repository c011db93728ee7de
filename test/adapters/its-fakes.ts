import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type MediatorConfig,
  mediatorConfig,
  type VendorConfig,
  vendorConfig,
} from '../../src/adapters/its/its-config.ts';
import type { Timing } from '../../src/adapters/its/timing.ts';
import type { SlotConfig } from '../../src/adapters/its/vendor-slot.ts';
import type { SignalAnswer, SignalFeed } from '../../src/ports.ts';
import type { RouteSignal, SignalPhase, SignalState } from '../../src/types.ts';

export { HandTiming } from '../../src/adapters/its/hand-timing.ts';

/** A vendor whose answers a test sets; it may answer late, or never. */
export class FakeFeed implements SignalFeed {
  asked: (readonly RouteSignal[])[] = [];
  watched: readonly RouteSignal[] = [];
  /** undefined: never answers */
  answer: ((signals: readonly RouteSignal[]) => SignalAnswer) | undefined;
  delayMs = 0;
  readonly #timing: Timing;

  constructor(timing: Timing, answer?: (signals: readonly RouteSignal[]) => SignalAnswer) {
    this.#timing = timing;
    this.answer = answer;
  }

  watch(signals: readonly RouteSignal[]): void {
    this.watched = signals;
  }

  ask(signals: readonly RouteSignal[]): Promise<SignalAnswer> {
    this.asked.push(signals);
    const { answer } = this;
    return new Promise((resolve) => {
      if (!answer) return;
      if (this.delayMs === 0) resolve(answer(signals));
      else this.#timing.after(this.delayMs, () => resolve(answer(signals)));
    });
  }

  async close(): Promise<void> {}
}

/** An answer of one state for each signal, stamped now. */
export function says(
  timing: Timing,
  phase: SignalPhase,
  min?: number,
  more: Partial<SignalState> = {},
): (signals: readonly RouteSignal[]) => SignalAnswer {
  return (signals) => ({
    ok: true,
    refused: [],
    traffic: { calls: 1, bytes: 100 },
    states: signals.map(({ signalId }) => ({
      signalId,
      phase,
      ...(min !== undefined && { remaining: { min, likely: min, max: min } }),
      sourceTime: timing.wallMs(),
      timingSourceTime: timing.wallMs(),
      receivedAtMs: timing.nowMs(),
      provider: 'x',
      raw: null,
      ...more,
    })),
  });
}

export function fails(reason: string, retryAfterMs?: number): () => SignalAnswer {
  const retry = retryAfterMs === undefined ? {} : { retryAfterMs };
  return () => ({ ok: false, reason, detail: 'made up', traffic: { calls: 1, bytes: 0 }, ...retry });
}

export function slotConfig(name: string, more: Partial<SlotConfig> = {}): SlotConfig {
  const rate = { ratePerSecond: 1000, burst: 1000 };
  return {
    name,
    provider: 'seoul',
    aliases: {},
    weight: 1,
    costPerCall: 0,
    timeoutMs: 10_000,
    ...rate,
    ...more,
  };
}

export const times = (more: Partial<MediatorConfig> = {}): MediatorConfig => mediatorConfig.parse(more);

/** A vendor's configuration with its defaults. */
export function httpConfig(kind: 'city-http' | 'national-http', url: string, more: object = {}) {
  return vendorConfig.parse({ kind, name: kind, provider: 'seoul', url, timeoutMs: 300, ...more }) as Exclude<
    VendorConfig,
    { kind: 'mqtt-spat' }
  >;
}

/** A server on a free port of this machine. */
export async function listen(listener: RequestListener): Promise<{ url: string; server: Server }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}
