/** How long words of a vendor count for and against it, ms. */
export interface TrustTimes {
  readonly trustMs: number;
  readonly distrustMs: number;
  readonly probationMs: number;
}

/** Whom to believe: vendors are borne out by each other, and distrusted once they contradicted themselves. */
export class Trust {
  readonly #times: TrustTimes;
  readonly #agreedAt = new Map<string, number>();
  readonly #contradictedAt = new Map<string, number>();
  /** since its contradiction, by a trusted vendor */
  readonly #borneOut = new Set<string>();

  constructor(times: TrustTimes) {
    this.#times = times;
  }

  trusted(vendor: string, nowMs: number): boolean {
    const agreed = this.#agreedAt.get(vendor);
    return agreed !== undefined && nowMs - agreed <= this.#times.trustMs && !this.distrusted(vendor, nowMs);
  }

  distrusted(vendor: string, nowMs: number): boolean {
    const at = this.#contradictedAt.get(vendor);
    if (at === undefined) return false;
    const { probationMs, distrustMs } = this.#times;
    return nowMs - at < (this.#borneOut.has(vendor) ? probationMs : distrustMs);
  }

  /** How long ago a vendor was borne out; Infinity where never. */
  agreedAgoMs(vendor: string, nowMs: number): number {
    return nowMs - (this.#agreedAt.get(vendor) ?? Number.NEGATIVE_INFINITY);
  }

  /** Two vendors say the same: that counts for both, unless one is distrusted. */
  agree(a: string, b: string, nowMs: number): void {
    const [badA, badB] = [this.distrusted(a, nowMs), this.distrusted(b, nowMs)];
    if (!badA && !badB) {
      this.#agreedAt.set(a, nowMs);
      this.#agreedAt.set(b, nowMs);
    }
    if (badA && this.trusted(b, nowMs)) this.#borneOut.add(a);
    if (badB && this.trusted(a, nowMs)) this.#borneOut.add(b);
  }

  /** It contradicted itself, or was outvoted. */
  contradict(vendor: string, nowMs: number): void {
    this.#contradictedAt.set(vendor, nowMs);
    this.#borneOut.delete(vendor);
    this.#agreedAt.delete(vendor);
  }
}
