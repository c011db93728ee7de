import type { VendorSlot } from './vendor-slot.ts';

/**
 * Shares requests by weight, evenly in time: smooth weighted round robin. Each time every candidate gains its weight,
 * the richest goes first and pays what all gained together.
 */
export class Rotation {
  readonly #credit = new Map<VendorSlot, number>();

  /** The candidates in the order of being asked: the one whose turn it is, then the others by weight. */
  order(candidates: readonly VendorSlot[]): VendorSlot[] {
    let total = 0;
    let first = candidates[0];
    for (const slot of candidates) {
      const { weight } = slot.config;
      total += weight;
      this.#credit.set(slot, (this.#credit.get(slot) ?? 0) + weight);
    }
    for (const slot of candidates) {
      if (
        slot.config.weight > 0 &&
        (first!.config.weight === 0 || this.#credit.get(slot)! > this.#credit.get(first!)!)
      )
        first = slot;
    }
    if (!first) return [];
    this.#credit.set(first, this.#credit.get(first)! - total);
    const others = candidates.filter((slot) => slot !== first);
    return [first, ...others.sort((a, b) => b.config.weight - a.config.weight)];
  }
}
