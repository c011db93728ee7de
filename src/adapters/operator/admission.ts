import type { OperatorConfig } from './operator-config.ts';

/** As many per period as it says, and no more than `burst` at once; time is passed in, ms. */
class Bucket {
  #level: number;
  #atMs: number;
  readonly #perMs: number;
  readonly #burst: number;
  constructor(perMs: number, burst: number, nowMs: number) {
    this.#perMs = perMs;
    this.#burst = burst;
    this.#level = burst;
    this.#atMs = nowMs;
  }

  take(nowMs: number): boolean {
    this.#fill(nowMs);
    if (this.#level < 1) return false;
    this.#level--;
    return true;
  }

  isFull(nowMs: number): boolean {
    this.#fill(nowMs);
    return this.#level >= this.#burst;
  }

  #fill(nowMs: number): void {
    this.#level = Math.min(this.#burst, this.#level + Math.max(0, nowMs - this.#atMs) * this.#perMs);
    this.#atMs = nowMs;
  }
}

/** Keys remembered at most; full buckets are forgotten first, for they say nothing. */
const MOST_KEYS = 20_000;

/** A bucket for each key. */
class Rate {
  readonly #buckets = new Map<string, Bucket>();
  readonly #perMs: number;
  readonly #burst: number;
  constructor(perMs: number, burst: number) {
    this.#perMs = perMs;
    this.#burst = burst;
  }

  take(key: string, nowMs: number): boolean {
    let bucket = this.#buckets.get(key);
    if (!bucket) {
      if (this.#buckets.size >= MOST_KEYS) this.forget(nowMs);
      if (this.#buckets.size >= MOST_KEYS) return false;
      bucket = new Bucket(this.#perMs, this.#burst, nowMs);
      this.#buckets.set(key, bucket);
    }
    return bucket.take(nowMs);
  }

  forget(nowMs: number): void {
    for (const [key, bucket] of this.#buckets) if (bucket.isFull(nowMs)) this.#buckets.delete(key);
  }
}

export type AdmissionProblem = 'too-many-attempts' | 'too-many-connections';

/** Who may connect and how much they may say, by address and by token. */
export class Admission {
  readonly #limits: OperatorConfig['limits'];
  readonly #attempts: Rate;
  readonly #requests: Rate;
  readonly #messages: Rate;
  readonly #byAddress = new Map<string, number>();
  readonly #byToken = new Map<string, number>();
  #clients = 0;

  constructor(limits: OperatorConfig['limits']) {
    this.#limits = limits;
    this.#attempts = new Rate(limits.connectsPerMinute / 60_000, limits.connectsPerMinute);
    this.#requests = new Rate(limits.requestsPerMinute / 60_000, limits.requestsPerMinute);
    this.#messages = new Rate(limits.messagesPerSecond / 1000, 2 * limits.messagesPerSecond);
  }

  /** Before a token is looked at, so that guessing costs its address. */
  attempt(address: string, nowMs: number): AdmissionProblem | undefined {
    if (!this.#attempts.take(address, nowMs)) return 'too-many-attempts';
    const { clients, perAddress } = this.#limits;
    if (this.#clients >= clients || (this.#byAddress.get(address) ?? 0) >= perAddress)
      return 'too-many-connections';
    return undefined;
  }

  request(address: string, nowMs: number): boolean {
    return this.#requests.take(address, nowMs);
  }

  /** A client came; the function that is given back is to be called once when it goes. */
  enter(address: string, subject: string): (() => void) | AdmissionProblem {
    const { clients, perAddress, perToken } = this.#limits;
    if (
      this.#clients >= clients ||
      (this.#byAddress.get(address) ?? 0) >= perAddress ||
      (this.#byToken.get(subject) ?? 0) >= perToken
    )
      return 'too-many-connections';
    this.#clients++;
    change(this.#byAddress, address, 1);
    change(this.#byToken, subject, 1);
    return () => {
      this.#clients--;
      change(this.#byAddress, address, -1);
      change(this.#byToken, subject, -1);
    };
  }

  message(subject: string, nowMs: number): boolean {
    return this.#messages.take(subject, nowMs);
  }

  forget(nowMs: number): void {
    for (const rate of [this.#attempts, this.#requests, this.#messages]) rate.forget(nowMs);
  }
}

function change(counts: Map<string, number>, key: string, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}
