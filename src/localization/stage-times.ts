/** Milliseconds by stage (a stage that runs several times: in all), on the clock that is passed in. */
export class StageTimes {
  readonly milliseconds: Record<string, number> = {};
  readonly #clock: { nowMs(): number };

  constructor(clock: { nowMs(): number }) {
    this.#clock = clock;
  }

  async stage<T>(name: string, work: () => Promise<T>): Promise<T> {
    const start = this.#clock.nowMs();
    const result = await work();
    this.milliseconds[name] = (this.milliseconds[name] ?? 0) + this.#clock.nowMs() - start;
    return result;
  }
}

/** Position and attitude out of the filter's 15 × 15. */
export function poseCovariance(covariance: Float64Array): Float64Array {
  const rows = [0, 1, 2, 6, 7, 8];
  return Float64Array.from(rows.flatMap((r) => rows.map((c) => covariance[15 * r + c]!)));
}
