import { tidy } from '../math/scratch.ts';
import type { Stamp, UpdateRecord } from '../types.ts';
import { compareInputs, type FilterInput } from './filter-input.ts';
import type { FilterState } from './filter-state.ts';
import type { Step } from './filter-step.ts';
import { InputRow, StateRow } from './state-row.ts';

/** An input and the state after it, in memory that serves one input after another. */
class Entry {
  readonly #often = new InputRow();
  readonly #state = new StateRow();
  #rare: FilterInput | undefined;
  #kind: FilterInput['kind'] = 'imu';
  #known = false;

  write(input: FilterInput, state: FilterState | undefined): void {
    const often = input.kind === 'imu' || input.kind === 'odometry';
    this.#kind = input.kind;
    this.#rare = often ? undefined : input;
    if (often) this.#often.write(input);
    this.#known = state !== undefined;
    if (state) this.#state.write(state);
  }

  get input(): FilterInput {
    return this.#rare ?? this.#often.read();
  }

  get kind(): FilterInput['kind'] {
    return this.#kind;
  }

  get stamp(): Stamp {
    return this.#rare?.stamp ?? this.#often.stamp;
  }

  /** whether there is a state */
  get known(): boolean {
    return this.#known;
  }

  /** Its covariance is valid until the entry is forgotten. */
  get state(): FilterState | undefined {
    return this.#known ? this.#state.read() : undefined;
  }
}

/**
 * The inputs of the last seconds in the order of their stamps, each with the state after it. An input that comes late
 * is put in its place and everything after it is computed again, so the order of arrival does not matter.
 * The covariance of a state is valid as long as its entry is kept.
 */
export class History {
  #entries: Entry[] = [];
  /** whether inputs before the first entry have been forgotten */
  #trimmed = false;
  /** entries that are gone */
  readonly #spare: Entry[] = [];
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

  /** The record of what the input did, if it makes one, or why it has no place. */
  add(input: FilterInput): UpdateRecord | undefined | 'too-old' | 'duplicate-stamp' {
    const place = this.#placeOf(input);
    if (this.isTooOld(input.stamp) || (place === 0 && this.#trimmed)) return 'too-old';
    const previous = this.#entries[place - 1];
    const same = previous?.stamp === input.stamp && previous.kind === input.kind;
    if (same && input.kind !== 'initialize') return 'duplicate-stamp';

    const later = this.#entries.splice(place);
    const record = this.#append(this.#spare.pop() ?? new Entry(), input);
    for (const entry of later) this.#append(entry, entry.input);
    this.#trim();
    return record;
  }

  /** The step of an input after all entries. */
  #append(entry: Entry, input: FilterInput): UpdateRecord | undefined {
    const before = this.newest?.state;
    return tidy(() => {
      const { state, record } = this.#step(before, input);
      entry.write(input, state);
      this.#entries.push(entry);
      return record;
    });
  }

  /** Whether a stamp lies before the window that inputs are kept for. */
  isTooOld(stamp: Stamp): boolean {
    const newest = this.newest?.stamp ?? stamp;
    return stamp < newest - this.#spanNs;
  }

  /** The latest entry at or before a stamp, and those after it. */
  around(stamp: Stamp): { readonly at: Entry | undefined; readonly after: readonly Entry[] } {
    const place = this.#firstAfter((entry) => entry.stamp > stamp);
    return { at: this.#entries[place - 1], after: this.#entries.slice(place) };
  }

  #placeOf(input: FilterInput): number {
    return this.#firstAfter((entry) => compareInputs(entry, input) > 0);
  }

  /** Searches from the end: nearly every input is the newest. */
  #firstAfter(isAfter: (entry: Entry) => boolean): number {
    let place = this.#entries.length;
    while (place > 0 && isAfter(this.#entries[place - 1]!)) place--;
    return place;
  }

  /** The first entry kept is the last one at or before the window's start, so every stamp inside has a predecessor. */
  #trim(): void {
    const start = (this.newest?.stamp ?? 0n) - this.#spanNs;
    let drop = Math.max(0, this.#entries.length - this.#maxEntries);
    while (drop + 1 < this.#entries.length && this.#entries[drop + 1]!.stamp <= start) drop++;
    if (drop === 0) return;
    this.#spare.push(...this.#entries.splice(0, drop));
    this.#trimmed = true;
  }
}
