import { setTimeout as pause } from 'node:timers/promises';
import {
  type BulkheadPolicy,
  bulkhead,
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  decorrelatedJitterGenerator,
  ExponentialBackoff,
  handleWhen,
  isBrokenCircuitError,
  type RetryPolicy,
  retry,
} from 'cockatiel';
import { Agent } from 'undici';
import { Refusal, refusalReason } from '../../types.ts';
import { GrowingBuffer } from './growing-buffer.ts';
import type { ServiceConfig } from './tiles-config.ts';
import { attempt, beginning, type Progress, type Sink, type Transfer, TransferError } from './transfer.ts';

export interface Download {
  readonly url: string;
  readonly bytes: number;
  readonly sha256?: string | undefined;
}

/** A small answer, in memory. */
export interface Answer {
  readonly body: Uint8Array;
  readonly etag: string | undefined;
  /** the service's Date, ms */
  readonly serviceMs: number | undefined;
}

/** HTTP with bounded parallel downloads, resume, retries and a circuit breaker. */
export class HttpClient {
  readonly #config: ServiceConfig;
  readonly #headers: Record<string, string>;
  readonly #agent: Agent;
  readonly #slots: BulkheadPolicy;
  readonly #retry: RetryPolicy;
  readonly #breaker: CircuitBreakerPolicy;
  readonly #closing = new AbortController();
  /** bytes of bodies that were received */
  received = 0;

  constructor(config: ServiceConfig, token?: string) {
    this.#config = config;
    this.#headers = token ? { authorization: `Bearer ${token}` } : {};
    this.#agent = new Agent({
      connect: { timeout: 1000 * config.connectTimeout },
      headersTimeout: 1000 * config.stallTimeout,
      bodyTimeout: 1000 * config.stallTimeout,
      connections: config.parallel,
    });
    this.#slots = bulkhead(config.parallel, Number.POSITIVE_INFINITY);
    this.#retry = retry(
      handleWhen((error) => error instanceof TransferError && error.transient),
      {
        maxAttempts: config.attempts - 1,
        backoff: new ExponentialBackoff({
          initialDelay: 1000 * config.firstPause,
          maxDelay: 1000 * config.longestPause,
          generator: decorrelatedJitterGenerator,
        }),
      },
    );
    // A service that answers with a few bytes at a time, or with the wrong ones, is there.
    this.#breaker = circuitBreaker(
      handleWhen(
        (error) =>
          error instanceof TransferError &&
          !error.progressed &&
          ['service-unreachable', 'service-error', 'download-stalled'].includes(error.reason),
      ),
      { halfOpenAfter: 1000 * config.breakFor, breaker: new ConsecutiveBreaker(config.breakAfter) },
    );
  }

  /** False while the service is left alone after too many failures. */
  get isReachable(): boolean {
    return this.#breaker.state !== CircuitState.Open;
  }

  /** Brings a file into a sink, whole and with the right hash; else rejects with a Refusal, or the sink's own error. */
  async download(file: Download, sink: Sink): Promise<void> {
    await this.#persist(this.#transfer(file, this.#headers, sink), beginning());
  }

  /** A file of at most `bytes`, in memory. Undefined where it is still what `etag` names. */
  async get(url: string, bytes: number, etag?: string): Promise<Answer | undefined> {
    const memory = new GrowingBuffer(bytes);
    const progress = beginning();
    const headers = { ...this.#headers, ...(etag && { 'if-none-match': etag }) };
    try {
      await this.#persist(this.#transfer({ url, bytes }, headers, memory), progress);
    } catch (error) {
      if (refusalReason(error) === 'unchanged') return undefined;
      throw error;
    }
    return { body: memory.bytes, etag: progress.etag, serviceMs: progress.serviceMs };
  }

  /** The answer to a question that changes nothing at the service; at most `bytes`. */
  async ask(url: string, question: object, bytes: number): Promise<Uint8Array> {
    const memory = new GrowingBuffer(bytes);
    const headers = { ...this.#headers, 'content-type': 'application/json' };
    const transfer = this.#transfer({ url, bytes }, headers, memory);
    // The rest of an answer to a question cannot be asked for: what was cut comes anew.
    await this.#persist({ ...transfer, question: JSON.stringify(question) }, beginning());
    return memory.bytes;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#agent.destroy();
  }

  #transfer({ url, bytes, sha256 }: Download, headers: Record<string, string>, sink: Sink): Transfer {
    const write = async (chunk: Uint8Array) => {
      this.received += chunk.length;
      await sink.write(chunk);
    };
    return {
      url,
      bytes,
      sha256,
      headers,
      dispatcher: this.#agent,
      timeoutMs: 1000 * this.#config.downloadTimeout,
      signal: this.#closing.signal,
      sink: { write, restart: () => sink.restart(), expect: (expected) => sink.expect?.(expected) },
    };
  }

  /** Attempts until it is done. Between two of them no slot is held. */
  async #persist(transfer: Transfer, progress: Progress): Promise<void> {
    const once = async () => {
      try {
        await attempt(transfer, progress);
      } catch (error) {
        const waitMs = error instanceof TransferError ? error.waitMs : 0;
        if (waitMs > 0) await pause(Math.min(waitMs, 1000 * this.#config.longestPause));
        throw error;
      }
    };
    try {
      await this.#retry.execute(() => this.#slots.execute(() => this.#breaker.execute(once)));
    } catch (error) {
      if (isBrokenCircuitError(error))
        throw new Refusal(
          'service-unreachable',
          `${transfer.url}: not asked: ${this.#config.breakAfter} attempts in a row failed; it is tried again within ${this.#config.breakFor} s`,
        );
      if (error instanceof TransferError) throw new Refusal(error.reason, error.message);
      throw error;
    }
  }
}
