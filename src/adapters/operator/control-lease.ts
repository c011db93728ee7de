/** Who may command the robot. */
export interface Holder {
  readonly session: string;
  readonly name: string;
  readonly tag: string;
}

export type ControlChange =
  | { readonly kind: 'taken'; readonly holder: Holder; readonly before?: Holder }
  | { readonly kind: 'released' | 'lapsed'; readonly before: Holder };

/** Control by one operator at a time. The newest who takes it has it; a silent holder loses it. Time is passed in, ms. */
export class ControlLease {
  readonly #leaseMs: number;
  #holder: Holder | undefined;
  #untilMs = 0;

  constructor(leaseMs: number) {
    this.#leaseMs = leaseMs;
  }

  get holder(): Holder | undefined {
    return this.#holder;
  }

  /** Undefined where this session has it already. */
  take(holder: Holder, nowMs: number): ControlChange | undefined {
    const before = this.#holder;
    this.#holder = holder;
    this.#untilMs = nowMs + this.#leaseMs;
    if (before?.session === holder.session) return undefined;
    return { kind: 'taken', holder, ...(before && { before }) };
  }

  /** The holder is alive. */
  renew(session: string, nowMs: number): void {
    if (this.#holder?.session === session) this.#untilMs = nowMs + this.#leaseMs;
  }

  release(session: string): ControlChange | undefined {
    return this.#holder?.session === session ? this.#end('released') : undefined;
  }

  lapse(nowMs: number): ControlChange | undefined {
    return this.#holder && nowMs >= this.#untilMs ? this.#end('lapsed') : undefined;
  }

  /** Whether this session holds control now. */
  isHeldBy(session: string, nowMs: number): boolean {
    return this.#holder?.session === session && nowMs < this.#untilMs;
  }

  #end(kind: 'released' | 'lapsed'): ControlChange {
    const before = this.#holder!;
    this.#holder = undefined;
    return { kind, before };
  }
}
