import { Refusal } from '../../types.ts';

/** Which point clouds of a source to use, by their index within their channel: a Python slice with `step` ≥ 1. */
export interface FrameRange {
  readonly start: number;
  /** first index that is left out; Infinity for "to the end" */
  readonly stop: number;
  readonly step: number;
}

/**
 * Parses `START:STOP:STEP`, each part a non-negative integer or left out: `0::2` is every even frame, `1::2` every
 * odd one, `10:20` ten frames. Throws a Refusal `bad-frame-range`.
 */
export function parseFrameRange(text: string): FrameRange {
  const parts = /^(\d*):(\d*)(?::(\d*))?$/.exec(text.trim());
  const [start, stop, step] = [parts?.[1], parts?.[2], parts?.[3]].map((part) =>
    part ? Number(part) : undefined,
  );
  const range = { start: start ?? 0, stop: stop ?? Infinity, step: step ?? 1 };
  const exact = Object.values(range).every((value) => value === Infinity || Number.isSafeInteger(value));
  if (!parts || !exact || range.step < 1) {
    throw new Refusal(
      'bad-frame-range',
      `expected START:STOP:STEP of non-negative whole numbers with STEP ≥ 1, found "${text}"; write for example 0::2`,
    );
  }
  return range;
}

/** Whether the range holds the index. No range holds them all. */
export function selectsFrame(range: FrameRange | undefined, index: number): boolean {
  if (!range) return true;
  return index >= range.start && index < range.stop && (index - range.start) % range.step === 0;
}

/** How many of the indices 0 … total − 1 the range holds. */
export function countFrames(range: FrameRange | undefined, total: number): number {
  if (!range) return total;
  return Math.max(0, Math.ceil((Math.min(range.stop, total) - range.start) / range.step));
}
