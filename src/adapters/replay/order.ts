import type { Stamp } from '../../types.ts';
import { compareRaw, damageReason, errorText, type RawMessage, type ReportDamage } from './bag-file.ts';

/** A part of a bag that is read as a whole: a chunk. Its messages may be in any order. */
export interface Block {
  /** no message of the block is outside [start, end] */
  readonly start: Stamp;
  readonly end: Stamp;
  load(): Promise<RawMessage[]>;
}

/**
 * The messages of all blocks by (arrival, channel, sequence), then by place in the bag. Holds only the blocks that
 * overlap in time. A block that cannot be read is reported and left out.
 */
export async function* inOrder(blocks: readonly Block[], report: ReportDamage): AsyncGenerator<RawMessage> {
  const waiting = blocks.toSorted((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
  let ready: RawMessage[] = [];
  let taken = 0;
  for (let next = 0; next < waiting.length || taken < ready.length; ) {
    const head = ready[taken];
    const block = waiting[next];
    if (block && (!head || block.start <= head.arrival)) {
      next++;
      ready = [...ready.slice(taken), ...(await loadBlock(block, report))].sort(compareRaw);
      taken = 0;
    } else if (head) {
      taken++;
      yield head;
    }
  }
}

async function loadBlock(block: Block, report: ReportDamage): Promise<RawMessage[]> {
  try {
    const messages = await block.load();
    const stray = messages.find(({ arrival }) => arrival < block.start || arrival > block.end);
    if (!stray) return messages;
    const detail = `expected messages within ${block.start} … ${block.end} ns as the index says, found ${stray.arrival}`;
    report({ reason: 'damaged-bag', detail: `${detail}; run the recorder's reindex tool` });
  } catch (error) {
    report({ reason: damageReason(error), detail: errorText(error) });
  }
  return [];
}

/** Merges streams that are each in order; equal keys keep the order of the streams. */
export async function* mergeSorted(
  streams: readonly AsyncIterable<RawMessage>[],
): AsyncGenerator<RawMessage> {
  const iterators = streams.map((stream) => stream[Symbol.asyncIterator]());
  try {
    const heads = await Promise.all(iterators.map(async (iterator) => (await iterator.next()).value));
    for (;;) {
      let first = -1;
      for (let i = 0; i < heads.length; i++) {
        if (heads[i] && (first < 0 || compareRaw(heads[i], heads[first]) < 0)) first = i;
      }
      if (first < 0) return;
      yield heads[first];
      heads[first] = (await iterators[first]!.next()).value;
    }
  } finally {
    await Promise.all(iterators.map((iterator) => iterator.return?.()));
  }
}
