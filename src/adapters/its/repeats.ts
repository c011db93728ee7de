/** Between two notes of one kind, ms: a vendor that sends nothing but damage ten times a second shall not bury the rest. */
const PAUSE_MS = 10_000;

/** Holds back what was said already a moment ago. Keys must be of a bounded number. */
export class Repeats {
  readonly #said = new Map<string, { atMs: number; held: number }>();

  /** The text if it is to be told now, with the number of those that were held back since; else undefined. */
  pass(key: string, text: string, nowMs: number): string | undefined {
    const before = this.#said.get(key);
    if (before && nowMs - before.atMs < PAUSE_MS) {
      before.held++;
      return undefined;
    }
    this.#said.set(key, { atMs: nowMs, held: 0 });
    return before && before.held > 0 ? `${text} (${before.held} more like it before)` : text;
  }
}
