/** A vendor's rate, and the pauses that its quota answers ask for. Time is passed in, ms. */
export class TokenBucket {
  readonly #perMs: number;
  readonly #burst: number;
  #tokens: number;
  #atMs: number;
  #pausedUntilMs = Number.NEGATIVE_INFINITY;
  #quotaAnswers = 0;

  constructor(ratePerSecond: number, burst: number, nowMs: number) {
    this.#perMs = ratePerSecond / 1000;
    this.#burst = burst;
    this.#tokens = burst;
    this.#atMs = nowMs;
  }

  /** Whole tokens there are; 0 during a pause. */
  available(nowMs: number): number {
    this.#tokens = Math.min(this.#burst, this.#tokens + Math.max(0, nowMs - this.#atMs) * this.#perMs);
    this.#atMs = nowMs;
    return nowMs < this.#pausedUntilMs ? 0 : Math.floor(this.#tokens);
  }

  take(nowMs: number, count = 1): boolean {
    if (this.available(nowMs) < 1) return false;
    // A question that costs two requests may go one into debt.
    this.#tokens -= count;
    return true;
  }

  /** The vendor says that its quota is used up: a pause as long as it asks for, else 1 s doubling to 5 minutes. */
  quotaAnswer(nowMs: number, retryAfterMs?: number): void {
    const pause = retryAfterMs ?? Math.min(300_000, 1000 * 2 ** Math.min(this.#quotaAnswers, 20));
    this.#quotaAnswers++;
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, nowMs + pause);
    this.#tokens = Math.min(this.#tokens, 1);
  }

  goodAnswer(): void {
    this.#quotaAnswers = 0;
  }

  get pausedUntilMs(): number {
    return this.#pausedUntilMs;
  }
}
