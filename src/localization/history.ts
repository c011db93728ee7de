import { tidy } from '../math/scratch.ts';
import type { Stamp } from '../types.ts';
import { compareInputs, type FilterInput } from './filter-input.ts';
import { type FilterState, STATES } from './filter-state.ts';
import type { Step } from './filter-step.ts';

export interface Entry extends Step {
  readonly input: FilterInput;
}

/**
 * The inputs of the last seconds in the order of their stamps, each with the state after it. An input that comes late
 * is put in its place and everything after it is computed again, so the order of arrival does not matter.
 * A state is valid as long as its entry is kept: its covariance is written anew for another one after that.
 */
export class History {
  #entries: Entry[] = [];
  /** whether inputs before the first entry have been forgotten */
  #trimmed = false;
  /** covariances of entries that are gone */
  readonly #spare: Float64Array[] = [];
  readonly #step: (before: FilterState | undefined, input: FilterInput) => Step;
  readonly #spanNs: bigint;
  readonly #maxEntries: number;

  constructor(
    step: (before: FilterState | undefined, input: FilterInput) => Step,
    spanSeconds: number,
    maxEntries: number,
  ) {
    this.#step = step;
    this.#spanNs = BigInt(Math.round(spanSeconds * 1e9));
    this.#maxEntries = maxEntries;
  }

  get newest(): Entry | undefined {
    return this.#entries.at(-1);
  }

  /** What the input did, or why it has no place: `too-old`, `duplicate-stamp`. */
  add(input: FilterInput): Step | 'too-old' | 'duplicate-stamp' {
    const place = this.#placeOf(input);
    if (this.isTooOld(input.stamp) || (place === 0 && this.#trimmed)) return 'too-old';
    const previous = this.#entries[place - 1]?.input;
    const same = previous?.stamp === input.stamp && previous.kind === input.kind;
    if (same && input.kind !== 'initialize') return 'duplicate-stamp';

    const later = this.#entries.splice(place);
    this.#recycle(later);
    const own = this.#append(input);
    for (const entry of later) this.#append(entry.input);
    this.#trim();
    return own;
  }

  /** The step of an input after all entries, its state in memory that this history owns. */
  #append(input: FilterInput): Entry {
    const before = this.newest?.state;
    const entry = tidy((): Entry => {
      const { state, record } = this.#step(before, input);
      if (state === undefined) return { input, state, record };
      const covariance = this.#spare.pop() ?? new Float64Array(STATES * STATES);
      covariance.set(state.covariance);
      // A step that changes nothing gives the state before back, which is another entry's.
      const own: { -readonly [K in keyof FilterState]: FilterState[K] } =
        state === before ? { ...state } : state;
      own.covariance = covariance;
      return { input, state: own, record };
    });
    this.#entries.push(entry);
    return entry;
  }

  #recycle(gone: readonly Entry[]): void {
    for (const { state } of gone) if (state) this.#spare.push(state.covariance);
  }

  /** Whether a stamp lies before the window that inputs are kept for. */
  isTooOld(stamp: Stamp): boolean {
    const newest = this.newest?.input.stamp ?? stamp;
    return stamp < newest - this.#spanNs;
  }

  /** The latest entry at or before a stamp, and those after it. */
  around(stamp: Stamp): { readonly at: Entry | undefined; readonly after: readonly Entry[] } {
    const place = this.#firstAfter((entry) => entry.input.stamp > stamp);
    return { at: this.#entries[place - 1], after: this.#entries.slice(place) };
  }

  #placeOf(input: FilterInput): number {
    return this.#firstAfter((entry) => compareInputs(entry.input, input) > 0);
  }

  /** Searches from the end: nearly every input is the newest. */
  #firstAfter(isAfter: (entry: Entry) => boolean): number {
    let place = this.#entries.length;
    while (place > 0 && isAfter(this.#entries[place - 1]!)) place--;
    return place;
  }

  /** The first entry kept is the last one at or before the window's start, so every stamp inside has a predecessor. */
  #trim(): void {
    const start = (this.newest?.input.stamp ?? 0n) - this.#spanNs;
    let drop = Math.max(0, this.#entries.length - this.#maxEntries);
    while (drop + 1 < this.#entries.length && this.#entries[drop + 1]!.input.stamp <= start) drop++;
    if (drop === 0) return;
    this.#recycle(this.#entries.splice(0, drop));
    this.#trimmed = true;
  }
}
